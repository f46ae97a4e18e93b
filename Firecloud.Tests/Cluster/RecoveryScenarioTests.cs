using System.Globalization;
using System.Text;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Cluster;

/// <summary>Memory lost, writes missed, tombstones dropped: four real nodes over the UDP transport (protocol.md sections 7, 8).</summary>
public sealed class RecoveryScenarioTests
{
    [Fact]
    public async Task Each_node_in_turn_is_killed_started_again_and_recovers_by_itself()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var i = 0; i < 500; i++) AssertDone(await cluster.PutAsync(i % 4, $"k{i}", $"v{i}"));
        for (var node = 0; node < 4; node++)
        {
            await cluster.CrashAsync(node);
            AssertDone(await cluster.PutAsync((node + 1) % 4, $"during{node}", "x"));
            cluster.StartNode(node);
            foreach (var other in cluster.Up) await cluster.UntilAsync(other, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
            Assert.True(cluster.Node(node).Counters.Keys >= 500);
        }
        // All four lost their memory one after the other, and nothing was lost.
        for (var i = 0; i < 500; i += 7) AssertDone(await cluster.GetAsync(i % 4, $"k{i}"), $"v{i}");
        for (var node = 0; node < 4; node++) AssertDone(await cluster.GetAsync(node, $"during{node}"), "x");
    }

    [Fact]
    public async Task Without_a_quorum_of_memory_it_stops_and_says_what_it_needs_until_an_operator_forces_it()
    {
        await using var cluster = await TestCluster.StartAsync();
        AssertDone(await cluster.PutAsync(2, "k", "v"));
        await cluster.CrashAsync(0);
        await cluster.CrashAsync(1);
        cluster.StartNode(0);
        cluster.StartNode(1);
        await cluster.UntilAsync(0, s => s.State == "recovering" && s.Why!.Contains("needs the memory", StringComparison.Ordinal));
        await cluster.UntilAsync(1, s => s.State == "recovering" && s.Why!.Contains("needs the memory", StringComparison.Ordinal));
        await cluster.UntilAsync(2, s => s is { VotesReachable: 2, Serving: false });
        var refused = await cluster.PutAsync(2, "k", "w");
        Assert.Equal((ResultKind.Refused, RefusalReason.NoQuorum), (refused.Kind, refused.Reason));

        await cluster.Node(0).ForceRecoveryAsync(TimeSpan.FromSeconds(5));
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.Members.All(m => m.Voting));
        AssertDone(await cluster.GetAsync(0, "k"), "v");   // the two that kept it had it, so here nothing was lost
    }

    [Fact]
    public async Task A_node_that_was_cut_off_catches_up_until_the_hash_trees_are_equal()
    {
        await using var cluster = await TestCluster.StartAsync(settings: "firecloud.coordinator.max-lingering = 16");
        await cluster.CutAsync([3], [0, 1, 2]);
        await cluster.UntilAsync(0, s => !s.Members[3].Reachable);
        for (var i = 0; i < 3000; i++) AssertDone(await cluster.PutAsync(i % 3, $"k{i}", $"v{i}"));
        Assert.Equal(0, cluster.Node(3).Counters.Keys);
        await cluster.CutAsync([3], [0, 1, 2], heal: true);
        await cluster.UntilAsync(3, s => s.Counters["keys"] == 3000 && s.Members.All(m => m.DifferingShards == 0));
        Assert.True(cluster.Node(3).Counters.Heard > 2000);
        Assert.Equal(0, cluster.Node(3).Counters.Divergent);
        for (var i = 0; i < 3000; i += 97) AssertDone(await cluster.GetAsync(3, $"k{i}"), $"v{i}");
    }

    [Fact]
    public async Task Deleted_keys_leave_no_trace_once_every_member_has_confirmed()
    {
        await using var cluster = await TestCluster.StartAsync(settings: "firecloud.coordinator.drop-after = 500 ms");
        var keys = Enumerable.Range(0, 2000).Select(i => $"k{i}").ToArray();
        foreach (var key in keys) AssertDone(await cluster.PutAsync(0, key, "v"));
        await cluster.CutAsync([3], [0, 1, 2]);
        await cluster.UntilAsync(0, s => !s.Members[3].Reachable);
        foreach (var key in keys) AssertDone(await cluster.RunAsync(0, key, Operation.Delete()));
        // One member does not know yet, so nothing may be dropped.
        Assert.Equal(2000, cluster.Node(1).Counters.Keys);
        await cluster.CutAsync([3], [0, 1, 2], heal: true);
        for (var node = 0; node < 4; node++)
        {
            await cluster.UntilAsync(node, s => s.Counters["keys"] == 0 && s.Members.All(m => m.DifferingShards == 0));
        }
        foreach (var key in keys.Take(50)) Assert.Null((await cluster.GetAsync(3, key)).Value);
    }

    [Fact]
    public async Task A_hundred_thousand_deleted_keys_are_counted_by_neither_memory_nor_tree()
    {
        await using var cluster = await TestCluster.StartAsync();
        var keys = Enumerable.Range(0, 100_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"k{i}")).ToArray();
        await ForAll(keys, async key => AssertDone(await cluster.PutAsync(key.Length & 3, key, "v")));
        Assert.True(cluster.Node(0).Counters.Keys >= 100_000 - 1000, $"{cluster.Node(0).Counters.Keys} keys");
        await ForAll(keys, async key => AssertDone(await cluster.RunAsync(key.Length & 3, key, Operation.Delete())));
        for (var node = 0; node < 4; node++)
        {
            // What the owners did not get to drop at once goes by some hundreds a second: how much that is hangs on the machine.
            await cluster.UntilAsync(node, s => s.Counters["keys"] == 0 && s.Members.All(m => m.DifferingShards == 0), s => s.Counters["keys"]);
        }
        foreach (var key in keys.Take(50)) Assert.Null((await cluster.GetAsync(3, key)).Value);
    }

    private static Task ForAll(string[] keys, Func<string, Task> run) => Parallel.ForEachAsync(
        keys, new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (key, _) => await run(key));

    [Fact]
    public async Task Increments_survive_the_loss_of_any_memory()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var round = 0; round < 4; round++)
        {
            var result = await cluster.RunAsync(round, "counter", Operation.Increment(1));
            Assert.Equal((ResultKind.Done, round + 1L), (result.Kind, result.Number));
            await cluster.CrashAsync(round);
            cluster.StartNode(round);
            foreach (var other in cluster.Up) await cluster.UntilAsync(other, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
        }
        Assert.Equal("4", Encoding.UTF8.GetString((await cluster.GetAsync(1, "counter")).Value!));
    }

    private static void AssertDone(OperationResult result, string? value = null)
    {
        Assert.True(result.Kind == ResultKind.Done, string.Create(CultureInfo.InvariantCulture, $"{result.Kind}: {result.Message}"));
        if (value is not null) Assert.Equal(value, Encoding.UTF8.GetString(result.Value ?? []));
    }
}
