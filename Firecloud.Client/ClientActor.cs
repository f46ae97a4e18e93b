// ClientActor.cs - a client is its own gateway (protocol.md section 6): it keeps ids, attempts, ballots and floors, so that a
// request goes on at another node exactly where it was. Drives Protocol/Gateway as the nodes' coordinators do.
using Akka.Actor;
using Firecloud.Actors.Coordinator;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;

namespace Firecloud.Client;

/// <summary>Sends a client's requests to the nodes.</summary>
internal sealed class ClientActor : UntypedActor, IWithTimers
{
    private const int MaxWaiting = 16384;
    private const int DeafAfterMs = 3000;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);

    private readonly IReadOnlyList<Member> _contacts;
    private readonly string _systemName;
    private readonly TaskCompletionSource _connected;
    private readonly GatewayLimits _limits;
    private readonly ulong _client = FirecloudNode.DrawBoot();
    private readonly List<(PendingRequest Request, long DeadlineMs)> _waiting = [];
    private readonly Dictionary<Address, int> _byAddress = [];
    private Configuration? _configuration;
    private Gateway? _gateway;
    private SizeLimits? _sizes;
    private Codec _codec = new(Votes.MaxMembers, 65536);
    private IActorRef[] _nodes = [];
    private readonly long[] _passingSinceMs = [.. Enumerable.Repeat(long.MaxValue, Votes.MaxMembers)];   // without an answer
    private uint _reachable;    // members that answer and vote
    private uint _answering;    // members that answer
    private uint _dead;         // members to which datagrams did not pass when last heard of
    private uint _suspected;    // of them, those that have been silent for a while
    private ulong _serial;
    private long _lastGreetingMs = long.MinValue / 2;
    private bool _flushing;

    public ClientActor(IReadOnlyList<Member> contacts, string systemName, GatewayLimits limits, TaskCompletionSource connected)
    {
        (_contacts, _systemName, _limits, _connected) = (contacts, systemName, limits, connected);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => Environment.TickCount64;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(PeerReachable));
        Context.System.EventStream.Subscribe(Self, typeof(PeerUnreachable));
        Context.System.EventStream.Subscribe(Self, typeof(PeerSuspected));
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TimeSpan.Zero, TickInterval);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case PendingRequest request: Take(request); break;
            case CancelCall cancel: Cancel(cancel.Request); break;
            case RaiseFloors raise: _gateway?.RaiseFloors(raise.Floor); break;
            case Frame frame: OnFrame(frame); break;
            case PeerReachable peer: OnPeer(peer.Peer, true); break;
            case PeerUnreachable peer: OnPeer(peer.Peer, false); break;
            case PeerSuspected peer: OnSuspicion(peer); break;
            case Tick: OnTick(); break;
            case Flush:
                _flushing = false;
                Send();
                return;
            default:
                Unhandled(message);
                return;
        }
        if (_flushing || _gateway is null) return;
        _flushing = true;
        // Callers that were answered ask again at once. They are queued before this, so their next requests go together, and not the first of them alone.
        if (message is Frame) ThreadPool.UnsafeQueueUserWorkItem(static self => self.Tell(Flush.Instance, ActorRefs.NoSender), Self, preferLocal: false);
        else Self.Tell(Flush.Instance, ActorRefs.NoSender);
    }

    protected override void PostStop()
    {
        foreach (var (request, _) in _waiting)
        {
            request.Complete(OperationResult.Refused(RefusalReason.NotReady, "The client was closed. Nothing was written."));
        }
        _gateway?.Close("The client was closed.");
    }

    private void Take(PendingRequest request)
    {
        if (_sizes?.Violation(request.Key, request.Operation.Value?.Length ?? 0) is { } wrong)
        {
            request.Complete(OperationResult.Refused(RefusalReason.BadRequest, wrong));
        }
        else if (_gateway is not null)
        {
            _gateway.Submit(request);
        }
        else if (_waiting.Count >= MaxWaiting)
        {
            request.Complete(OperationResult.Refused(
                RefusalReason.Busy, $"{MaxWaiting} requests wait for the first node to answer. Nothing was written; try again later."));
        }
        else
        {
            _waiting.Add((request, NowMs + request.TimeoutMs));
        }
    }

    private void Cancel(PendingRequest request)
    {
        _gateway?.Cancel(request);
        if (_waiting.RemoveAll(w => w.Request == request) > 0)
        {
            request.Complete(OperationResult.Refused(RefusalReason.Cancelled, "It was cancelled. Nothing was written."));
        }
    }

    private void OnFrame(Frame frame)
    {
        object message;
        try
        {
            message = _codec.Decode(frame.Bytes);
        }
        catch (WireFormatException)
        {
            return;   // not a message: nothing is done with it
        }
        if (message is ConfigurationReply reply) OnConfiguration(reply);
        else if (message is ReplyBatch batch && _gateway is not null)
        {
            foreach (var each in batch.Replies) _gateway.OnReply(batch.From, each);
        }
        else if (message is AnnouncementBatch news && _gateway is not null)
        {
            foreach (var each in news.Announcements) _gateway.OnAnnouncement(news.From, each);
        }
    }

    private void OnConfiguration(ConfigurationReply reply)
    {
        if (_gateway is null && !TryLearn(reply)) return;
        if (reply.From >= _nodes.Length) return;
        // What is written while the transport still holds the link for dead is dropped; when it does not any more, the node is greeted again.
        if ((_dead >> reply.From & 1) != 0) return;
        _answering |= 1u << reply.From;
        _passingSinceMs[reply.From] = long.MaxValue;
        SetReachable(reply.Ready ? _reachable | 1u << reply.From : _reachable & ~(1u << reply.From));
        _connected.TrySetResult();
        var now = NowMs;
        foreach (var (request, deadlineMs) in _waiting)
        {
            if (deadlineMs > now) Take(request);
            else RefuseLate(request);
        }
        _waiting.Clear();
    }

    private bool TryLearn(ConfigurationReply reply)
    {
        try
        {
            var members = new List<Member>();
            foreach (var text in reply.Members)
            {
                if (NodeSettings.TryReadAddress(text, out var member) is not null) return false;
                members.Add(member);
            }
            _configuration = new Configuration(members, new Votes(reply.Votes), reply.Shards, reply.Epoch);
        }
        catch (ArgumentException)
        {
            return false;   // a configuration that can't be: not from a node of ours
        }
        _codec = new Codec(_configuration.Members.Count, _configuration.Shards);
        _sizes = new SizeLimits(reply.MaxKey, reply.MaxValue);
        _nodes = [.. _configuration.Members.Select(m => Remote(m))];
        for (var i = 0; i < _nodes.Length; i++) _byAddress[_nodes[i].Path.Address] = i;
        _gateway = new Gateway(_configuration, -1, _client, _limits, new Random((int)_client));
        _gateway.OnTick(NowMs);
        SetReachable(0);
        return true;
    }

    private void OnPeer(Address address, bool reachable)
    {
        if (!_byAddress.TryGetValue(address, out var member)) return;
        _suspected &= ~(1u << member);
        _dead = reachable ? _dead & ~(1u << member) : _dead | 1u << member;
        // Datagrams pass, but Akka's streams over them may not be there yet: only an answer shows that.
        _passingSinceMs[member] = reachable && (_answering >> member & 1) == 0 ? NowMs : long.MaxValue;
        if (reachable)
        {
            Greet(_configuration!.Members[member]);
            return;
        }
        _answering &= ~(1u << member);
        SetReachable(_reachable & ~(1u << member));
    }

    private void OnSuspicion(PeerSuspected peer)
    {
        if (!_byAddress.TryGetValue(peer.Peer, out var member)) return;
        _suspected = peer.Suspected ? _suspected | 1u << member : _suspected & ~(1u << member);
        SetReachable(_reachable);
    }

    private void SetReachable(uint members)
    {
        _reachable = members;
        // Without any that votes, one that does not says why, or passes requests on.
        _gateway!.SetReachable(members != 0 ? members : _answering, _suspected);
    }

    private void OnTick()
    {
        var now = NowMs;
        _gateway?.OnTick(now);
        foreach (var (request, _) in _waiting.Where(w => w.DeadlineMs <= now)) RefuseLate(request);
        _waiting.RemoveAll(w => w.DeadlineMs <= now);
        if (now - _lastGreetingMs < 250) return;
        _lastGreetingMs = now;
        var targets = _configuration is null ? _contacts : _configuration.Members.Where((_, i) => (_reachable >> i & 1) == 0);
        foreach (var member in targets) Greet(member);
        RenewDeafLinks(now);
    }

    // Datagrams pass, greetings are not answered: Akka holds an association that nobody reads.
    private void RenewDeafLinks(long now)
    {
        for (var member = 0; member < _nodes.Length; member++)
        {
            if (_passingSinceMs[member] > now - DeafAfterMs) continue;
            _passingSinceMs[member] = now;
            _ = UdpTransport.Manage(Context.System, new RenewSession(_nodes[member].Path.Address));
        }
    }

    private void Greet(Member member) =>
        Remote(member).Tell(NodeContext.EncodeForAll(new ConfigurationRequest()), Self);

    private void RefuseLate(PendingRequest request) => request.Complete(OperationResult.Refused(
        RefusalReason.TimedOut,
        $"None of {string.Join(", ", _contacts)} answered within {request.TimeoutMs} ms. Nothing was written; check the addresses."));

    private void Send()
    {
        for (var member = 0; member < _nodes.Length; member++)
        {
            foreach (var part in Batching.Cut(_gateway!.Take(member), 48 * 1024))
            {
                _nodes[member].Tell(NodeContext.EncodeForAll(new RequestBatch(_client, ++_serial, part)), Self);
            }
        }
    }

    private IActorRef Remote(Member member)
    {
        var address = new Address("akka.udp", _systemName, member.Host, member.Port);
        return ((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(
            new RootActorPath(address) / "user" / FirecloudNode.ActorName / FirecloudNode.ClientsName);
    }
}

/// <summary>The caller of a request gives up.</summary>
/// <param name="Request">The request.</param>
internal sealed record CancelCall(PendingRequest Request);
