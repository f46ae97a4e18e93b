// RotationTests.cs - relays in the middle of a change of secrets: members on real sockets that don't have the same ones.
using Firecloud.Actors.Transport;
using Firecloud.Tests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport.Sealing;

public class RotationTests(ITestOutputHelper output)
{
    private const string Old = "an old secret of the members";
    private const string New = "the new secret of the members";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Two that changed theirs can't reach each other but by way of the third, which has not, or has nothing else any more.
    [Theory]
    [InlineData(New + "," + Old, Old)]
    [InlineData(Old + "," + New, New)]
    public async Task A_node_that_has_one_of_the_secrets_only_relays(string ofTwo, string ofRelay)
    {
        var ports = TestCluster.FreePorts(3);
        var names = ports.Select(p => $"127.0.0.1:{p}").ToArray();
        await using var a = Start(ports, 0, ofTwo);
        await using var b = Start(ports, 1, ofRelay);
        await using var c = Start(ports, 2, ofTwo);
        foreach (var (from, to) in new[] { (a, b), (b, a), (b, c), (c, b), (a, c), (c, a) }) await from.AskUntilAnswered(to, Patience);
        await a.Fault(c, LinkFault.Cut);
        await c.Fault(a, LinkFault.Cut);
        await UdpSystem.Until(() => RelaysOf(a, c) == names[1] && RelaysOf(c, a) == names[1], "routes by the relay", 20);
        output.WriteLine($"{await a.AskUntilAnswered(c, Patience)} and {await c.AskUntilAnswered(a, Patience)}");
        // Every probe of those it has a session with can be read.
        var before = (await b.Statistics()).WrongKey;
        var probes = (await b.Statistics()).DatagramsIn;
        await UdpSystem.Until(() => b.Statistics().Result.DatagramsIn > probes + 100, "a hundred more datagrams, of which many are probes");
        Assert.Equal(before, (await b.Statistics()).WrongKey);
        Assert.Equal((0, 0), ((await a.Statistics()).InternalErrors, (await b.Statistics()).InternalErrors));
    }

    private static string RelaysOf(UdpSystem from, UdpSystem to) =>
        from.Peer(to).Result is { RouteKnown: true } peer ? string.Join(' ', peer.Relays) : "";

    private static UdpSystem Start(int[] ports, int node, string secrets) => UdpSystem.Start(ports[node], SealedSystemTests.Members(secrets.Split(','))
        + $"akka.remote.firecloud-udp.members = [{string.Join(", ", ports.Select(p => $"\"127.0.0.1:{p}\""))}]");
}
