// LabLoad.cs - the clients' load: each runs one operation after the other on few keys, with values that are never used twice, and begins the
// next a few milliseconds after it began the one before. Everything is recorded: the history for the checker, samples for the gaps.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Firecloud.Tests.Checker;

namespace Firecloud.Tests.Lab;

/// <summary>Clients at work.</summary>
/// <param name="clients">In the order of their numbers.</param>
/// <param name="counts">Whether the store has increments.</param>
/// <param name="seed">Of the choice of operations and keys.</param>
/// <param name="patience">How long a client waits for one answer.</param>
internal sealed class LabLoad(IReadOnlyList<ILabClient> clients, bool counts, int seed, TimeSpan patience) : IAsyncDisposable
{
    private const int Keys = 12;
    private const int Counters = 3;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    private readonly HistoryRecorder _recorder = new();
    private readonly ConcurrentQueue<Sample> _samples = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly long[] _servedUs = [.. Enumerable.Repeat(long.MinValue, clients.Count)];   // when each one's newest success began
    private long _beganUs;
    private long _stallUs;
    private Task? _running;

    /// <summary>Microseconds from the begin of the scenario.</summary>
    public long NowUs => RawUs - Volatile.Read(ref _beganUs);

    /// <summary>The longest that a timer of this process came late since the scenario began, ms: what the machine itself took.</summary>
    public double StallMs => Interlocked.Read(ref _stallUs) / 1000.0;

    public IReadOnlyList<Operation> History => _recorder.ToHistory();

    /// <summary>In order of return.</summary>
    public IReadOnlyList<Sample> Samples => [.. _samples.OrderBy(s => s.ReturnUs).Select(s => s with { CallUs = s.CallUs - _beganUs, ReturnUs = s.ReturnUs - _beganUs })];

    private long RawUs => (long)((Stopwatch.GetTimestamp() - _start) * 1e6 / Stopwatch.Frequency);

    public void Start() => _running = Task.WhenAll([.. clients.Select((c, i) => Task.Run(() => RunAsync(i, c, new Random(seed + i)))), Task.Run(WatchAsync)]);

    /// <summary>The scenario begins now, at 0: what was before it has negative times.</summary>
    public void Begin()
    {
        Interlocked.Exchange(ref _stallUs, 0);
        Volatile.Write(ref _beganUs, RawUs);
    }

    /// <summary>Whether a client had a success that began since then, microseconds from the begin of the scenario.</summary>
    public bool HasServed(int client, long sinceUs) => Volatile.Read(ref _servedUs[client]) >= sinceUs + Volatile.Read(ref _beganUs);

    /// <summary>Ends the load when every call has ended.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        if (_running is not null) await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var client in clients) await client.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(int number, ILabClient client, Random random)
    {
        var seen = new Dictionary<string, HistoryVersion?>();
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var operation = Next(number, i, random, seen);
            var call = _recorder.Call(operation);
            var callUs = RawUs;
            var answer = await client.RunAsync(operation, patience);
            var returnUs = RawUs;
            _recorder.Return(call, answer.Answer);
            _samples.Enqueue(new Sample(number, callUs, returnUs, answer.Error, answer.Answer.Outcome == Outcome.Unknown, $"{HistoryText.Request(operation)}: {answer.Text}"));
            if (answer.Error is null) Volatile.Write(ref _servedUs[number], callUs);
            if (answer.Error is null && operation.Kind != OperationKind.Increment) Note(seen, operation, answer.Answer);
            var rest = Pace - TimeSpan.FromMicroseconds(RawUs - callUs);
            if (rest > TimeSpan.Zero) await Task.Delay(rest);
        }
    }

    private Operation Next(int number, int i, Random random, Dictionary<string, HistoryVersion?> seen)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"k{random.Next(Keys)}");
        var value = string.Create(CultureInfo.InvariantCulture, $"{number}.{i}");
        return random.Next(10) switch
        {
            < 4 => Operation.Get(number, key),
            < 7 => Operation.Put(number, key, value),
            7 when counts => Operation.Increment(number, string.Create(CultureInfo.InvariantCulture, $"n{random.Next(Counters)}"), 1),
            _ when seen.TryGetValue(key, out var version) => Operation.CompareAndSetByVersion(number, key, version, value),
            _ => Operation.Get(number, key),
        };
    }

    // The version that the next compare-and-set of the key expects. A put that told none, and a no, make it guess wrong: also worth a try.
    private static void Note(Dictionary<string, HistoryVersion?> seen, Operation operation, Answer answer)
    {
        if (answer.Version is not null || operation.Kind == OperationKind.Get) seen[operation.Key] = answer.Version;
        else if (operation.Kind == OperationKind.CompareAndSetByVersion) seen.Remove(operation.Key);
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var before = RawUs;
            await Task.Delay(Pace);
            var late = RawUs - before - (long)Pace.TotalMicroseconds;
            if (late > Interlocked.Read(ref _stallUs)) Interlocked.Exchange(ref _stallUs, late);
        }
    }
}
