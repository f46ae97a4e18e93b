using System.Security.Cryptography;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Master;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Node;

/// <summary>One Firecloud node inside an ActorSystem.</summary>
public sealed class FirecloudNode : IExtension
{
    /// <summary>The node's actor is /user/firecloud.</summary>
    public const string ActorName = "firecloud";

    /// <summary>The actor below it that clients write to.</summary>
    public const string ClientsName = "clients";

    /// <summary>The actor below it that backups read from. Not among the clients' paths: who may read everything is an operator.</summary>
    internal const string ScansName = "scans";

    private readonly IActorRef _actor;
    private readonly NodeContext _context;
    private readonly ExtendedActorSystem _system;

    private FirecloudNode(ExtendedActorSystem system, NodeSettings settings)
    {
        _system = system;
        _context = new NodeContext(settings, DrawBoot());
        var store = OpenStore();
        _actor = system.ActorOf(Props.Create(() => new NodeActor(_context, store, OpenStore)), ActorName);
    }

    /// <summary>The node's settings.</summary>
    public NodeSettings Settings => _context.Settings;

    /// <summary>What it counted.</summary>
    public NodeCounters Counters => _context.Counters;

    /// <summary>Starts a node in an ActorSystem that was created with <see cref="SystemConfig"/>.</summary>
    /// <param name="system">The system; its name must be the same on every node.</param>
    /// <returns>The node; the same one when called again.</returns>
    /// <exception cref="ConfigurationException">A setting can't work; the message says which and what to do.</exception>
    /// <exception cref="StoreRefusedException">The folder can't be used; the message says why and what to do.</exception>
    public static FirecloudNode Start(ActorSystem system) => system.WithExtension<FirecloudNode, Provider>();

    /// <summary>The node of a system, or null where none was started.</summary>
    /// <param name="system">The system.</param>
    public static FirecloudNode? Find(ActorSystem system) => system.HasExtension<FirecloudNode>() ? system.GetExtension<FirecloudNode>() : null;

    /// <summary>The whole configuration of a node's ActorSystem: Akka, transport, defaults.</summary>
    /// <param name="user">What the user wrote: the section <c>firecloud</c>, and whatever else of Akka's.</param>
    /// <exception cref="ConfigurationException">A setting can't work; the message says which and what to do.</exception>
    public static Config SystemConfig(Config user)
    {
        var settings = NodeSettings.From(user);
        var address = ConfigurationFactory.ParseString($$"""
            akka.remote.firecloud-udp {
              hostname = "{{settings.Address.Host}}"
              port = {{settings.Address.Port}}
              members = [{{string.Join(", ", settings.Configuration.Members.Select(m => $"\"{m}\""))}}]
            }
            """);
        var provider = ConfigurationFactory.ParseString($"akka.actor.provider = {(settings.JoinsCluster ? "cluster" : "remote")}");
        var config = user.WithFallback(address).WithFallback(provider).WithFallback(AkkaConfig).WithFallback(UdpTransport.DefaultConfig())
            .WithFallback(NodeSettings.Reference);
        _ = new UdpSettings(config.GetConfig(UdpSettings.Section));  // what is wrong there is better said now than by a system that fails to start
        return config;
    }

    /// <summary>What nodes and clients need of Akka: our transport, our serializer, no quarantines, no downing.</summary>
    public static Config AkkaConfig { get; } = ConfigurationFactory.FromResource<FirecloudNode>("Firecloud.Actors.akka.conf");

    /// <summary>Hands a request to this node's gateway. Never blocks; the answer comes through the request itself.</summary>
    /// <param name="request">The request.</param>
    public void Submit(PendingRequest request) => _actor.Tell(request, ActorRefs.NoSender);

    /// <summary>Hands several requests to this node's gateway, as one message.</summary>
    /// <param name="requests">Not to be changed afterwards.</param>
    public void Submit(IReadOnlyList<PendingRequest> requests) => _actor.Tell(requests, ActorRefs.NoSender);

    /// <summary>Gives a request up.</summary>
    /// <param name="request">A request that was submitted here.</param>
    public void Cancel(PendingRequest request) => _actor.Tell(new Coordinator.CancelRequest(request), ActorRefs.NoSender);

    /// <summary>Requests taken from now on get versions above this one (protocol.md section 6, rule 2).</summary>
    internal void RaiseFloors(Version floor) => _actor.Tell(new Coordinator.RaiseFloors(floor), ActorRefs.NoSender);

    /// <summary>The newest version of a key's shard that this node's gateway knows to be chosen.</summary>
    /// <param name="key">The key.</param>
    public Task<Version> FloorAsync(Key key)
    {
        var query = new Coordinator.FloorQuery(key.Shard(Settings.Configuration.Shards));
        _actor.Tell(query, ActorRefs.NoSender);
        return query.Answer.Task;
    }

    /// <summary>This node's status.</summary>
    /// <param name="timeout">How long to wait for it.</param>
    public Task<NodeStatus> StatusAsync(TimeSpan timeout) => _actor.Ask<NodeStatus>(new StatusRequest(), timeout);

    /// <summary>Gives up what only missing members know: a recovery that waits for a quorum of memory goes on without it.</summary>
    /// <param name="timeout">How long to wait for the answer.</param>
    /// <returns>What was done, for people.</returns>
    public async Task<string> ForceRecoveryAsync(TimeSpan timeout) =>
        (await _actor.Ask<AdminReply>(new AdminRequest(AdminOrder.ForceRecovery), timeout)).Message;

    /// <summary>Asks a member, this one or another, for a page of its keys.</summary>
    /// <param name="member">Which one.</param>
    /// <param name="question">From where.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <returns>Null where it can't, or what came is not the answer.</returns>
    /// <exception cref="AskTimeoutException">No answer came.</exception>
    internal async Task<ScanAnswer?> PageAsync(int member, ScanQuestion question, TimeSpan timeout)
    {
        var (provider, at) = (_system.Provider, Settings.Configuration.Members[member]);
        var address = provider.DefaultAddress.WithHost(at.Host).WithPort(at.Port);
        var scans = provider.ResolveActorRef(new RootActorPath(address) / "user" / ActorName / ScansName);
        var frame = await scans.Ask<Frame>(_context.Encode(question), timeout).ConfigureAwait(false);
        var isPage = _context.TryDecode(frame, out var message) && message is ScanAnswer page && page.From == member && page.Nonce == question.Nonce;
        return isPage ? (ScanAnswer)message : null;
    }

    internal static ulong DrawBoot()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        var boot = BitConverter.ToUInt64(bytes);
        return boot is 0 or ulong.MaxValue ? 1 : boot;   // both stand for something else in ballots
    }

    private IRecordStore OpenStore()
    {
        var (storage, configuration) = (_context.Settings.Storage, _context.Configuration);
        return storage.IsOnDisk
            ? RocksRecordStore.OpenOrBeginAnew(storage.OptionsFor(_context.Self, configuration))
            : new MemoryRecordStore(configuration.Shards, configuration.Members.Count) { Identity = new StoreIdentity(_context.Boot) };
    }

    private sealed class Provider : ExtensionIdProvider<FirecloudNode>
    {
        public override FirecloudNode CreateExtension(ExtendedActorSystem system) => new(system, NodeSettings.From(system.Settings.Config));
    }
}
