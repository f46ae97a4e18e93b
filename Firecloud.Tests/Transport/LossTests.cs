// LossTests.cs - throughput under loss, reordering and overload, on virtual time: what decides is the rules, not the machine.
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public class LossTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1_200, 100, 0.05, 0.9)]
    [InlineData(1_472, 1_000, 0.05, 0.8)]
    [InlineData(1_472, 5_000, 0.05, 0.5)]
    [InlineData(8_972, 200, 0.05, 0.8)]
    [InlineData(8_972, 5_000, 0.05, 0.5)]
    [InlineData(65_507, 200, 0.05, 0.8)]
    [InlineData(65_507, 5_000, 0.05, 0.5)]
    [InlineData(1_472, 1_000, 0.1, 0.5)]
    [InlineData(8_972, 1_000, 0.1, 0.5)]
    public void Loss_by_chance_costs_little_throughput(int datagram, long roundTrip, double loss, double least)
    {
        double Rate(double chance)
        {
            var mesh = new FlowMesh(1, senders: 1, datagram) { RoundTrip = roundTrip, Loss = chance };
            mesh.Run(100_000);
            return mesh.Run(200_000);
        }
        var (whole, lossy) = (Rate(0), Rate(loss));
        output.WriteLine($"{whole:0.0} bytes per microsecond, with loss {lossy:0.0}");
        Assert.True(lossy >= least * whole, $"{lossy:0.0} of {whole:0.0} bytes per microsecond");
    }

    [Theory]
    [InlineData(1, 64 << 10)]
    [InlineData(4, 64 << 10)]
    [InlineData(16, 256 << 10)]
    [InlineData(16, 4 << 20)]
    [InlineData(64, 4 << 20)]
    public void A_queue_that_overflows_does_not_collapse_and_nobody_starves(int senders, long queue)
    {
        var mesh = new FlowMesh(1, senders) { RoundTrip = 500, Queue = queue };
        mesh.Run(200_000);
        var before = Enumerable.Range(0, senders).Select(mesh.DeliveredBy).ToArray();
        var sent = mesh.DatagramsSent;
        var rate = mesh.Run(300_000);
        var shares = Enumerable.Range(0, senders).Select(i => (mesh.DeliveredBy(i) - before[i]) / (rate * 300_000 / senders)).Order().ToList();
        output.WriteLine($"{rate:0.0} bytes per microsecond, {mesh.DatagramsSent - sent} datagrams, {mesh.Overflowed} overflowed, shares {shares[0]:0.00} to {shares[^1]:0.00}");
        Assert.True(rate >= 0.9 * mesh.Rate, $"{rate:0.0} of {mesh.Rate} bytes per microsecond");
        Assert.Equal(0, mesh.Unreachables);
        Assert.True(shares[0] > 0.1, $"one had {shares[0]:0.00} of its share");
    }

    [Fact]
    public void The_last_of_a_burst_goes_twice_on_a_lossy_link()
    {
        var mesh = new FlowMesh(1, senders: 1) { Loss = 0.05, Writes = false };
        var late = 0;
        for (var i = 0; i < 3_000; i++)
        {
            var before = mesh.Delivered;
            mesh.Write();
            mesh.Run(3_000);  // shorter than any probe time-out
            if (mesh.Delivered == before && i >= 1_000) late++;
        }
        output.WriteLine($"{late} of 2,000 were late, {mesh.Sender().Counters.Repeated} repeated");
        Assert.InRange(late, 0, 40);  // 5 % would be 100
        mesh.Loss = 0;
        mesh.Writes = true;
        mesh.Run(200_000);
        mesh.Writes = false;
        mesh.Run(200_000);
        var repeated = mesh.Sender().Counters.Repeated;
        for (var i = 0; i < 100; i++)
        {
            mesh.Write();
            mesh.Run(3_000);
        }
        Assert.Equal(repeated, mesh.Sender().Counters.Repeated);
    }

    [Fact]
    public void An_overflowing_queue_is_not_answered_with_repetitions()
    {
        // 300 senders with a small message each 2 ms: 150,000 a second, of some 170 bytes; 20 bytes per microsecond are some 118,000.
        var mesh = new FlowMesh(1, senders: 300) { Rate = 20, Queue = 200_000, Writes = false };
        for (var round = 0; round < 150; round++)
        {
            for (var i = 0; i < 300; i++) mesh.Write(i);
            mesh.Run(2_000);
        }
        var (repeated, sent) = (0L, 0L);
        for (var i = 0; i < 300; i++)
        {
            repeated += mesh.Sender(i).Counters.Repeated;
            sent += mesh.Sender(i).Counters.PacketsOut;
        }
        output.WriteLine($"{repeated} of {sent} repeated, {mesh.Overflowed} overflowed");
        Assert.True(mesh.Overflowed > 0);
        Assert.True(repeated < sent / 20, $"{repeated} of {sent}");
    }

    [Fact]
    public void Datagrams_that_come_late_are_not_taken_for_lost_again_and_again()
    {
        var mesh = new FlowMesh(1, senders: 1) { RoundTrip = 2_000, Late = 0.05, LateBy = 1_500 };
        mesh.Run(100_000);
        var (early, sent) = (mesh.Sender().Counters.Lost, mesh.Sender().Counters.PacketsOut);
        var rate = mesh.Run(300_000);
        var (late, more) = (mesh.Sender().Counters.Lost - early, mesh.Sender().Counters.PacketsOut - sent);
        output.WriteLine($"{early} of {sent}, then {late} of {more} called lost, {mesh.Sender().Counters.Spurious} in error");
        Assert.True(mesh.Sender().Counters.Spurious > 0);
        Assert.True(late < more / 500, $"{late} of {more} were called lost");
        Assert.True(rate > 0.9 * mesh.Rate);
    }

    [Fact]
    public void The_window_grows_as_in_RFC_9002_and_shrinks_by_a_share_of_losses()
    {
        var window = new CongestionWindow(initial: 100_000, max: 256_000);
        window.OnAcked(1_000, 1, 100_000, now: 5);
        Assert.Equal(101_000, window.Bytes);          // slow start
        window.OnAcked(1_000, 2, 20_000, now: 6);
        Assert.Equal(101_000, window.Bytes);          // not used, not grown
        for (var i = 0; i < 5; i++) window.OnLost(sentAt: 7);
        for (var i = 0; i < 45; i++) window.OnAcked(10, 7, 0, now: 10);
        window.OnAcked(10, 11, 0, now: 15);
        Assert.Equal(101_000, window.Bytes);          // 5 of 53: by chance
        for (var i = 0; i < 20; i++) window.OnLost(sentAt: 12);
        for (var i = 0; i < 40; i++) window.OnAcked(10, 12, 0, now: 16);
        window.OnAcked(10, 16, 0, now: 20);
        Assert.Equal(101_000 * 68 / 100, window.Bytes);  // 20 of 61 (32 %): too many
        for (var i = 0; i < 60; i++) window.OnLost(sentAt: 13);
        window.OnAcked(10, 20, 0, now: 25);
        window.OnAcked(10, 26, 0, now: 30);
        Assert.Equal(68_680, window.Bytes);           // sent before it shrank: they say nothing new
        for (var i = 0; i < 69; i++) window.OnAcked(1_000, 31, 68_680, now: 40);
        Assert.InRange(window.Bytes, 68_680 + 980, 68_680 + 1_000);  // 1/256 of the bound for each window
        for (var i = 0; i < 60; i++) window.OnLost(sentAt: 41);
        window.OnSpurious(60);
        window.OnAcked(1_000, 42, 0, now: 50);
        Assert.InRange(window.Bytes, 69_660, 69_680);
        window.OnPersistentCongestion();
        Assert.Equal(CongestionWindow.Least, window.Bytes);
        for (var i = 0; i < 1_000; i++) window.OnAcked(100_000, 100 + i, 256_000, now: 200 + i);
        Assert.Equal(256_000, window.Bytes);
    }

    [Fact]
    public void Thresholds_grow_with_each_error_up_to_a_bound_and_shrink_again()
    {
        var reordering = new Reordering();
        reordering.OnLost(10);
        Assert.Equal(0, reordering.OnAck(Frames.Ack(12, 20), 9));
        Assert.Equal((3, 9), (reordering.Packets, reordering.Eighths));
        Assert.Equal(1, reordering.OnAck(Frames.Ack(10, 20), 0));
        Assert.Equal((11, 11), (reordering.Packets, reordering.Eighths));
        Assert.Equal(0, reordering.OnAck(Frames.Ack(10, 20), 0));  // once
        for (var i = 0; i < 1_000; i++) reordering.OnLost(i);
        Assert.Equal(32, reordering.OnAck(Frames.Ack(0, 5_000), 0));  // the last ones
        Assert.Equal((int.MaxValue, Reordering.MostEighths), (reordering.Packets, reordering.Eighths));
        reordering.OnAck(Frames.Ack(0, 6_000), Reordering.ForgetAfter);
        Assert.Equal(int.MaxValue, reordering.Packets);
        reordering.OnAck(Frames.Ack(0, 6_001), 1);
        Assert.Equal((3, 9), (reordering.Packets, reordering.Eighths));
    }

    private static class Frames
    {
        public static AckFrame Ack(long first, long last)
        {
            var ranges = new AckRanges();
            for (var i = first; i <= last; i++) ranges.Add(i);
            var bytes = new byte[AckRanges.MaxFrameSize];
            var from = (ReadOnlySpan<byte>)bytes.AsSpan(1, ranges.WriteFrame(bytes, 0) - 1);
            var frame = new AckFrame();
            Assert.True(frame.TryRead(ref from));
            return frame;
        }
    }
}
