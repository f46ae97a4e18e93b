// ReplicaActor.cs - drives Acceptor: frames in, store, sync, frames out. One answer goes back per coordinator and batch, and
// only after the store has synced everything that the batch wrote.
using Akka.Actor;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Replica;

/// <summary>Stores and votes for one member.</summary>
internal sealed class ReplicaActor : UntypedActor
{
    private readonly NodeContext _node;
    private readonly IRecordStore _store;
    private readonly Acceptor _acceptor;
    private readonly List<ReplicaAnswer>[] _answers;
    private bool _votes;
    private bool _flushing;
    private bool _syncing;

    public ReplicaActor(NodeContext node, IRecordStore store)
    {
        _node = node;
        _store = store;
        _acceptor = new Acceptor(store, node.Self, node.Configuration.Epoch);
        _answers = [.. node.Configuration.Members.Select(_ => new List<ReplicaAnswer>())];
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case ReplicaRequest local: Handle(local); break;
            case Frame frame: OnFrame(frame); break;
            case Flush: OnFlush(); break;
            case Synced synced: OnSynced(synced); break;
            case LinksChanged links: _votes = links.State == NodeState.Voting; break;
            default: Unhandled(message); break;
        }
    }

    protected override void PostStop() => _store.Dispose();

    private void OnFrame(Frame frame)
    {
        // A coordinator of this node does not come over the network.
        if (_node.TryDecode(frame, out var message) && message is ReplicaRequest request && request.From != _node.Self)
        {
            _node.Counters.ReplicaRequestsHandled++;
            Handle(request);
        }
        else
        {
            _node.Counters.CountBadFrame();
        }
    }

    private void Handle(ReplicaRequest request)
    {
        // Without its memory a replica has forgotten its promises: it answers nothing (protocol.md section 7).
        if (!_votes || _acceptor.Handle(request) is not { } answer) return;
        _answers[request.From].Add(answer);
        _node.Counters.Keys = _store.Count;
        if (_flushing) return;
        _flushing = true;
        Self.Tell(Flush.Instance, ActorRefs.NoSender);
    }

    private void OnFlush()
    {
        _flushing = false;
        if (_syncing) return;
        var answers = TakeAnswers();
        if (answers.Count == 0) return;
        var sync = _store.SyncAsync();
        if (sync.IsCompletedSuccessfully)
        {
            Send(answers);
            return;
        }
        _syncing = true;
        sync.AsTask().PipeTo(Self, success: () => new Synced(answers, null), failure: e => new Synced(answers, e));
    }

    private void OnSynced(Synced synced)
    {
        // A failed sync is never retried as if it had worked: what was written may be lost, so this node may not vote on.
        if (synced.Failure is not null) throw new InvalidOperationException("The store could not be synced.", synced.Failure);
        _syncing = false;
        Send(synced.Answers);
        OnFlush();
    }

    private List<(int To, ReplicaAnswer Answer)> TakeAnswers()
    {
        var taken = new List<(int, ReplicaAnswer)>();
        for (var member = 0; member < _answers.Length; member++)
        {
            foreach (var answer in Merged(_answers[member])) taken.Add((member, answer));
            _answers[member].Clear();
        }
        return taken;
    }

    // Answers to several batches of one coordinator go back as one; a restart of it in between keeps them apart.
    private static IEnumerable<ReplicaAnswer> Merged(List<ReplicaAnswer> answers) => answers.Count <= 1
        ? [.. answers]
        : answers.GroupBy(a => a.Boot).Select(g => g.Last() with { Items = [.. g.SelectMany(a => a.Items)] });

    private void Send(List<(int To, ReplicaAnswer Answer)> answers)
    {
        foreach (var (to, answer) in answers)
        {
            if (to == _node.Self) _node.Peers[to].Coordinator.Tell(answer, ActorRefs.NoSender);
            else
            {
                foreach (var part in Batching.Cut(answer, _node.Settings.FrameSize))
                {
                    _node.Peers[to].Coordinator.Tell(NodeContext.Encode(part), ActorRefs.NoSender);
                }
            }
        }
    }

    private sealed record Synced(List<(int To, ReplicaAnswer Answer)> Answers, Exception? Failure);
}
