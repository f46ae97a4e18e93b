using System.Net;
using System.Net.Sockets;
using System.Text;
using Firecloud.Actors.Protocol;
using Firecloud.Host.Kv739;
using Firecloud.Tests.Cluster;
using Xunit;

namespace Firecloud.Tests.Kv739;

public sealed class ClaimTests
{
    [Fact]
    public async Task A_claim_goes_by_itself_whatever_becomes_of_the_node_that_wrote_it()
    {
        await using var cluster = await TestCluster.StartAsync([2, 1]);
        await using var server = await Kv739Server.StartAsync(cluster.System(1), cluster.Node(1));
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var began = DateTimeOffset.UtcNow;
        for (var i = 0; i < 2; i++)
        {
            // The second time the claim is found.
            await socket.SendAsync("PUT [k] [v] [17]"u8.ToArray(), new IPEndPoint(IPAddress.Loopback, cluster.Ports[1]), late.Token);
            Assert.Equal("OK [17] []", Encoding.ASCII.GetString((await socket.ReceiveAsync(late.Token)).Buffer));
        }
        var claim = new PendingCall(ReservedKeys.Create($"kv739 {socket.Client.LocalEndPoint} 17"), Operation.Get with { ReturnsExpiry = true }, 5000);
        cluster.Node(0).Submit(claim);
        var kept = await claim.Task;
        Assert.NotNull(kept.Value);
        Assert.InRange(kept.ExpiresAt, began.AddMinutes(10).ToUnixTimeMilliseconds(), DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeMilliseconds());
    }
}
