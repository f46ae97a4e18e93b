// RoundTripCountTests.cs - protocol.md section 5: what one operation costs between nodes, counted by the nodes themselves.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Cluster;

/// <summary>Messages of single operations on keys that nobody has touched before.</summary>
public sealed class RoundTripCountTests
{
    // One batch to each of the three others is one round trip. Nothing may be asked again while the test counts.
    private const int OneRoundTrip = 3;
    private const string Settings = "firecloud { shards = 1, cluster = off, coordinator.resend-after = 60 s }";

    [Fact]
    public async Task Every_operation_on_an_untouched_key_costs_what_the_protocol_says()
    {
        await using var cluster = await TestCluster.StartAsync(settings: Settings);

        // Nobody owns the shard yet.
        Assert.Equal(Cost(at: 2, OneRoundTrip), await CountAsync(cluster, () => cluster.GetAsync(2, "a")));
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.GetAsync(0, "b")));
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.PutAsync(0, "c", "v")));

        // Node 0 owns it: blind writes there and reads elsewhere cost one round trip between replicas.
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.PutAsync(0, "d", "v")));
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.GetAsync(0, "d")));
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.RunAsync(0, "d", Operation.CompareAndSet("v"u8.ToArray(), "w"u8.ToArray()))));
        for (var reader = 1; reader < 4; reader++)
        {
            Assert.Equal(Cost(reader, OneRoundTrip), await CountAsync(cluster, () => cluster.GetAsync(reader, $"f{reader}")));
            Assert.Equal(Cost(reader, OneRoundTrip), await CountAsync(cluster, () => cluster.GetAsync(reader, "d")));
        }

        // A get of a key that the owner does not know: the Lookup that it begins is its Confirm as well.
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.GetAsync(0, "x")));

        // A read-modify-write of a key that is not in the cache looks it up first.
        Assert.Equal(Cost(at: 0, 2 * OneRoundTrip), await CountAsync(cluster, () => cluster.RunAsync(0, "g", Operation.Increment(1))));
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.RunAsync(0, "g", Operation.Increment(1))));

        // Writes elsewhere go to the owner, whose replicas are asked once.
        await cluster.PutAsync(3, "h", "v");
        Assert.Equal(Cost(at: 0, OneRoundTrip), await CountAsync(cluster, () => cluster.PutAsync(3, "i", "v"), forwarded: 1));

        // A blind delete too; last, because its tombstone is dropped by one more message to all once every member has taken it.
        var delete = await CountAsync(cluster, () => cluster.RunAsync(0, "e", Operation.Delete()));
        Assert.Contains(delete, new[] { Cost(at: 0, OneRoundTrip), Cost(at: 0, 2 * OneRoundTrip) });
    }

    private static (long, long, long, long) Cost(int at, int messages) =>
        (at == 0 ? messages : 0, at == 1 ? messages : 0, at == 2 ? messages : 0, at == 3 ? messages : 0);

    private static async Task<(long, long, long, long)> CountAsync(TestCluster cluster, Func<Task<OperationResult>> run, int forwarded = 0)
    {
        var before = Enumerable.Range(0, 4).Select(i => Sent(cluster, i)).ToArray();
        var passed = Enumerable.Range(0, 4).Sum(i => cluster.Node(i).Counters.RequestsForwarded);
        var result = await run();
        Assert.True(result.Kind == ResultKind.Done, result.Message);
        Assert.Equal(forwarded, Enumerable.Range(0, 4).Sum(i => cluster.Node(i).Counters.RequestsForwarded) - passed);
        var now = Enumerable.Range(0, 4).Select(i => Sent(cluster, i) - before[i]).ToArray();
        return (now[0], now[1], now[2], now[3]);
    }

    private static long Sent(TestCluster cluster, int node) => cluster.Node(node).Counters.ReplicaRequestsSent;
}
