// ConformanceTests.cs - what Akka.Remote needs of a transport, over real sockets with real actor systems.
using System.Diagnostics;
using Akka.Actor;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public class ConformanceTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Two_systems_exchange_messages_in_order()
    {
        await using var a = UdpSystem.Start();
        await using var b = UdpSystem.Start();
        for (var i = 0; i < 5_000; i++) a.At(b, "recorder").Tell(i);
        await UdpSystem.Until(() => b.Received.Count >= 5_000, "5,000 messages");
        Assert.Equal(Enumerable.Range(0, 5_000).Cast<object>(), b.Received);
        var peer = await a.Peer(b);
        Assert.True(peer.Reachable);
        output.WriteLine($"{peer}");
    }

    [Fact]
    public async Task Round_trips_and_throughput()
    {
        await using var a = UdpSystem.Start();
        await using var b = UdpSystem.Start();
        var echo = await a.At(b, "echo").ResolveOne(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 500; i++) await echo.Ask<string>("x");
        var times = new List<double>();
        for (var i = 0; i < 1_000; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await echo.Ask<string>("x");
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        times.Sort();
        output.WriteLine($"ask: p50 {times[500]:0} us, p99 {times[990]:0} us");
        var recorder = await a.At(b, "recorder").ResolveOne(TimeSpan.FromSeconds(5));
        foreach (var (size, count) in new[] { (64, 50_000), (1_024, 20_000), (16_384, 4_000), (262_144, 200) })
        {
            b.Received.Clear();
            var body = new byte[size];
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < count; i++) recorder.Tell(body);
            while (b.Received.Count < count && watch.Elapsed.TotalSeconds < 20) await Task.Delay(1);
            Assert.True(b.Received.Count == count, $"{b.Received.Count} of {count} messages of {size} B; {await a.Peer(b)}");
            output.WriteLine($"{size} B: {count / watch.Elapsed.TotalSeconds:0} msg/s, {count * (double)size / watch.Elapsed.TotalSeconds / 1e6:0} MB/s");
        }
        output.WriteLine($"{await a.Peer(b)}");
    }
}
