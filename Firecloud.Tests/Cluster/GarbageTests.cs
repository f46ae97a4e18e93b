// GarbageTests.cs - bytes of strangers change counters and nothing else.
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;
using Firecloud.Client;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

public sealed class GarbageTests(ITestOutputHelper output)
{
    private const int Datagrams = 20_000;

    [Fact]
    public async Task Random_cut_off_and_damaged_datagrams_only_count()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var cluster = await TestCluster.StartAsync();
        await cluster.PutAsync(0, "k", "v");
        var real = await CaptureAsync();
        Assert.NotEmpty(real);
        var before = await StatisticsAsync(cluster, 0);
        using var socket = new UdpClient();
        socket.Connect(IPAddress.Loopback, cluster.Ports[0]);
        for (var i = 0; i < Datagrams; i++)
        {
            socket.Send(i % 2 == 0 ? Noise(random) : Damaged(random, real[random.Next(real.Count)]));
            if (i % 200 == 199) await Task.Delay(1);   // or the kernel's buffer drops most of them
        }
        for (var node = 0; node < 4; node++)
        {
            Assert.Equal(ResultKind.Done, (await cluster.PutAsync(node, $"k{node}", "v")).Kind);
            Assert.Equal(ResultKind.Done, (await cluster.GetAsync(3 - node, $"k{node}")).Kind);
            await cluster.UntilAsync(node, s => s is { State: "voting", VotesReachable: 5 });
        }
        var after = await StatisticsAsync(cluster, 0);
        var counted = after.Malformed + after.WrongChecksum + after.UnknownSession - before.Malformed - before.WrongChecksum - before.UnknownSession;
        Assert.True(counted > Datagrams / 4, $"{counted} of {Datagrams} were counted");
        Assert.Equal(0, after.InternalErrors);
        Assert.Equal(0, cluster.Node(0).Counters.BadFrames);
    }

    [Fact]
    public async Task Frames_that_are_no_message_or_the_wrong_one_only_count()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var cluster = await TestCluster.StartAsync();
        await cluster.PutAsync(0, "k", "v");
        var config = ConfigurationFactory.ParseString("akka.loglevel = ERROR").WithFallback(FirecloudClient.ActorSystemConfig);
        using var stranger = ActorSystem.Create("stranger", config);
        var actors = new[] { "replica", "coordinator", "master", "links" };
        var wrong = new Dictionary<string, object>
        {
            ["replica"] = new AnnouncementBatch(1, []), ["coordinator"] = new Firecloud.Actors.Protocol.Hello(1, 1, 1),
            ["master"] = new ReplyBatch(1, []), ["links"] = new StatusRequest(),
        };
        foreach (var name in actors)
        {
            var actor = Resolve(stranger, cluster.Ports[1], name);
            for (var i = 0; i < 200; i++) actor.Tell(new Frame(Noise(random)));
            actor.Tell(new Frame(Codec.Encode(wrong[name])));
            // Of another cluster: not even looked at.
            actor.Tell(new Frame(Codec.Encode(new StatusRequest(), 12345)));
        }
        await cluster.UntilAsync(1, s => s.Counters["badFrames"] >= actors.Length * 202);
        Assert.Equal(actors.Length * 202, cluster.Node(1).Counters.BadFrames);
        for (var node = 0; node < 4; node++)
        {
            await cluster.UntilAsync(node, s => s is { State: "voting", VotesReachable: 5 });
            var got = await cluster.GetAsync(node, "k");
            Assert.Equal(ResultKind.Done, got.Kind);
            Assert.Equal("v"u8.ToArray(), got.Value!);
        }
    }

    // Byte 0 is never the format, so that none is a message by chance.
    private static byte[] Noise(Random random)
    {
        var bytes = new byte[random.Next(1, 1400)];
        random.NextBytes(bytes);
        if (bytes[0] == Codec.Format) bytes[0] = 0;
        return bytes;
    }

    private static byte[] Damaged(Random random, byte[] real)
    {
        if (random.Next(2) == 0) return real[..random.Next(real.Length)];
        var bytes = real.ToArray();
        for (var i = random.Next(1, 5); i > 0; i--) bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        return bytes;
    }

    // What a client's transport sends to a node it wants to reach.
    private static async Task<List<byte[]>> CaptureAsync()
    {
        using var listener = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)listener.Client.LocalEndPoint!).Port;
        var captured = new List<byte[]>();
        var connect = FirecloudClient.ConnectAsync([$"127.0.0.1:{port}"], new FirecloudClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(500) });
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        try
        {
            while (captured.Count < 10) captured.Add((await listener.ReceiveAsync(stop.Token)).Buffer);
        }
        catch (OperationCanceledException)
        {
            // what came in that time is enough
        }
        await Assert.ThrowsAsync<FirecloudException>(() => connect);
        return captured;
    }

    private static async Task<TransportStatistics> StatisticsAsync(TestCluster cluster, int node)
    {
        TransportStatistics? statistics = null;
        await UdpTransport.Manage(cluster.System(node), new GetStatistics(s => statistics = s));
        return statistics!;
    }

    private static IActorRef Resolve(ActorSystem system, int port, string name) => ((ExtendedActorSystem)system).Provider.ResolveActorRef(
        $"akka.udp://firecloud@127.0.0.1:{port}/user/{FirecloudNode.ActorName}/{name}");
}
