using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

/// <summary>Histories of concurrent clients against real nodes that are killed, started again and cut off, checked.</summary>
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_node_is_killed_and_started_again_three_times_under_load()
    {
        await using var cluster = await TestCluster.StartAsync();
        await RunAsync(cluster, async () =>
        {
            for (var round = 0; round < 3; round++)
            {
                for (var node = 0; node < cluster.Count; node++)
                {
                    await cluster.CrashAsync(node);
                    await Task.Delay(200);   // load goes on without it for a while
                    cluster.StartNode(node);
                    foreach (var each in cluster.Up) await cluster.UntilAsync(each, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
                }
            }
        });
    }

    [Fact]
    public async Task Nodes_are_cut_off_one_after_the_other_under_load()
    {
        await using var cluster = await TestCluster.StartAsync();
        await RunAsync(cluster, async () =>
        {
            for (var node = 0; node < cluster.Count; node++)
            {
                var others = Enumerable.Range(0, cluster.Count).Where(n => n != node).ToArray();
                await cluster.CutAsync([node], others);
                await cluster.UntilAsync(others[0], s => !s.Members[node].Reachable);
                await Task.Delay(300);   // load goes on without it for a while
                await cluster.CutAsync([node], others, heal: true);
                // Another one is cut off only when this one is back for everybody: two at once may leave no quorum.
                foreach (var each in cluster.Up) await cluster.UntilAsync(each, s => s.Members.All(m => m.Reachable));
            }
        });
        for (var node = 0; node < cluster.Count; node++)
        {
            await cluster.UntilAsync(node, s => s.Members.All(m => m.DifferingShards == 0) && s.Counters["divergent"] == 0);
        }
    }

    private async Task RunAsync(TestCluster cluster, Func<Task> faults)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var result = await new CheckedLoad([.. cluster.Ports.Select(p => $"127.0.0.1:{p}")], keys: 40, seed).RunAsync(faults);
        output.WriteLine($"{result}");
        Assert.True(result.Done > 1000, $"{result}");
        Assert.Equal(0, result.Refused);   // every retry window is longer than any of these faults
    }
}
