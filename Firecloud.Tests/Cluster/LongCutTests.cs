using System.Diagnostics;
using System.Globalization;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

/// <summary>A node that misses many writes and comes back under load (protocol.md section 8).</summary>
public sealed class LongCutTests(ITestOutputHelper output)
{
    /// <summary>How long the cut lasts, seconds; the environment may ask for more than a test run has time for.</summary>
    private static readonly int CutSeconds =
        int.TryParse(Environment.GetEnvironmentVariable("FIRECLOUD_CUT_SECONDS"), CultureInfo.InvariantCulture, out var s) ? s : 5;

    private const int CatchUpSeconds = 2;

    [Fact]
    public async Task A_node_that_was_cut_off_under_load_becomes_equal_to_the_others()
    {
        await using var cluster = await TestCluster.StartAsync();
        var seed = Random.Shared.Next();
        var load = new CheckedLoad([.. cluster.Ports.Select(p => $"127.0.0.1:{p}")], keys: 20_000, seed);
        var clock = new Stopwatch();
        var result = await load.RunAsync(async () =>
        {
            var before = await RateAsync(load, CutSeconds);
            await cluster.CutAsync([3], [0, 1, 2]);
            var during = await RateAsync(load, CutSeconds);
            var keys = cluster.Node(3).Counters.Keys;
            await cluster.CutAsync([3], [0, 1, 2], heal: true);
            clock.Start();
            // Under load no two moments of two nodes are equal, so the load ends before they are compared.
            var meanwhile = await RateAsync(load, CatchUpSeconds);
            var after = await RateAsync(load, CatchUpSeconds);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"seed {seed}, cut of {CutSeconds} s; operations/s before {before:0}, during the cut {during:0}, in {CatchUpSeconds} s after it {meanwhile:0}, in the next {CatchUpSeconds} s {after:0}; "
                + $"keys of the node before {keys}, after {cluster.Node(3).Counters.Keys}, records taken {cluster.Node(3).Counters.Heard}"));
        });
        output.WriteLine($"{result}");
        for (var node = 0; node < 4; node++)
        {
            await cluster.UntilAsync(node, s => s.Members.All(m => m is { Reachable: true, DifferingShards: 0 }) && s.Counters["behind"] == 0);
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"equal {clock.Elapsed.TotalSeconds:0.0} s after the cut, {2 * CatchUpSeconds} s of them under load"));
        Assert.Equal(0, result.Refused);
        Assert.True(cluster.Node(3).Counters.Heard > 0, "it had nothing to take");
        for (var node = 0; node < 4; node++)
        {
            // What was deleted last is dropped some seconds later.
            await cluster.UntilAsync(node, s => s.Counters["keys"] == cluster.Node(0).Counters.Keys && s.Counters["divergent"] == 0);
        }
    }

    private static async Task<double> RateAsync(CheckedLoad load, int seconds)
    {
        var (clock, start) = (Stopwatch.StartNew(), load.Operations);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        return (load.Operations - start) / clock.Elapsed.TotalSeconds;
    }
}
