using System.Text;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Cluster;

/// <summary>Who serves while which nodes are down: four real nodes over the UDP transport.</summary>
public sealed class QuorumScenarioTests
{
    [Fact]
    public async Task What_is_put_at_one_node_is_got_at_every_other()
    {
        await using var cluster = await TestCluster.StartAsync();
        for (var at = 0; at < 4; at++)
        {
            AssertDone(await cluster.PutAsync(at, $"greeting{at}", $"hello{at}"));
            for (var from = 0; from < 4; from++) AssertDone(await cluster.GetAsync(from, $"greeting{at}"), $"hello{at}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1, 2)]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    public async Task With_these_nodes_down_every_live_node_serves(params int[] down)
    {
        await using var cluster = await TestCluster.StartAsync();
        AssertDone(await cluster.PutAsync(3, "before", "kept"));
        foreach (var node in down) await cluster.CrashAsync(node);
        foreach (var at in cluster.Up)
        {
            AssertDone(await cluster.PutAsync(at, $"k{at}", "v"));
            foreach (var from in cluster.Up) AssertDone(await cluster.GetAsync(from, $"k{at}"), "v");
            AssertDone(await cluster.GetAsync(at, "before"), "kept");
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(0, 3)]
    [InlineData(0, 1, 2)]
    [InlineData(1, 2, 3)]
    public async Task With_these_nodes_down_every_live_node_refuses_within_a_second(params int[] down)
    {
        await using var cluster = await TestCluster.StartAsync();
        foreach (var node in down) await cluster.CrashAsync(node);
        await cluster.UntilSeenAsync(down);
        var reachable = 5 - down.Sum(d => d == 0 ? 2 : 1);
        foreach (var at in cluster.Up)
        {
            foreach (var operation in new[] { Operation.Put("v"u8.ToArray()), Operation.Get, Operation.Increment(1) })
            {
                var clock = System.Diagnostics.Stopwatch.StartNew();
                var result = await cluster.RunAsync(at, "k", operation, timeoutMs: 10_000);
                Assert.True(clock.ElapsedMilliseconds < 1000, $"{clock.ElapsedMilliseconds} ms");
                Assert.Equal(ResultKind.Refused, result.Kind);
                Assert.Equal(RefusalReason.NoQuorum, result.Reason);
                Assert.Equal((reachable, 3), (result.VotesReachable, result.VotesNeeded));
                Assert.Contains($"{reachable} of 3 votes", result.Message, StringComparison.Ordinal);
            }
        }
    }

    private static void AssertDone(OperationResult result, string? value = null)
    {
        Assert.True(result.Kind == ResultKind.Done, $"{result.Kind}: {result.Message}");
        if (value is not null) Assert.Equal(value, Encoding.UTF8.GetString(result.Value ?? []));
    }
}
