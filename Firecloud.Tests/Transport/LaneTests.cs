// LaneTests.cs - what bulk does to small messages of the same pair of nodes. They share one stream, whose order is promised, so a
// small message waits for what was written before it: producers of bulk keep few bytes under way (docs/architecture.md).
using System.Diagnostics;
using Akka.Actor;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public class LaneTests(ITestOutputHelper output)
{
    private const int Piece = 48 << 10;
    private const long Bulk = 64L << 20;

    [Fact]
    public async Task Bulk_that_goes_piece_by_piece_hardly_delays_small_messages()
    {
        var (paced, _, queued) = await PingWhile(underWay: 1);
        var (_, flood, _) = await PingWhile(underWay: int.MaxValue);
        Assert.True(queued <= 2 * Piece, $"{queued} bytes waited");
        Assert.True(paced < flood / 4, $"usually {paced:0} us while pieces go one by one, up to {flood:0} us while all go at once");
    }

    /// <summary>Lets 64 MiB flow and pings meanwhile.</summary>
    /// <param name="underWay">Pieces not yet answered.</param>
    /// <returns>Median and most of the pings, microseconds; most bytes seen waiting in the transport.</returns>
    private async Task<(double Median, double Most, long Queued)> PingWhile(int underWay)
    {
        await using var a = UdpSystem.Start();
        await using var b = UdpSystem.Start();
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(5));
        b.System.ActorOf(Props.Create(() => new Sink()), "sink");
        var echo = await a.At(b, "echo").ResolveOne(TimeSpan.FromSeconds(5));
        var sink = await a.At(b, "sink").ResolveOne(TimeSpan.FromSeconds(5));
        var done = new TaskCompletionSource();
        var times = new List<double>();
        var queued = 0L;
        var watch = Stopwatch.StartNew();
        a.System.ActorOf(Props.Create(() => new Source(sink, underWay, done)));
        while (!done.Task.IsCompleted)
        {
            var begin = Stopwatch.GetTimestamp();
            await echo.Ask<string>("ping", TimeSpan.FromSeconds(30));
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
            if (times.Count % 8 == 0) queued = Math.Max(queued, (await a.Peer(b)).QueuedBytes);
        }
        times.Sort();
        var rate = Bulk / watch.Elapsed.TotalMicroseconds;
        output.WriteLine($"{underWay} under way: {rate:0} MB/s; {times.Count} pings, median {times[times.Count / 2]:0} us, most {times[^1]:0} us");
        return (times[times.Count / 2], times[^1], queued);
    }

    private sealed class Sink : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(((byte[])message).Length);
    }

    private sealed class Source(IActorRef to, int underWay, TaskCompletionSource done) : UntypedActor
    {
        private readonly byte[] _piece = new byte[Piece];
        private long _sent;
        private long _answered;

        protected override void PreStart()
        {
            for (var i = 0; i < underWay && _sent < Bulk; i++) Send();
        }

        protected override void OnReceive(object message)
        {
            _answered += Piece;
            if (_sent < Bulk) Send();
            else if (_answered >= _sent) done.TrySetResult();
        }

        private void Send()
        {
            to.Tell(_piece);
            _sent += Piece;
        }
    }
}
