// NameTests.cs - members that are written as names, on real sockets.
using Firecloud.Tests.Cluster;
using Xunit;

namespace Firecloud.Tests.Transport;

public class NameTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // How the list names both, the same on both; each binds what the list calls it.
    [Theory]
    [InlineData("localhost", "localhost")]
    [InlineData("localhost", "127.0.0.1")]
    [InlineData("127.0.0.1", "localhost")]
    public async Task Members_that_are_written_as_names_find_each_other(string first, string second)
    {
        var ports = TestCluster.FreePorts(2);
        string[] names = [$"{first}:{ports[0]}", $"{second}:{ports[1]}"];
        await using var a = Start(first, ports[0], names);
        await using var b = Start(second, ports[1], names);
        Assert.Equal((first, second), (a.Address.Host, b.Address.Host));
        await a.AskUntilAnswered(b, Patience);
        await b.AskUntilAnswered(a, Patience);
        // As members: by number, heard by their probes, with a route.
        await UdpSystem.Until(() => a.Peer(b).Result is { Member: 1, Heard: true, RouteKnown: true, Relays.Count: 0 }, "the second is known to the first");
        await UdpSystem.Until(() => b.Peer(a).Result is { Member: 0, Heard: true, RouteKnown: true, Relays.Count: 0 }, "the first is known to the second");
        Assert.Equal((0, 0), ((await a.Statistics()).RelayRefused, (await b.Statistics()).RelayRefused));
    }

    [Fact]
    public async Task A_cluster_of_names_serves()
    {
        await using var cluster = await TestCluster.StartAsync([1, 1, 1], host: "localhost");
        for (var node = 0; node < 3; node++) Assert.Equal(Firecloud.Actors.Protocol.ResultKind.Done, (await cluster.PutAsync(node, $"k{node}", "v")).Kind);
        await cluster.UntilAsync(0, s => s.Members.Skip(1).All(m => m.Heard));
    }

    private static UdpSystem Start(string host, int port, string[] members) => UdpSystem.Start(port, $$"""
        akka.remote.firecloud-udp {
          hostname = "{{host}}"
          members = [{{string.Join(", ", members.Select(m => $"\"{m}\""))}}]
        }
        """);
}
