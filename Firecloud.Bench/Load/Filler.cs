using Firecloud.Bench.Peers;

namespace Firecloud.Bench.Load;

/// <summary>Puts keys once each, many at a time.</summary>
internal sealed class Filler : ICaller
{
    private const int MostConnections = 64;
    private const long MostBytesUnderWay = 8 << 20;
    private const int MostFailures = 100;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<Call, IConnection> _connections = [];
    private readonly int _end;
    private int _next;
    private int _underWay;
    private int _failures;
    private string? _why;

    private Filler(int first, int count) => (_next, _end) = (first - 1, first + count);

    /// <summary>Puts keys once, so that gets and swaps find them; a put that is not done is tried again.</summary>
    /// <param name="peer">Where.</param>
    /// <param name="first">The first key.</param>
    /// <param name="count">How many.</param>
    /// <param name="bytes">Of each value.</param>
    /// <exception cref="BenchException">A hundred puts were not done.</exception>
    public static async Task FillAsync(IPeer peer, int first, int count, int bytes)
    {
        var filler = new Filler(first, count);
        var underWay = (int)Math.Clamp(MostBytesUnderWay / bytes, 1, Math.Min(peer.FillDepth, count));
        var connections = await peer.ConnectAsync(Math.Min(MostConnections, underWay), new Dataset(bytes));
        for (var i = 0; i < underWay; i++)
        {
            var call = new Call(filler) { Kind = Kind.Put, Key = Interlocked.Increment(ref filler._next) };
            filler._connections.Add(call, connections[i % connections.Count]);
        }
        filler._underWay = underWay;
        foreach (var (call, connection) in filler._connections) connection.Begin(call);
        await filler._ended.Task;
        foreach (var connection in connections) await connection.DisposeAsync();
        if (filler._failures >= MostFailures) throw new BenchException($"{filler._failures} of {count} puts were not done; the store can't be filled. The last answer: {filler._why ?? "none"}");
    }

    public void Ended(Call call, bool done)
    {
        if (!done) _why = call.Why;
        if (!done && Interlocked.Increment(ref _failures) < MostFailures)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => _connections[call].Begin(call), null);   // it may have ended within Begin
            return;
        }
        call.Key = Interlocked.Increment(ref _next);
        if (call.Key < _end && Volatile.Read(ref _failures) < MostFailures) _connections[call].Begin(call);
        else if (Interlocked.Decrement(ref _underWay) == 0) _ended.TrySetResult();
    }
}
