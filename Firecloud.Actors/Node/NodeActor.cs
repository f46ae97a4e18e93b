// NodeActor.cs - /user/firecloud: starts the actors of one node under fixed names and keeps them for the life of the system.
// (An actor that is stopped and started again under a name that peers address would miss messages: see architecture.md.)
using Akka.Actor;
using Akka.Event;
using Firecloud.Actors.Coordinator;
using Firecloud.Actors.Master;
using Firecloud.Actors.Replica;
using Firecloud.Actors.Storage;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Node;

/// <summary>Supervises the actors of one node.</summary>
internal sealed class NodeActor : UntypedActor
{
    private readonly NodeContext _node;
    private readonly Func<IRecordStore> _openStore;
    private readonly StoreOpened _opened;
    private IActorRef _master = ActorRefs.Nobody;
    private IActorRef _links = ActorRefs.Nobody;

    /// <param name="node">What the node's actors share.</param>
    /// <param name="store">The store, opened already: whoever starts a node hears at once when that can't be done.</param>
    /// <param name="openAgain">Opens it anew once what was in it has been abandoned.</param>
    public NodeActor(NodeContext node, IRecordStore store, Func<IRecordStore> openAgain)
    {
        _node = node;
        IRecordStore? first = store;
        _openStore = () => Interlocked.Exchange(ref first, null) ?? openAgain();
        _opened = new StoreOpened(store.Identity, store.WhyEmpty);
    }

    protected override void PreStart()
    {
        var provider = ((ExtendedActorSystem)Context.System).Provider;
        var replica = Context.ActorOf(Props.Create(() => new ReplicaActor(_node, _openStore)), "replica");
        var coordinator = Context.ActorOf(Props.Create(() => new CoordinatorActor(_node)), "coordinator");
        _master = Context.ActorOf(Props.Create(() => new MasterActor(_node)), "master");
        var master = _master;
        Context.ActorOf(Props.Create(() => new ClientsActor(coordinator, master, _node.Counters)), FirecloudNode.ClientsName);
        Context.ActorOf(Props.Create(() => new ScanActor(_node, replica)), FirecloudNode.ScansName);
        _node.SetPeers([.. _node.Configuration.Members.Select((member, i) => i == _node.Self
            ? new Peer(replica, coordinator, ActorRefs.Nobody)
            : new Peer(Remote(member, "replica"), Remote(member, "coordinator"), Remote(member, "links")))]);
        _links = Context.ActorOf(Props.Create(() => new LinksActor(_node, _opened)), "links");

        IActorRef Remote(Protocol.Member member, string name)
        {
            var address = provider.DefaultAddress.WithHost(member.Host).WithPort(member.Port);
            return provider.ResolveActorRef(new RootActorPath(address) / "user" / FirecloudNode.ActorName / name);
        }
    }

    // Requests of this node's own clients pass through here, so that they need no second name.
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case LinksChanged: _master.Forward(message); break;
            case StatusRequest: _master.Forward(message); break;
            case Recovered or StoreOpened or ClusterKept or StoreFailed or DiskChanged: _links.Forward(message); break;
            case AdminRequest { Order: AdminOrder.ForceRecovery }: _node.Peers[_node.Self].Replica.Forward(message); break;
            case AdminRequest: _links.Forward(message); break;
            default: _node.Peers[_node.Self].Coordinator.Forward(message); break;
        }
    }

    // A store that is damaged is abandoned: the replica begins anew with an empty one, and recovers from the others. Whatever else
    // fails here is a bug: input is checked before it gets this far. A state machine that has thrown half way can't be trusted with
    // another vote, so the node stops instead of restarting the actor.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(-1, -1, e =>
    {
        if (e is DamagedStoreException)
        {
            Context.GetLogger().Error("The store is damaged, so this node forgets it and recovers from the others: {0}", e.Message);
            return Directive.Restart;
        }
        Context.GetLogger().Error(e, "The node stops: {0}", e.Message);
        Environment.ExitCode = BrokenInvariant.Instance.ExitCode;
        // The others shall not wait for a node whose actors are gone while its system ends.
        _ = UdpTransport.Manage(Context.System, new Crash());
        _ = CoordinatedShutdown.Get(Context.System).Run(BrokenInvariant.Instance);
        return Directive.Stop;
    });

    private sealed class BrokenInvariant : CoordinatedShutdown.Reason
    {
        public static readonly BrokenInvariant Instance = new();

        public override int ExitCode => 70;
    }
}
