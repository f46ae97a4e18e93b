// RouteScenarioTests.cs - links are cut so that a way remains between all nodes: every node goes on serving as if nothing was.
using System.Diagnostics;
using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

public sealed class RouteScenarioTests(ITestOutputHelper output)
{
    // Directed links that are cut, as from-to. The master is node 0.
    [Theory]
    [InlineData("chain, the master at its end", "02 20 03 30 13 31")]
    [InlineData("chain, the master inside", "12 21 13 31 03 30")]
    [InlineData("star around node 1", "02 20 03 30 23 32")]
    [InlineData("one way from the master to each", "01 02")]
    public async Task While_a_way_remains_every_node_serves_without_an_error(string shape, string cuts)
    {
        await using var cluster = await TestCluster.StartAsync();
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, cluster.Count).Select(n => LoadAsync(cluster, n, stop.Token)).ToArray();
        await Task.Delay(300);
        foreach (var cut in cuts.Split(' ')) await CutAsync(cluster, cut, new LinkFault { DropIn = 1 });
        foreach (var cut in cuts.Split(' '))
        {
            await cluster.UntilAsync(cut[0] - '0', s => s.Members[cut[1] - '0'].Route!.StartsWith("via 127.0.0.1:", StringComparison.Ordinal));
        }
        for (var node = 0; node < cluster.Count; node++) await cluster.UntilAsync(node, s => s is { Serving: true, VotesReachable: 5 });
        await Task.Delay(500);
        foreach (var cut in cuts.Split(' ')) await CutAsync(cluster, cut, null);
        foreach (var cut in cuts.Split(' ')) await cluster.UntilAsync(cut[0] - '0', s => s.Members[cut[1] - '0'].Route == "direct");
        await stop.CancelAsync();
        var results = await Task.WhenAll(load);
        output.WriteLine($"{shape}: {results.Sum(r => r.Done)} operations, longest {results.Max(r => r.Longest):0} ms");
        Assert.All(results, r => Assert.Null(r.Failure));
        Assert.All(results, r => Assert.True(r.Done > 10));
    }

    private static Task CutAsync(TestCluster cluster, string link, LinkFault? fault) => cluster.FaultAsync(link[1] - '0', link[0] - '0', fault);

    // A light load of one client that knows this node only.
    private static async Task<(int Done, double Longest, string? Failure)> LoadAsync(TestCluster cluster, int node, CancellationToken stop)
    {
        var (done, longest) = (0, 0.0);
        var random = new Random(node);
        while (!stop.IsCancellationRequested)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"k{random.Next(30)}");
            var watch = Stopwatch.StartNew();
            var result = random.Next(2) == 0
                ? await cluster.PutAsync(node, key, "v", timeoutMs: 15_000)
                : await cluster.GetAsync(node, key, timeoutMs: 15_000);
            longest = Math.Max(longest, watch.Elapsed.TotalMilliseconds);
            if (result.Kind != ResultKind.Done) return (done, longest, $"node {node}, {key}: {result.Kind} {result.Message}");
            done++;
            await Task.Delay(5, CancellationToken.None);
        }
        return (done, longest, null);
    }
}
