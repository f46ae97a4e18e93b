using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Remote;
using Firecloud.Actors.Protocol;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

/// <summary>Two nodes are cut off from the two others for long: nothing may be left of it afterwards.</summary>
public sealed class LongSplitTests(ITestOutputHelper output)
{
    /// <summary>How long the cut lasts, seconds; the environment may ask for more than a test run has time for.</summary>
    private static readonly int CutSeconds =
        int.TryParse(Environment.GetEnvironmentVariable("FIRECLOUD_SPLIT_SECONDS"), CultureInfo.InvariantCulture, out var s) ? s : 8;

    [Fact]
    public async Task A_split_into_two_and_two_heals_without_a_quarantine_or_a_restart()
    {
        await using var cluster = await TestCluster.StartAsync();
        var quarantines = new ConcurrentBag<string>();
        for (var node = 0; node < 4; node++) Watch(cluster.System(node), quarantines);
        var uids = Uids(cluster);
        var (served, refused, slowest) = (0, 0, 0.0);

        await cluster.CutAsync([0, 1], [2, 3]);
        foreach (var cutOff in new[] { 2, 3 }) await cluster.UntilAsync(cutOff, s => s is { Serving: false, VotesReachable: 2 });
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(CutSeconds);)
        {
            foreach (var node in new[] { 0, 1 })
            {
                var done = await cluster.PutAsync(node, $"k{served}", "v");
                Assert.True(done.Kind == ResultKind.Done, done.Message);
                served++;
            }
            foreach (var node in new[] { 2, 3 })
            {
                var watch = Stopwatch.StartNew();
                var result = await cluster.PutAsync(node, "refused", "v");
                slowest = Math.Max(slowest, watch.Elapsed.TotalMilliseconds);
                Assert.Equal((ResultKind.Refused, RefusalReason.NoQuorum), (result.Kind, result.Reason));
                refused++;
            }
            await Task.Delay(50);
        }
        await cluster.CutAsync([0, 1], [2, 3], heal: true);
        var healing = Stopwatch.StartNew();
        foreach (var node in new[] { 2, 3 })
        {
            while ((await cluster.PutAsync(node, $"after{node}", "v")).Kind != ResultKind.Done)
            {
                Assert.True(healing.Elapsed < TimeSpan.FromSeconds(20), $"node {node} does not serve again");
                await Task.Delay(5);
            }
        }
        var healed = healing.Elapsed.TotalMilliseconds;
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.VotesReachable == 5);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"cut for {CutSeconds} s: {served} served, {refused} refused, the slowest refusal after {slowest:0} ms; served everywhere {healed:0} ms after the healing"));
        Assert.Empty(quarantines);
        Assert.Equal(uids, Uids(cluster));
        for (var node = 0; node < 4; node++) Assert.Equal(ResultKind.Done, (await cluster.GetAsync(node, "k0")).Kind);
    }

    private static long[] Uids(TestCluster cluster) =>
        [.. Enumerable.Range(0, 4).Select(n => (long)AddressUidExtension.Uid(cluster.System(n)))];

    private static void Watch(ActorSystem system, ConcurrentBag<string> quarantines) =>
        system.ActorOf(Props.Create(() => new QuarantineWatch(quarantines)));

    private sealed class QuarantineWatch(ConcurrentBag<string> seen) : UntypedActor
    {
        protected override void PreStart()
        {
            Context.System.EventStream.Subscribe(Self, typeof(QuarantinedEvent));
            Context.System.EventStream.Subscribe(Self, typeof(ThisActorSystemQuarantinedEvent));
        }

        protected override void OnReceive(object message) => seen.Add($"{message}");
    }
}
