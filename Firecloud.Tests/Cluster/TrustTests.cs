// TrustTests.cs - who has only the clients' secret gets what clients use, and nothing else, whatever it sends; who has none, nothing.
using Akka.Actor;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;
using Firecloud.Client;
using Firecloud.Client.Backup;
using Firecloud.Tests.Transport;
using Xunit;
using Hello = Firecloud.Actors.Protocol.Hello;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Cluster;

public sealed class TrustTests
{
    private const string Members = "a secret of the members only";
    private const string Clients = "a secret that clients have";
    private const string Settings = $"akka.remote.firecloud-udp.secrets = [\"{Members}\"]\nakka.remote.firecloud-udp.client-secrets = [\"{Clients}\"]\n";
    private static readonly string[] Actors = ["replica", "coordinator", "master", "links", "clients", "scans"];

    [Fact]
    public async Task Clients_do_their_work_with_the_clients_secret_and_orders_need_the_members()
    {
        await using var cluster = await TestCluster.StartAsync(settings: Settings);
        await cluster.UntilAsync(0, s => s.AkkaCluster.Count(m => m.Contains(" Up", StringComparison.Ordinal)) == 4);  // its messages pass too
        var node = $"127.0.0.1:{cluster.Ports[1]}";
        await using (var client = await ConnectAsync(node, Clients))
        {
            Assert.IsType<Done<Version>>(await client.PutAsync("k", "v"));
            Assert.Equal("v", Assert.IsType<Done<Entry?>>(await client.GetAsync("k")).Value!.Text);
            Assert.Equal(1, (await client.StatusAsync(node, TimeSpan.FromSeconds(5))).Node);
            var refused = await Assert.ThrowsAsync<FirecloudException>(() => client.OrderAsync(node, AdminOrder.Bootstrap, TimeSpan.FromSeconds(1)));
            Assert.Contains("Orders need the members' secret", refused.Message, StringComparison.Ordinal);
            var scan = new ScanReader(client, await ClusterView.AskAsync(client, default), withValues: true) { Patience = TimeSpan.FromSeconds(1) };
            refused = await Assert.ThrowsAsync<FirecloudException>(async () =>
            {
                await foreach (var record in scan.ReadAsync(default)) Assert.Fail($"{record}");
            });
            Assert.Contains("Backups need the members' secret", refused.Message, StringComparison.Ordinal);
        }
        await using (var member = await ConnectAsync(node, Members))
        {
            using var lines = new MemoryStream();
            Assert.Equal(1, await FirecloudLines.ExportAsync(member, lines));
            Assert.False((await member.OrderAsync(node, AdminOrder.Bootstrap, TimeSpan.FromSeconds(5))).Done);
        }
        await Assert.ThrowsAsync<FirecloudException>(() => ConnectAsync(node, "a secret of nobody here", 500));
        await Assert.ThrowsAsync<FirecloudException>(() => ConnectAsync(node, null, 500));
        var counts = (await UdpTransport.StatisticsOf(cluster.System(1)))!;
        Assert.True(counts is { WrongKey: > 0, Unsealed: > 0, MessagesRefused: > 0, Forged: 0, InternalErrors: 0 }, $"{counts}");
        var status = await cluster.Node(1).StatusAsync(TimeSpan.FromSeconds(5));
        Assert.True(status.Counters["datagramsWrongKey"] > 0 && status.Counters["datagramsUnsealed"] > 0 && status.Counters["messagesRefused"] > 0);
    }

    [Fact]
    public async Task A_secret_that_is_derived_from_the_members_lets_clients_in()
    {
        await using var cluster = await TestCluster.StartAsync([2, 1], $"akka.remote.firecloud-udp.secrets = [\"{Members}\"]");
        await using var client = await ConnectAsync($"127.0.0.1:{cluster.Ports[0]}", Secrets.ForClients(Members));
        Assert.IsType<Done<Version>>(await client.PutAsync("k", "v"));
        var refused = await Assert.ThrowsAsync<FirecloudException>(() =>
            client.OrderAsync($"127.0.0.1:{cluster.Ports[0]}", AdminOrder.Bootstrap, TimeSpan.FromSeconds(1)));
        Assert.Contains("Orders need", refused.Message, StringComparison.Ordinal);
    }

