using System.Diagnostics;
using System.Text;
using Firecloud.Client;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>Processes that are killed, leave, and come back.</summary>
public sealed class FailureTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task With_one_node_killed_every_live_node_serves(int victim)
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await cluster.PutAtAsync(victim, "before", "kept");
        await cluster.Node(victim).KillAsync();
        await ServesEverywhereAsync(cluster);
    }

    [Fact]
    public async Task Without_the_master_the_others_serve_and_without_a_second_node_they_refuse_at_once()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await cluster.PutAtAsync(0, "before", "kept");
        await cluster.Node(0).KillAsync();
        await ServesEverywhereAsync(cluster);

        await cluster.Node(1).KillAsync();
        await cluster.UntilSilentAsync(0, 1);
        foreach (var node in new[] { 2, 3 })
        {
            foreach (var text in new[] { "GET [before] [71]", "PUT [before] [lost] [72]" })
            {
                var clock = Stopwatch.StartNew();
                Assert.Equal($"FL [{text[^3..^1]}]", await cluster.TextAsync(node, Encoding.UTF8.GetBytes(text)));
                Assert.True(clock.ElapsedMilliseconds < 1000, $"{text} took {clock.ElapsedMilliseconds} ms");
            }
        }
        var watch = Stopwatch.StartNew();
        var refused = Assert.IsType<Refused<Entry?>>(await cluster.Client.GetAsync("before"));
        Assert.True(watch.ElapsedMilliseconds < 1000, $"{watch.ElapsedMilliseconds} ms");
        Assert.Equal((2, 3), (refused.VotesReachable, refused.VotesNeeded));

        var put = await cluster.RunAsync("put", "before", "lost", "--node", cluster.Addresses[3]);
        Assert.Equal(3, put.ExitCode);
        Assert.Matches("^refused: 2 of 3 votes needed can be reached from 127.0.0.1:[0-9]+. Nothing was written; it is safe to try again.\n$", put.Errors);
        var status = await cluster.RunAsync("status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains($"{cluster.Addresses[0]}  silent", status.Output, StringComparison.Ordinal);
        Assert.Contains($"{cluster.Addresses[3]}  voting, refuses: 2 votes in reach, 3 needed", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_told_to_end_returns_0_and_the_others_notice()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await cluster.PutAtAsync(3, "before", "kept");
        var (exitCode, took) = await cluster.Node(3).TerminateAsync();
        var clock = Stopwatch.StartNew();
        Assert.True(exitCode == 0, cluster.Node(3).Log);
        Assert.True(took < TimeSpan.FromSeconds(8), $"{took}");
        await cluster.UntilSilentAsync(3);
        Assert.True(clock.ElapsedMilliseconds < 1000, $"It was noticed after {clock.ElapsedMilliseconds} ms.");
        await ServesEverywhereAsync(cluster);
    }

    [Fact]
    public async Task A_node_that_comes_back_without_its_memory_gets_it_from_the_others_and_votes_again()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await cluster.PutAtAsync(2, "before", "kept");
        await cluster.Node(2).KillAsync();
        await cluster.UntilSilentAsync(2);   // or what they still think of its last life passes for the next one's vote
        cluster.Start(2);
        foreach (var node in cluster.Up.ToArray()) await cluster.UntilAsync(node, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
        Assert.Contains("Recovered ", cluster.Node(2).Log, StringComparison.Ordinal);

        // Its vote counts: without the master it and two others are the quorum.
        await cluster.Node(0).KillAsync();
        await cluster.UntilSilentAsync(0);
        await ServesEverywhereAsync(cluster);
    }

    [Fact]
    public async Task A_node_that_comes_back_to_too_few_others_says_so_and_does_not_vote()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await cluster.Node(0).KillAsync();
        await cluster.RestartAsync(2);
        await cluster.UntilAsync(2, s => s.State == "recovering");
        foreach (var node in new[] { 1, 3 }) await cluster.UntilAsync(node, s => s.Members[2] is { Reachable: true, Voting: false });
        var status = await cluster.StatusAsync(2);
        Assert.Contains("has lost its memory", status.Why, StringComparison.Ordinal);
        Assert.Contains("does not vote yet", status.Why, StringComparison.Ordinal);
        Assert.Equal((false, 0L), (status.Serving, status.Counters["keys"]));
        var refused = Assert.IsType<Refused<Entry?>>(await cluster.Client.GetAsync("key"));
        Assert.Equal((2, 3), (refused.VotesReachable, refused.VotesNeeded));
        var told = await cluster.RunAsync("status", "--node", cluster.Addresses[2]);
        Assert.Equal(1, told.ExitCode);
        Assert.Contains("recovering, refuses", told.Output, StringComparison.Ordinal);
    }

    private static async Task ServesEverywhereAsync(ProcessCluster cluster)
    {
        foreach (var node in cluster.Up.ToArray())
        {
            await cluster.AssertAtAsync(node, "before", "kept");
            await cluster.PutAtAsync(node, $"at {node}", $"v{node}");
            foreach (var other in cluster.Up) await cluster.AssertAtAsync(other, $"at {node}", $"v{node}");
        }
        Assert.True((await cluster.Client.PutAsync("client", "v")).IsDone);
        var get = await cluster.RunAsync("get", "client", "--node", cluster.Addresses[cluster.Up.Last()]);
        Assert.True(get is { ExitCode: 0, Output: "v\n" }, $"{get}");
    }
}
