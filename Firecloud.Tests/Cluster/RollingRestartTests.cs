using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Firecloud.Client;
using Firecloud.Tests.Checker;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

/// <summary>Histories of concurrent clients against real nodes that are killed, started again and cut off, checked.</summary>
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    private const int Clients = 8;

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
        var nodes = cluster.Ports.Select(p => $"127.0.0.1:{p}").ToArray();
        var recorder = new HistoryRecorder();
        var gaps = new ConcurrentBag<double>();
        using var stop = new CancellationTokenSource();
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var clients = Enumerable.Range(0, Clients).Select(i => Task.Run(() => LoadAsync(i, nodes, new Random(seed + i), recorder, gaps, stop.Token))).ToArray();
        await faults();
        await stop.CancelAsync();
        await Task.WhenAll(clients);

        var history = recorder.ToHistory();
        string Count(Outcome outcome) => history.Count(o => o.Answer.Outcome == outcome).ToString(CultureInfo.InvariantCulture);
        output.WriteLine($"{history.Count} operations: {Count(Outcome.Done)} done, {Count(Outcome.Refused)} refused, "
            + $"{Count(Outcome.Unknown)} unknown; longest wait of any client {gaps.Max():0} ms");
        Assert.True(history.Count > 1000, $"only {history.Count} operations");
        Assert.Equal("0", Count(Outcome.Refused));   // every retry window is longer than any of these faults
        var result = LinearizabilityChecker.Check(history);
        Assert.True(result.IsOk, $"seed {seed}\n{result}");
    }

    private static async Task LoadAsync(
        int number, string[] nodes, Random random, HistoryRecorder recorder, ConcurrentBag<double> gaps, CancellationToken stop)
    {
        await using var client = await FirecloudClient.ConnectAsync(nodes, new FirecloudClientOptions { OperationTimeout = TimeSpan.FromSeconds(15) }, stop);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"k{random.Next(40)}");
            var value = string.Create(CultureInfo.InvariantCulture, $"{number}.{i}");
            var clock = Stopwatch.StartNew();
            await RunOneAsync(client, number, key, value, random, recorder);
            gaps.Add(clock.Elapsed.TotalMilliseconds);
        }
    }

    private static async Task RunOneAsync(
        FirecloudClient client, int number, string key, string value, Random random, HistoryRecorder recorder)
    {
        switch (random.Next(10))
        {
            case < 4:
                var get = recorder.Call(Operation.Get(number, key));
                recorder.Return(get, AnswerOf(await client.GetAsync(key), e => Answer.Got(e?.Text, e is null ? null : VersionOf(e.Version))));
                break;
            case < 6:
                var put = recorder.Call(Operation.Put(number, key, value));
                recorder.Return(put, AnswerOf(await client.PutAsync(key, value), v => Answer.Written(VersionOf(v))));
                break;
            case 6:
                var swap = recorder.Call(Operation.PutReturningOld(number, key, value));
                recorder.Return(swap, AnswerOf(await client.PutReturningOldAsync(key, value), OldOf));
                break;
            case 7:
                var delete = recorder.Call(Operation.Delete(number, key));
                recorder.Return(delete, AnswerOf(await client.DeleteAsync(key), _ => Answer.Written()));
                break;
            case 8:
                var expected = (await client.GetAsync(key)) is Done<Entry?> { Value: { } entry } ? entry.Text : null;
                var cas = recorder.Call(Operation.CompareAndSet(number, key, expected, value));
                recorder.Return(cas, AnswerOf(await client.CompareAndSetAsync(key, expected is null ? default(StoreValue?) : StoreValue.FromString(expected), StoreValue.FromString(value)),
                    s => s.Swapped ? Answer.Swapped(VersionOf(s.Version)) : Answer.NotSwapped()));
                break;
            default:
                var counter = string.Create(CultureInfo.InvariantCulture, $"counter{random.Next(3)}");
                var add = recorder.Call(Operation.Increment(number, counter, 1));
                recorder.Return(add, AnswerOf(await client.IncrementAsync(counter), n => Answer.Counted(n)));
                break;
        }
    }

    private static Answer OldOf(Replaced replaced)
    {
        var version = VersionOf(replaced.Version);
        if (!replaced.OldKnown) return Answer.OldNotKnown(version);
        return Answer.WithOld(replaced.Old is { } old ? System.Text.Encoding.UTF8.GetString(old.Span) : null, version);
    }

    private static Answer AnswerOf<T>(Answer<T> answer, Func<T, Answer> done) => answer switch
    {
        Done<T> result => done(result.Value),
        Refused<T> => Answer.Refused,
        _ => Answer.Unknown,
    };

    private static HistoryVersion? VersionOf(Firecloud.Actors.Protocol.Version version) => version.IsNone
        ? null
        : new HistoryVersion(version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);
}