    // A client that is not ours: Akka as it comes, with the clients' secret. What reaches an actor shows in its answers and counters.
    [Fact]
    public async Task A_hostile_client_changes_nothing()
    {
        await using var cluster = await TestCluster.StartAsync(settings: Settings);
        await cluster.PutAsync(0, "k", "v");
        await cluster.UntilAsync(1, s => s.Counters["keys"] == 1);
        var (keys, bad) = (cluster.Node(1).Counters.Keys, cluster.Node(1).Counters.BadFrames);
        await using var hostile = new Abandoned(Attacker($"akka.remote.firecloud-udp.secrets = [\"{Clients}\"]"));
        var attacker = hostile.System;
        var epoch = cluster.Node(1).Settings.Configuration.Epoch;
        var accept = new Frame(Codec.Encode(Accept(cluster, epoch)));
        foreach (var name in Actors)
        {
            var target = Resolve(attacker, cluster.Ports[1], name);
            foreach (var message in Attacks(accept)) target.Tell(message);
            ((IInternalActorRef)target).Stop();
            attacker.System.ActorOf(Props.Create(() => new Watcher(target)));
            attacker.System.ActorSelection($"akka.udp://firecloud@127.0.0.1:{cluster.Ports[1]}/user/firecloud/{name}").Tell(PoisonPill.Instance);
        }
        attacker.System.ActorOf(Props.Create(() => new Echoer()).WithDeploy(new Deploy(new RemoteScope(
            new Address("akka.udp", "firecloud", "127.0.0.1", cluster.Ports[1])))), "deployed");
        // 2 kinds of things are allowed to one path, the frames to "clients": they are counted there, as bad ones.
        var frames = Attacks(accept).Count(m => m is Frame);
        await UdpSystem.Until(() => cluster.Node(1).Counters.BadFrames >= bad + frames, "frames that only members may send reach the clients' actor");
        await cluster.UntilAsync(1, s => s.Counters["messagesRefused"] >= (Actors.Length - 1) * Attacks(accept).Count());
        Assert.Equal(bad + frames, cluster.Node(1).Counters.BadFrames);  // nowhere else
        await StillServes(cluster);
        Assert.Equal(keys, cluster.Node(1).Counters.Keys);
    }

