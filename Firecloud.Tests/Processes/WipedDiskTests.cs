using Firecloud.Tests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Processes;

/// <summary>Processes that are killed and lose their disk, one after the other, the master too, while clients go on.</summary>
public sealed class WipedDiskTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_node_in_turn_loses_its_disk_under_load_and_nothing_is_lost()
    {
        await using var cluster = await ProcessCluster.StartAsync(onDisk: true);
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var load = new CheckedLoad(cluster.Addresses, keys: 1000, seed);
        var result = await load.RunAsync(async () =>
        {
            for (var node = 0; node < 4; node++)
            {
                await cluster.Node(node).KillAsync();
                Directory.Delete(cluster.FolderOf(node), recursive: true);
                cluster.Start(node);
                foreach (var each in cluster.Up.ToArray()) await cluster.UntilAsync(each, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
                Assert.Contains("began with an empty folder", cluster.Node(node).Log, StringComparison.Ordinal);
            }
        });
        output.WriteLine($"{result}");
        Assert.Equal(0, result.Refused);
        foreach (var each in cluster.Up.ToArray())
        {
            await cluster.UntilAsync(each, s => s.Members.All(m => m.DifferingShards == 0) && s.Counters["divergent"] == 0);
        }
        // All four have lost everything once; what they have now is on disk again.
        Assert.True((await cluster.Client.PutAsync("after", "value")).IsDone);
        await cluster.KillAllAsync();
        for (var node = 0; node < 4; node++) cluster.Start(node);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
        Assert.Equal("value", (await cluster.Client.GetAsync("after")).Result?.Text);
    }
}
