// PartitionScenarioTests.cs - protocol.md sections 1 and 2: who serves while links are cut.
using System.Diagnostics;
using System.Text;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Cluster;

public sealed class PartitionScenarioTests
{
    private static readonly Operation[] Operations =
        [Operation.Put("v"u8.ToArray()), Operation.Get, Operation.Increment(1), Operation.CompareAndSet((byte[]?)null, "x"u8.ToArray())];

    [Fact]
    public async Task In_a_two_two_partition_the_masters_half_serves_and_the_other_refuses_fast_until_it_heals()
    {
        await using var cluster = await TestCluster.StartAsync();
        AssertDone(await cluster.PutAsync(3, "before", "kept"));
        await cluster.CutAsync([0, 1], [2, 3]);
        foreach (var cutOff in new[] { 2, 3 }) await cluster.UntilAsync(cutOff, s => s is { Serving: false, VotesReachable: 2 });
        foreach (var serving in new[] { 0, 1 }) await cluster.UntilAsync(serving, s => s is { Serving: true, VotesReachable: 3 });
        for (var round = 0; round < 3; round++)
        {
            foreach (var serving in new[] { 0, 1 })
            {
                AssertDone(await cluster.PutAsync(serving, $"k{serving}{round}", "v"));
                AssertDone(await cluster.GetAsync(1 - serving, $"k{serving}{round}"), "v");
                AssertDone(await cluster.GetAsync(serving, "before"), "kept");
            }
            foreach (var cutOff in new[] { 2, 3 })
            {
                foreach (var operation in Operations) await AssertRefusedFastAsync(cluster, cutOff, operation);
            }
        }
        await cluster.CutAsync([0, 1], [2, 3], heal: true);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.VotesReachable == 5);
        for (var node = 0; node < 4; node++)
        {
            AssertDone(await cluster.GetAsync(node, "k02"), "v");
            AssertDone(await cluster.PutAsync(node, $"after{node}", "v"));
            AssertDone(await cluster.GetAsync(3 - node, $"after{node}"), "v");
            // What was refused did not happen.
            Assert.Null((await cluster.GetAsync(node, "refused")).Value);
        }
    }

    [Fact]
    public async Task With_the_master_and_one_other_out_of_each_others_reach_every_node_still_serves()
    {
        // Without relays, or the cut would be gone around.
        await using var cluster = await TestCluster.StartAsync(settings: "akka.remote.firecloud-udp.relay-rate = 0 B");
        for (var i = 0; i < 8; i++) AssertDone(await cluster.PutAsync(i % 4, $"k{i}", "old"));
        await cluster.CutAsync([0], [3]);
        await cluster.UntilAsync(0, s => !s.Members[3].Reachable);
        await cluster.UntilAsync(3, s => !s.Members[0].Reachable && s.Serving);
        for (var i = 0; i < 8; i++)
        {
            var writer = i % 4;
            var clock = Stopwatch.StartNew();
            AssertDone(await cluster.PutAsync(writer, $"k{i}", $"v{i}"));
            for (var reader = 0; reader < 4; reader++) AssertDone(await cluster.GetAsync(reader, $"k{i}"), $"v{i}");
            Assert.True(clock.ElapsedMilliseconds < 4000, $"key {i}: {clock.ElapsedMilliseconds} ms");
        }
        // Read-modify-writes through both sides of the cut count every one once.
        for (var i = 1; i <= 12; i++)
        {
            var result = await cluster.RunAsync(i % 4, "counter", Operation.Increment(1));
            AssertDone(result);
            Assert.Equal(i, result.Number);
        }
    }

    [Fact]
    public async Task A_write_that_was_under_way_when_the_quorum_went_is_never_answered_as_not_done_and_then_there()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            var put = cluster.PutAsync(0, $"k{i}", "v", timeoutMs: 1500);
            await cluster.CutAsync([0], [1, 2, 3]);
            var result = await put;
            await cluster.CutAsync([0], [1, 2, 3], heal: true);
            for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.VotesReachable == 5);
            var got = await cluster.GetAsync(2, $"k{i}");
            AssertDone(got);
            if (result.Kind == ResultKind.Done) Assert.NotNull(got.Value);
            if (result.Kind == ResultKind.Refused) Assert.Null(got.Value);
        }
    }

    private static async Task AssertRefusedFastAsync(TestCluster cluster, int node, Operation operation)
    {
        var clock = Stopwatch.StartNew();
        var result = await cluster.RunAsync(node, "refused", operation, timeoutMs: 10_000);
        Assert.True(clock.ElapsedMilliseconds < 1000, $"{clock.ElapsedMilliseconds} ms");
        Assert.Equal((ResultKind.Refused, RefusalReason.NoQuorum, 2, 3), (result.Kind, result.Reason, result.VotesReachable, result.VotesNeeded));
    }

    private static void AssertDone(OperationResult result, string? value = null)
    {
        Assert.True(result.Kind == ResultKind.Done, $"{result.Kind}: {result.Message}");
        if (value is not null) Assert.Equal(value, Encoding.UTF8.GetString(result.Value ?? []));
    }
}
