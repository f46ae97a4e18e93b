// CoordinatorActor.cs - drives Gateway (requests of this node's clients) and Proposer (shards this node owns, and reads).
//
// Every input only fills the two outboxes; a Flush that the actor sends to itself once per run of inputs sends them. So what
// arrived together goes out together, in few frames, and an idle node answers without waiting for a timer.
using Akka.Actor;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Coordinator;

/// <summary>Runs requests: as their gateway, and as coordinator of the shards it holds.</summary>
internal sealed class CoordinatorActor : UntypedActor, IWithTimers
{
    private static readonly object OwnGateway = new();

    private readonly NodeContext _node;
    private readonly Proposer _proposer;
    private readonly Gateway _gateway;
    private readonly GatewayTable _gateways;
    private readonly HashSet<GatewayPeer> _toAnswer = [];
    private readonly PassedOn _passedOn;
    private LinksChanged? _links;
    private ulong _serial;
    private long _lastAnnounceMs;
    private bool _flushing;

    public CoordinatorActor(NodeContext node)
    {
        _node = node;
        var settings = node.Settings;
        _proposer = new Proposer(node.Configuration, node.Self, node.Boot, settings.Proposer);
        // The boot is random already; the jitter only needs to differ between nodes.
        _gateway = new Gateway(node.Configuration, node.Self, node.Boot, settings.Gateway, new Random((int)node.Boot));
        _gateways = new GatewayTable(settings.MaxGateways);
        _passedOn = new PassedOn(settings.Proposer.MaxRounds);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => Environment.TickCount64;

    protected override void PreStart()
    {
        _gateway.OnTick(NowMs);
        _proposer.OnTick(NowMs);
        var interval = TimeSpan.FromMilliseconds(_node.Settings.TickMs);
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, interval, interval);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case PendingRequest pending: Take(pending); break;
            case IReadOnlyList<PendingRequest> batch:
                foreach (var each in batch) Take(each);
                break;
            case Frame frame: OnFrame(frame); break;
            case ReplicaAnswer answer: _proposer.OnAnswer(answer); break;
            case CancelRequest cancel: _gateway.Cancel(cancel.Pending); break;
            case Tick: OnTick(); break;
            case LinksChanged links: OnLinks(links); break;
            case Flush:
                _flushing = false;
                SendAll();
                return;
            default:
                Unhandled(message);
                return;
        }
        if (_flushing) return;
        _flushing = true;
        Self.Tell(Flush.Instance, ActorRefs.NoSender);
    }

    private void Take(PendingRequest pending)
    {
        _node.Counters.RequestsTaken++;
        if (_node.Settings.Limits.Violation(pending.Key.Length, pending.Operation.Value?.Length ?? 0) is { } wrong)
        {
            pending.Complete(OperationResult.Refused(RefusalReason.BadRequest, wrong));
        }
        else if (_links is null or { State: NodeState.Waiting })
        {
            var why = _links?.WhyNotVoting ?? "The node is starting.";
            pending.Complete(OperationResult.Refused(RefusalReason.NotReady, $"{why} Nothing was written; try again later."));
        }
        else
        {
            _gateway.Submit(pending);
        }
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
            case ReplicaAnswer answer when answer.From != _node.Self:
                _node.Counters.ReplicaAnswersReceived++;
                _proposer.OnAnswer(answer);
                break;
            case RequestBatch batch: OnRequests(batch); break;
            case ReplyBatch batch when batch.From != _node.Self: OnReplies(batch); break;
            case AnnouncementBatch batch when batch.From != _node.Self:
                foreach (var each in batch.Announcements)
                {
                    _gateway.OnAnnouncement(batch.From, each);
                    _proposer.Saw(each.Shard, each.Ballot);
                }
                break;
            default: _node.Counters.CountBadFrame(); break;
        }
    }

    private void OnRequests(RequestBatch batch)
    {
        var peer = _gateways.Use(batch.Gateway, Sender, out var forgot);
        // Whose order is forgotten might repeat a batch under a ballot still held; under new ballots it can't be run.
        if (forgot) _proposer.GiveUpAll();
        if (batch.Serial <= peer.LastSerial) return;
        peer.LastSerial = batch.Serial;
        var ready = _links is { State: not NodeState.Waiting };
        foreach (var request in batch.Requests)
        {
            if (IsTooLarge(request) || !ready) _proposer.Refuse(request, peer);
            else _proposer.Submit(request, (request.Mode & RequestMode.PassOn) == 0 ? peer : new Passable(peer, request));
        }
    }

    // A gateway checks sizes itself; one that does not gets nothing done.
    private bool IsTooLarge(Request request) =>
        _node.Settings.Limits.Violation(request.Key.Length, request.Operation.Value?.Length ?? 0) is not null;

    private void OnReplies(ReplyBatch batch)
    {
        foreach (var reply in batch.Replies)
        {
            if (_passedOn.TryTake(reply, out var peer)) Answer(peer, reply);
            else _gateway.OnReply(batch.From, reply);
        }
    }

    private void OnLinks(LinksChanged links)
    {
        _links = links;
        var usable = links.Reachable & links.Voting;
        _proposer.SetReachable(usable);
        _gateway.SetReachable(usable);
    }

    private void OnTick()
    {
        var now = NowMs;
        _gateway.OnTick(now);
        _proposer.OnTick(now);
        _node.Counters.ShardsHeld = _proposer.ShardsHeld;
        if (now - _lastAnnounceMs < _node.Settings.AnnounceMs) return;
        _lastAnnounceMs = now;
        var news = _proposer.TakeAnnouncements();
        if (news.Count == 0) return;
        var frame = Batches.Encoded(new AnnouncementBatch(_node.Self, news));
        ForEachOther(peer => peer.Coordinator.Tell(frame, ActorRefs.NoSender));
    }

    private void SendAll()
    {
        RunLocally();
        _proposer.Flush();
        SendToReplicas();
        SendToCoordinators();
        foreach (var peer in _toAnswer)
        {
            foreach (var frame in Batches.Split(_node.Self, peer.Replies, _node.Settings.FrameSize)) peer.ReplyTo.Tell(frame, Self);
            peer.Replies.Clear();
        }
        _toAnswer.Clear();
    }

    // This node's gateway and coordinator talk without frames, until neither has anything to say.
    private void RunLocally()
    {
        var requests = _gateway.Outbox[_node.Self];
        var replies = _proposer.Outbox.Replies;
        while (requests.Count > 0 || replies.Count > 0)
        {
            foreach (var request in Taken(requests)) _proposer.Submit(request, OwnGateway);
            foreach (var (origin, reply) in Taken(replies))
            {
                if (ReferenceEquals(origin, OwnGateway)) _gateway.OnReply(_node.Self, reply);
                else if (origin is Passable passable) AnswerOrPassOn(passable, reply);
                else Answer((GatewayPeer)origin, reply);
            }
        }
    }

    // The gateway may not reach the holder, but this node does: the request goes on under this node's order, not the gateway's.
    private void AnswerOrPassOn(Passable passable, Reply reply)
    {
        var holder = reply.Ballot.IsNone
            ? _node.Configuration.Preferred(reply.Shard, _proposer.Reachable)
            : reply.Ballot.Node;
        if (reply.Status != ReplyStatus.AskHolder || holder < 0 || (_proposer.Reachable >> holder & 1) == 0)
        {
            Answer(passable.Gateway, reply);
            return;
        }
        var request = passable.Request with { Mode = (passable.Request.Mode | RequestMode.AsOwner) & ~RequestMode.PassOn };
        if (holder == _node.Self)
        {
            _proposer.Submit(request, passable.Gateway);
            return;
        }
        _passedOn.Add(request.Id, passable.Gateway);
        _gateway.Outbox[holder].Add(request);
    }

    private void Answer(GatewayPeer peer, Reply reply)
    {
        peer.Replies.Add(reply);
        _toAnswer.Add(peer);
    }

    private void SendToReplicas()
    {
        var outbox = _proposer.Outbox;
        foreach (var request in Cut(outbox.ToAll))
        {
            _node.Peers[_node.Self].Replica.Tell(request, Self);
            var frame = Batches.Encoded(request);
            ForEachOther(peer => SendToReplica(peer, frame));
        }
        for (var member = 0; member < outbox.ToMember.Length; member++)
        {
            foreach (var request in Cut(outbox.ToMember[member]))
            {
                if (member == _node.Self) _node.Peers[member].Replica.Tell(request, Self);
                else SendToReplica(_node.Peers[member], Batches.Encoded(request));
            }
        }
    }

    private List<ReplicaRequest> Cut(List<ReplicaItem> items)
    {
        if (items.Count == 0) return [];
        var request = new ReplicaRequest(_node.Self, _node.Configuration.Epoch, _node.Boot, Taken(items));
        return [.. Batches.Cut(request, _node.Settings.FrameSize)];
    }

    private void SendToReplica(Peer peer, Frame frame)
    {
        _node.Counters.ReplicaRequestsSent++;
        peer.Replica.Tell(frame, ActorRefs.NoSender);
    }

    private void SendToCoordinators()
    {
        for (var member = 0; member < _gateway.Outbox.Length; member++)
        {
            if (member == _node.Self || _gateway.Outbox[member].Count == 0) continue;
            foreach (var part in Batches.Cut(Taken(_gateway.Outbox[member]), _node.Settings.FrameSize))
            {
                _node.Counters.RequestsForwarded++;
                _node.Peers[member].Coordinator.Tell(Batches.Encoded(new RequestBatch(_node.Boot, ++_serial, part)), Self);
            }
        }
    }

    private void ForEachOther(Action<Peer> action)
    {
        for (var i = 0; i < _node.Peers.Count; i++)
        {
            if (i != _node.Self) action(_node.Peers[i]);
        }
    }

    private static T[] Taken<T>(List<T> list)
    {
        var items = list.ToArray();
        list.Clear();
        return items;
    }
}

/// <summary>The caller of a request gives up.</summary>
/// <param name="Pending">The request.</param>
internal sealed record CancelRequest(PendingRequest Pending);
