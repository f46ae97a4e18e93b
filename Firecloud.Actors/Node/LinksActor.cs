// LinksActor.cs - whom this node reaches and who votes: greets the other members, drives Formation, listens to the transport,
// and tells the node's other actors. Also joins Akka.Cluster, which is advisory: see docs/architecture.md.
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Node;

/// <summary>Greets the other members and keeps the view of them.</summary>
internal sealed class LinksActor : UntypedActor, IWithTimers
{
    private const int DeafAfterMs = 2000;

    private readonly NodeContext _node;
    private readonly ulong _newClusterId = (ulong)Random.Shared.NextInt64(1, long.MaxValue);   // if this node founds the cluster
    private Formation _formation;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<Address, int> _byAddress = [];
    private readonly uint _everybody;
    private readonly long[] _heardMs;   // by member: its last answer, or when datagrams began to pass, or the last renewal
    private uint _passing;              // members to which datagrams pass, whether Akka's messages do or not
    private uint _reachable;
    private uint _suspected;
    private uint _dead;                 // members to which datagrams did not pass when last heard of
    private LinksChanged? _last;
    private bool _joined;

    public LinksActor(NodeContext node, StoreOpened store)
    {
        _node = node;
        _everybody = node.Configuration.Votes.AllMembers;
        _reachable = 1u << node.Self;
        _heardMs = new long[node.Configuration.Members.Count];
        _formation = Begin(store);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        for (var i = 0; i < _node.Peers.Count; i++) _byAddress[_node.Peers[i].Links.Path.Address] = i;
        Context.System.EventStream.Subscribe(Self, typeof(PeerReachable));
        Context.System.EventStream.Subscribe(Self, typeof(PeerUnreachable));
        Context.System.EventStream.Subscribe(Self, typeof(PeerSuspected));
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TimeSpan.Zero, TimeSpan.FromMilliseconds(_node.Settings.HelloMs));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Tick:
                Greet();
                RenewDeafLinks();
                break;
            case Frame frame: OnFrame(frame); break;
            case Recovered recovered: _formation.OnRecovered(recovered.Progress); break;
            case StoreOpened opened: _formation = Begin(opened); break;
            case ClusterKept: _formation.OnKept(); break;
            case StoreFailed failed: _formation.OnStoreFailed(failed.Reason); break;
            case DiskChanged disk: _formation.SetFull(disk.Full); break;   // the others hear it when they greet next
            case AdminRequest { Order: AdminOrder.Bootstrap }: Sender.Tell(Bootstrap(), Self); break;
            case PeerReachable peer: OnPeer(peer.Peer, true); break;
            case PeerUnreachable peer: OnPeer(peer.Peer, false); break;
            case PeerSuspected peer: OnSuspicion(peer); break;
            default: Unhandled(message); break;
        }
        Publish();
    }

    private Formation Begin(StoreOpened store) => new(
        _node.Self, store.Identity, store.WhyEmpty, _node.Settings.Fingerprint(), _node.Configuration.Members.Count, _newClusterId);

    private void Greet()
    {
        var frame = NodeContext.EncodeForAll(_formation.Greet());
        foreach (var peer in _node.Others) peer.Links.Tell(frame, ActorRefs.NoSender);
    }

    private void OnFrame(Frame frame)
    {
        if (!_node.TryDecode(frame, out var message))
        {
            _node.Counters.CountBadFrame();
            return;
        }
        switch (message)
        {
            case Protocol.Hello hello when hello.From != _node.Self:
                _node.Peers[hello.From].Links.Tell(NodeContext.EncodeForAll(_formation.OnHello(hello)), ActorRefs.NoSender);
                break;
            case Welcome welcome when welcome.From != _node.Self:
                _heardMs[welcome.From] = Environment.TickCount64;
                // It answered a question of ours: both directions work. But what is written while the transport still holds the link for dead is
                // dropped; when it does not any more, the greeting that follows is answered again.
                _reachable |= ~_dead & 1u << welcome.From;
                _formation.OnWelcome(welcome);
                break;
            default: _node.Counters.CountBadFrame(); break;
        }
    }

    // Datagrams pass, greetings are not answered: Akka holds an association that nobody reads. The two sides wait for different
    // times, so that they do not associate at the same moment once more.
    private void RenewDeafLinks()
    {
        var now = Environment.TickCount64;
        for (var member = 0; member < _heardMs.Length; member++)
        {
            var patience = DeafAfterMs + (_node.Self > member ? DeafAfterMs / 2 : 0);
            if ((_passing >> member & 1) == 0 || now - _heardMs[member] < patience) continue;
            _heardMs[member] = now;
            _reachable &= ~(1u << member);
            _log.Warning("{0} does not answer though datagrams pass; the session with it begins anew.", _node.Name(member));
            _ = UdpTransport.Manage(Context.System, new RenewSession(_node.Peers[member].Links.Path.Address));
        }
    }

    private AdminReply Bootstrap()
    {
        var why = _formation.TryBootstrap();
        return why is null
            ? new AdminReply(true, "The cluster is founded with the members that are there; the others join when they come.")
            : new AdminReply(false, why);
    }

    private void OnPeer(Address address, bool reachable)
    {
        if (!_byAddress.TryGetValue(address, out var member) || member == _node.Self) return;
        _heardMs[member] = Environment.TickCount64;
        _suspected &= ~(1u << member);
        _dead = reachable ? _dead & ~(1u << member) : _dead | 1u << member;
        _passing = reachable ? _passing | 1u << member : _passing & ~(1u << member);
        // Datagrams pass, but Akka's streams over them may not be there yet: only the answer to a greeting shows that.
        if (reachable) _node.Peers[member].Links.Tell(NodeContext.EncodeForAll(_formation.Greet()), ActorRefs.NoSender);
        else _reachable &= ~(1u << member);
    }

    private void OnSuspicion(PeerSuspected peer)
    {
        if (!_byAddress.TryGetValue(peer.Peer, out var member) || member == _node.Self) return;
        _suspected = peer.Suspected ? _suspected | 1u << member : _suspected & ~(1u << member);
    }

    private void Publish()
    {
        var why = _formation.WhyNotVoting(_node.Name);
        var now = new LinksChanged(_reachable & _everybody, _suspected & _reachable, _formation.Voting, _formation.State, _formation.ClusterId, _formation.Full, _formation.Memory,
            _formation.Founders, why);
        if (now == _last) return;
        Log(now);
        _node.ClusterId = now.ClusterId;
        _last = now;
        var own = _node.Peers[_node.Self];
        own.Replica.Tell(now, Self);
        own.Coordinator.Tell(now, Self);
        Context.Parent.Tell(now, Self);
        if (_formation.State != NodeState.Waiting && _node.Settings.JoinsCluster) JoinCluster(now);
    }

    private void Log(LinksChanged now)
    {
        if (now.State != _last?.State)
        {
            if (now.State == NodeState.Voting) _log.Info("Part of cluster {0:x}, voting.", now.ClusterId);
            else if (now.State == NodeState.Joining) _log.Info("Founding member of cluster {0:x}.", now.ClusterId);
            else _log.Warning("{0}", now.WhyNotVoting);
        }
        var changed = (_last?.Reachable ?? 1u << _node.Self) ^ now.Reachable;
        for (var i = 0; i < _node.Peers.Count; i++)
        {
            if ((changed >> i & 1) == 0) continue;
            var votes = _node.Configuration.Votes;
            var reached = votes.Of(now.Reachable & now.Voting);
            var what = (now.Reachable >> i & 1) != 0 ? "can be reached" : "is silent";
            _log.Info("{0} {1}; {2} of {3} votes needed are in reach.", _node.Name(i), what, reached, votes.Quorum);
        }
    }

    // Only the founder may begin a cluster of Akka's, at the founding or when all nodes were started again from their disks: then it
    // asks the others first, and only once it reaches a quorum of them, or an island would begin a second one (first-seed trap).
    // Everybody else asks the others, for ever.
    private void JoinCluster(LinksChanged now)
    {
        if (_joined) return;
        var others = _node.Others.Select(p => p.Links.Path.Address);
        var cluster = Cluster.Get(Context.System);
        if (_node.Self != 0 || now.State == NodeState.LostMemory) cluster.JoinSeedNodes(others);
        else if (now.State == NodeState.Joining) cluster.Join(cluster.SelfAddress);
        else if (_node.Configuration.Votes.IsQuorum(now.Reachable & now.Voting)) cluster.JoinSeedNodes([cluster.SelfAddress, .. others]);
        else return;
        _joined = true;
    }
}