    // Also those who have the members' secret (or where there is none) can't stop, watch or deploy actors from elsewhere.
    [Fact]
    public async Task Nobody_stops_or_deploys_actors_from_elsewhere()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.PutAsync(0, "k", "v");
        await using var hostile = new Abandoned(Attacker(""));
        var stranger = hostile.System;
        foreach (var name in Actors)
        {
            var target = Resolve(stranger, cluster.Ports[1], name);
            target.Tell(PoisonPill.Instance);
            target.Tell(Kill.Instance);
            ((IInternalActorRef)target).Stop();
            stranger.System.ActorSelection(target.Path).Tell(PoisonPill.Instance);
            stranger.System.ActorSelection(target.Path).Tell(new Identify(1));
        }
        // What came after all that on the same way is there.
        var clients = Resolve(stranger, cluster.Ports[1], "clients");
        var bad = cluster.Node(1).Counters.BadFrames;
        // An association that broke on the way begins anew, so it is told until it arrives; an actor that was stopped never hears it.
        await UdpSystem.Until(() => Told(clients) && cluster.Node(1).Counters.BadFrames > bad, "the clients' actor hears the last of it", 30);
        stranger.System.ActorOf(Props.Create(() => new Echoer()).WithDeploy(new Deploy(new RemoteScope(
            new Address("akka.udp", "firecloud", "127.0.0.1", cluster.Ports[1])))), "deployed");
        await using var client = await ConnectAsync($"127.0.0.1:{cluster.Ports[1]}", null);
        Assert.IsType<Done<Version>>(await client.PutAsync("k", "v"));
        foreach (var name in Actors) await cluster.System(1).ActorSelection($"/user/firecloud/{name}").ResolveOne(TimeSpan.FromSeconds(5));
        await StillServes(cluster);
    }

    [Fact]
    public async Task Nobody_takes_a_members_name_without_the_members_secret()
    {
        await using var cluster = await TestCluster.StartAsync(settings: Settings);
        await cluster.PutAsync(0, "k", "v");
        await cluster.CrashAsync(3);
        await cluster.UntilSeenAsync(3);
        // At the very address of a member, with the clients' secret.
        await using var impostor = UdpSystem.Start(cluster.Ports[3], Hocon($"akka.remote.firecloud-udp.secrets = [\"{Clients}\"]"), "firecloud");
        Resolve(impostor, cluster.Ports[1], "links").Tell(new Frame(Codec.Encode(new Hello(3, 5, 5))));
        await cluster.UntilAsync(1, s => s.Counters["messagesRefused"] > 0);
        foreach (var node in cluster.Up.ToArray()) Assert.False((await cluster.Node(node).StatusAsync(TimeSpan.FromSeconds(5))).Members[3].Reachable);
        await impostor.Crash();
        cluster.StartNode(3);
        await cluster.UntilAsync(0, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
    }

    [Fact]
    public async Task Relays_carry_what_they_can_t_open()
    {
        await using var cluster = await TestCluster.StartAsync(settings: Settings);
        await cluster.CutAsync([0], [1]);
        await UdpSystem.Until(() => UdpTransport.StatisticsOf(cluster.System(1)).Result!.ArrivedByRelay > 20, "datagrams by a relay");
        for (var node = 0; node < 4; node++)
        {
            Assert.Equal(ResultKind.Done, (await cluster.PutAsync(node, $"k{node}", "v")).Kind);
            await cluster.UntilAsync(node, s => s.VotesReachable == 5);
            var counts = (await UdpTransport.StatisticsOf(cluster.System(node)))!;
            Assert.Equal((0, 0, 0), (counts.Forged, counts.WrongKey, counts.InternalErrors));
        }
    }

    private static IEnumerable<object> Attacks(Frame accept) =>
    [
        accept, new Frame(Codec.Encode(new AdminRequest(AdminOrder.ForceRecovery))), new Frame(Codec.Encode(new Hello(2, 1, 1))),
        PoisonPill.Instance, Kill.Instance, new Identify(1), "text", 7,
    ];

    private static ReplicaRequest Accept(TestCluster cluster, uint epoch)
    {
        var key = new Key("planted");
        var shard = key.Shard(cluster.Node(1).Settings.Configuration.Shards);
        var ballot = new Ballot(epoch, 1_000_000, 2, 7);
        var record = new Firecloud.Actors.Protocol.Record { Version = new Version(ballot, 1), Modified = new Version(ballot, 1), Value = "x"u8.ToArray() };
        return new ReplicaRequest(2, epoch, 7, [new ReplicaItem(ReplicaAsk.Accept, 1, shard, ballot, key, record)]);
    }

    private static async Task StillServes(TestCluster cluster)
    {
        for (var node = 0; node < 4; node++)
        {
            await cluster.UntilAsync(node, s => s is { State: "voting", VotesReachable: 5 });
            Assert.Equal(ResultKind.Done, (await cluster.PutAsync(node, "k", $"{node}")).Kind);
            Assert.Equal($"{node}", System.Text.Encoding.UTF8.GetString((await cluster.GetAsync(3 - node, "k")).Value!));
            Assert.Null((await cluster.GetAsync(node, "planted")).Value);
        }
    }

    private static Task<FirecloudClient> ConnectAsync(string node, string? secret, int patienceMs = 5000) => FirecloudClient.ConnectAsync(
        [node], new FirecloudClientOptions { Secret = secret, ConnectTimeout = TimeSpan.FromMilliseconds(patienceMs) });

    // Without untrusted-mode or serializers that refuse: as an attacker would have it.
    private static UdpSystem Attacker(string hocon) => UdpSystem.Start(hocon: Hocon(hocon), name: "attacker");

    private static string Hocon(string hocon) => hocon + """

        akka.actor.serializers.firecloud = "Firecloud.Actors.Wire.FrameSerializer, Firecloud.Actors"
        akka.actor.serialization-bindings { "Firecloud.Actors.Wire.Frame, Firecloud.Actors" = firecloud }
        """;

    private static IActorRef Resolve(UdpSystem system, int port, string name) => ((ExtendedActorSystem)system.System).Provider.ResolveActorRef(
        $"akka.udp://firecloud@127.0.0.1:{port}/user/{FirecloudNode.ActorName}/{name}");

    // Its actor system waits for ever for the end of what it deployed elsewhere.
    private sealed class Abandoned(UdpSystem system) : IAsyncDisposable
    {
        public UdpSystem System { get; } = system;

        public async ValueTask DisposeAsync()
        {
            await System.Manage(new Crash());
            _ = System.System.Terminate();
        }
    }

    private static bool Told(IActorRef actor)
    {
        actor.Tell(new Frame([0]));
        return true;
    }

    private sealed class Echoer : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }

    private sealed class Watcher(IActorRef target) : UntypedActor
    {
        protected override void PreStart() => Context.Watch(target);

        protected override void OnReceive(object message)
        {
        }
    }
}
