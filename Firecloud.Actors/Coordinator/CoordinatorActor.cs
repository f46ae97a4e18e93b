// CoordinatorActor.cs - drives Protocol/Coordinator: checks and decodes what arrives, sends what a run of inputs produced.
// The Flush that the actor tells itself comes after all that is in its mailbox already: batches form by themselves.
using Akka.Actor;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Coordinator;

/// <summary>Runs requests: as their gateway, and as coordinator of the shards it holds.</summary>
internal sealed class CoordinatorActor : UntypedActor, IWithTimers
{
    private readonly NodeContext _node;
    private readonly Protocol.Coordinator _coordinator;
    private LinksChanged? _links;
    private long _lastAnnounceMs;
    private bool _flushing;

    public CoordinatorActor(NodeContext node)
    {
        _node = node;
        var settings = node.Settings;
        var limits = new CoordinatorLimits(settings.Gateway, settings.Proposer, settings.MaxGateways, settings.FrameSize);
        // The boot is random already; the jitter only needs to differ between nodes.
        _coordinator = new Protocol.Coordinator(node.Configuration, node.Self, node.Boot, limits, new Random((int)node.Boot));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => Environment.TickCount64;

    private static long WallMs => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    protected override void PreStart()
    {
        _coordinator.OnTick(NowMs);
        var interval = TimeSpan.FromMilliseconds(_node.Settings.TickMs);
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, interval, interval);
    }

    protected override void PostStop() => _coordinator.Gateway.Close("The node stops.");

    protected override void OnReceive(object message)
    {
        _coordinator.Wake(NowMs);
        _coordinator.WallMs = WallMs;   // not at ticks only: after a pause they come behind what has waited
        switch (message)
        {
            case PendingRequest pending: Take(pending); break;
            case IReadOnlyList<PendingRequest> batch:
                foreach (var each in batch) Take(each);
                break;
            case Frame frame: OnFrame(frame); break;
            case RefreshRequest refresh: _coordinator.OnRefresh(refresh); break;
            case ReplicaAnswer answer: _coordinator.Proposer.OnAnswer(answer); break;
            case FloorQuery query: query.Answer.TrySetResult(_coordinator.Gateway.Floor(query.Shard)); break;
            case RaiseFloors raise: _coordinator.Gateway.RaiseFloors(raise.Floor); break;
            case CancelRequest cancel: _coordinator.Gateway.Cancel(cancel.Pending); break;
            case Tick: OnTick(); break;
            case LinksChanged links: OnLinks(links); break;
            case Promises promises: _coordinator.OnPromises(promises.ByShard); break;
            case Flush:
                _flushing = false;
                Send(_coordinator.Flush());
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
        else if (pending.Operation.Update?.Wrong(pending.Operation) is { } unfit)
        {
            pending.Complete(OperationResult.Refused(RefusalReason.BadRequest, $"{unfit} Nothing was written."));
        }
        else if (!_coordinator.IsReady)
        {
            var why = _links?.WhyNotVoting ?? "The node is starting.";
            pending.Complete(OperationResult.Refused(RefusalReason.NotReady, $"{why} Nothing was written; try again later."));
        }
        else
        {
            _coordinator.Submit(pending);
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
                _coordinator.Proposer.OnAnswer(answer);
                break;
            case RequestBatch batch when batch.Requests.All(Fits): _coordinator.OnRequests(batch, Sender); break;
            case ReplyBatch batch when batch.From != _node.Self: _coordinator.OnReplies(batch); break;
            case RefreshRequest refresh when refresh.From != _node.Self: _coordinator.OnRefresh(refresh); break;
            case AnnouncementBatch batch when batch.From != _node.Self: _coordinator.OnAnnouncements(batch); break;
            default: _node.Counters.CountBadFrame(); break;
        }
    }

    // A gateway checks sizes itself; one that does not gets no answer.
    private bool Fits(Request request) =>
        _node.Settings.Limits.Violation(request.Key.Length, request.Operation.Value?.Length ?? 0) is null;

    private void OnLinks(LinksChanged links)
    {
        if (_links?.Reachable != links.Reachable) _lastAnnounceMs = 0;   // who was away hears with the next tick
        _links = links;
        _coordinator.IsReady = links.State != NodeState.Waiting;
        _coordinator.SetReachable(links.Reachable & links.Voting, links.Suspected);
        _coordinator.SetFull(links.Full);
    }

    private void OnTick()
    {
        var now = NowMs;
        _coordinator.OnTick(now);
        _node.Counters.ShardsHeld = _coordinator.Proposer.ShardsHeld;
        if (now - _lastAnnounceMs < _node.Settings.AnnounceMs) return;
        _lastAnnounceMs = now;
        if (_coordinator.TakeAnnouncements() is not { } news) return;
        var frame = _node.Encode(news);
        foreach (var peer in _node.Others) peer.Coordinator.Tell(frame, ActorRefs.NoSender);
        foreach (var gateway in _coordinator.RecentGateways().Cast<IActorRef>())
        {
            if (!_node.IsMember(gateway.Path.Address)) gateway.Tell(frame, ActorRefs.NoSender);
        }
    }

    private void Send(CoordinatorOutput output)
    {
        foreach (var request in output.ToAllReplicas)
        {
            _node.Peers[_node.Self].Replica.Tell(request, Self);
            var frame = _node.Encode(request);
            foreach (var peer in _node.Others) SendToReplica(peer, frame);
        }
        foreach (var (member, request) in output.ToReplica)
        {
            if (member == _node.Self) _node.Peers[member].Replica.Tell(request, Self);
            else SendToReplica(_node.Peers[member], _node.Encode(request));
        }
        foreach (var (member, batch) in output.ToCoordinator)
        {
            _node.Counters.RequestsForwarded++;
            _node.Peers[member].Coordinator.Tell(_node.Encode(batch), Self);
        }
        foreach (var (gateway, batch) in output.ToGateway) ((IActorRef)gateway).Tell(_node.Encode(batch), Self);
    }

    private void SendToReplica(Peer peer, Frame frame)
    {
        _node.Counters.ReplicaRequestsSent++;
        peer.Replica.Tell(frame, ActorRefs.NoSender);
    }
}

/// <summary>The caller of a request gives up.</summary>
/// <param name="Pending">The request.</param>
internal sealed record CancelRequest(PendingRequest Pending);

/// <summary>Requests taken from now on get versions above this one.</summary>
/// <param name="Floor">The version.</param>
internal sealed record RaiseFloors(Version Floor);

/// <summary>What is the newest version of a shard that the gateway knows to be chosen?</summary>
/// <param name="Shard">The shard.</param>
internal sealed record FloorQuery(int Shard)
{
    public TaskCompletionSource<Version> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
