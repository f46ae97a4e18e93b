// DurableTests.cs - nodes that keep their records on disk: restarts, lost disks, damage. Several nodes in this process, over the real
// transport; Processes/ has the same with processes that are killed.
using System.Text;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Cluster;

public class DurableTests
{
    private const int Keys = 200;

    [Fact]
    public async Task After_all_nodes_were_down_a_quorum_serves_what_was_done_without_the_others()
    {
        await using var cluster = await TestCluster.StartAsync(onDisk: true);
        await FillAsync(cluster);
        for (var i = 0; i < 4; i++) await cluster.CrashAsync(i);
        cluster.StartNode(0);
        cluster.StartNode(3);
        await cluster.UntilAsync(3, s => s.Serving);
        await cluster.UntilAsync(0, s => s.Serving);
        await AssertAllAsync(cluster, 3);
        Assert.Equal(ResultKind.Done, (await cluster.PutAsync(0, "new", "value")).Kind);
        cluster.StartNode(1);
        cluster.StartNode(2);
        await cluster.UntilAsync(2, s => s.State == "voting" && s.Members.All(m => m is { Reachable: true, Voting: true }));
        await AssertAllAsync(cluster, 2);
        Assert.Equal("value", await ValueAsync(cluster, 1, "new"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_member_with_a_wiped_disk_recovers_by_itself(int member)
    {
        await using var cluster = await TestCluster.StartAsync(onDisk: true);
        await FillAsync(cluster);
        await cluster.CrashAsync(member);
        cluster.Wipe(member);
        cluster.StartNode(member);
        await cluster.UntilAsync(member, s => s.State == "voting" && s.Counters["keys"] == Keys);
        // It counts again: with it, and without two others that had the records, they are served.
        foreach (var other in member == 0 ? [1, 2] : new[] { 1, 3 }) await cluster.CrashAsync(other);
        await cluster.UntilAsync(member, s => s.Serving && s.VotesReachable == 3);
        await AssertAllAsync(cluster, member);
        // And what it has taken over is its own: it restarts from its disk.
        await cluster.CrashAsync(member);
        cluster.StartNode(member);
        await cluster.UntilAsync(member, s => s.Serving);
        await AssertAllAsync(cluster, member);
    }

    [Fact]
    public async Task With_the_masters_and_another_disk_wiped_they_stop_and_say_what_they_need()
    {
        await using var cluster = await TestCluster.StartAsync(onDisk: true);
        await FillAsync(cluster);
        foreach (var member in new[] { 0, 1 })
        {
            await cluster.CrashAsync(member);
            cluster.Wipe(member);
        }
        cluster.StartNode(0);
        cluster.StartNode(1);
        await cluster.UntilAsync(1, s => s.State == "recovering" && s.Why!.Contains("needs the memory of others with 3 votes", StringComparison.Ordinal));
        var refused = await cluster.PutAsync(2, "key-1", "x");
        Assert.Equal((ResultKind.Refused, RefusalReason.NoQuorum), (refused.Kind, refused.Reason));
        Assert.Contains("recover --force", (await cluster.Node(0).StatusAsync(TimeSpan.FromSeconds(5))).Why, StringComparison.Ordinal);
        Assert.Contains("began with an empty folder", (await cluster.Node(0).StatusAsync(TimeSpan.FromSeconds(5))).Why, StringComparison.Ordinal);
        // The operator gives up what only they knew; the others know all of it here.
        await cluster.Node(0).ForceRecoveryAsync(TimeSpan.FromSeconds(5));
        await cluster.UntilAsync(1, s => s.State == "voting");
        await AssertAllAsync(cluster, 1);
    }

    [Fact]
    public async Task A_recovery_that_is_cut_short_counts_for_nothing()
    {
        await using var cluster = await TestCluster.StartAsync(onDisk: true);
        await FillAsync(cluster);
        await cluster.CrashAsync(1);
        cluster.Wipe(1);
        for (var i = 2; i < 4; i++) await cluster.CrashAsync(i);
        cluster.StartNode(1);   // the master alone has 2 of the 3 votes that it takes
        await cluster.UntilAsync(1, s => s.State == "recovering");
        await cluster.CrashAsync(1);
        cluster.StartNode(1);
        await cluster.UntilAsync(1, s => s.State == "recovering");
        cluster.StartNode(2);
        await cluster.UntilAsync(1, s => s.State == "voting" && s.Counters["keys"] == Keys);
        await AssertAllAsync(cluster, 1);
    }

    internal static async Task FillAsync(TestCluster cluster)
    {
        for (var i = 0; i < Keys; i++) Assert.Equal(ResultKind.Done, (await cluster.PutAsync(i % 4, $"key-{i}", $"value {i}")).Kind);
    }

    internal static async Task AssertAllAsync(TestCluster cluster, int node)
    {
        for (var i = 0; i < Keys; i++) Assert.Equal($"value {i}", await ValueAsync(cluster, node, $"key-{i}"));
    }

    private static async Task<string?> ValueAsync(TestCluster cluster, int node, string key)
    {
        var result = await cluster.GetAsync(node, key);
        Assert.True(result.Kind == ResultKind.Done, $"{key}: {result.Message}");
        return result.Value is null ? null : Encoding.UTF8.GetString(result.Value);
    }
}
