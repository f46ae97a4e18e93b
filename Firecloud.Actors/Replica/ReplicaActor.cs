// ReplicaActor.cs - drives what one replica does: Acceptor (votes and records), Recovery when it has lost its memory, CatchUp
// when it missed writes, StateServer for others that recover. Frames in, store, sync, frames out: nothing is sent before the
// store has synced what it rests on, and one answer goes back per coordinator and batch. What arrives during a sync goes with the
// next one; reads of what is synced wait for none.
//
// The store decides over the actor: a damaged one is abandoned and the actor begins anew with an empty one (NodeActor restarts it);
// after a failed sync nothing is answered any more.
using System.Runtime.ExceptionServices;
using Akka.Actor;
using Akka.Event;
using Firecloud.Actors.Master;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Replica;

/// <summary>Stores and votes for one member.</summary>
internal sealed class ReplicaActor : UntypedActor, IWithTimers
{
    private const int TombstonesPerLook = 300;
    private const int ExpiriesPerLook = 300;
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(20);

    private readonly NodeContext _node;
    private readonly IRecordStore _store;
    private readonly Acceptor _acceptor;
    private readonly CatchUp _catchUp;
    private readonly StateServer _stateServer;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<ReplicaAnswer>[] _atOnce;    // by member: rest on nothing unsynced
    private readonly List<ReplicaAnswer>[] _answers;   // by member: wait for the next sync
    private readonly List<(IActorRef To, object Message)> _afterSync = [];
    private readonly Tombstones _tombstones;
    private readonly Expiries _expiries;
    private readonly SlowSyncs _slowSyncs = new();
    private LinksChanged? _links;
    private Recovery? _recovery;
    private readonly IReadOnlyList<string> _setAside;
    private StoreRoom _room = StoreRoom.NoDisk;
    private long _lookedAtDiskMs;
    private bool _failed;
    private bool _flushing;
    private bool _syncing;
    private long _divergentSaid;
    private Recovered? _lastProgress;

    public ReplicaActor(NodeContext node, Func<IRecordStore> openStore)
    {
        (_node, _store) = (node, openStore());
        _setAside = node.Settings.Storage.SetAside();
        var frame = node.Settings.FrameSize;
        _catchUp = new CatchUp(node.Configuration, node.Self, _store, new CatchUpLimits(node.Settings.CompareMs, 60, frame));
        _acceptor = new Acceptor(_store, node.Self, node.Configuration.Epoch) { Hear = _catchUp.Hear };
        _stateServer = new StateServer(_store, node.Configuration, node.Self, frame);
        _tombstones = new Tombstones(_store, TombstonesPerLook);
        _expiries = new Expiries(_store, ExpiriesPerLook);
        _answers = [.. node.Configuration.Members.Select(_ => new List<ReplicaAnswer>())];
        _atOnce = [.. node.Configuration.Members.Select(_ => new List<ReplicaAnswer>())];
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static long NowMs => Environment.TickCount64;

    // Both: what the cluster thinks of this memory, and what is in it.
    private bool Votes => _links?.State == NodeState.Voting && _store.Identity.IsWhole;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TickInterval, TickInterval);
        LookAtDisk();
        var self = Self;
        _store.StartScrub(found => self.Tell(new Scrubbed(_store, found), ActorRefs.NoSender));
    }

    protected override void PreRestart(Exception reason, object message)
    {
        if (reason is DamagedStoreException) _store.Abandon(reason.Message);
        base.PreRestart(reason, message);
    }

    protected override void PostRestart(Exception reason)
    {
        Context.Parent.Tell(new StoreOpened(_store.Identity, _store.WhyEmpty), Self);
        base.PostRestart(reason);
    }

    protected override void PostStop() => _store.Dispose();

    protected override void OnReceive(object message)
    {
        if (_failed && message is not AdminRequest) return;
        try
        {
            Handle(message);
        }
        catch (StoreFailedException e)
        {
            Fail(e);
        }
        // A damaged store's exception goes on to the supervisor.
    }

    private void Handle(object message)
    {
        switch (message)
        {
            case ReplicaRequest local: Handle(local); break;
            case Frame frame: OnFrame(frame); break;
            case Flush: OnFlush(); return;
            case Synced synced: OnSynced(synced); return;
            case Scrubbed scrubbed: OnScrubbed(scrubbed); return;
            case LinksChanged links: OnLinks(links); break;
            case Tick: OnTick(); break;
            case AdminRequest { Order: AdminOrder.ForceRecovery }: Sender.Tell(Force()); break;
            case ScanQuestion question: Scan(question); break;
            default: Unhandled(message); return;
        }
        Collect();
    }

    // Never retried as if it had worked: what was written may be lost, so this node may not vote on. What waits rests on it.
    private void Fail(StoreFailedException failure)
    {
        _failed = true;
        _afterSync.Clear();
        foreach (var answers in _answers) answers.Clear();
        _log.Error(failure, "This node does not vote any more: {0}", failure.Message);
        Context.Parent.Tell(new StoreFailed(failure.Message), Self);
    }

    private void OnFrame(Frame frame)
    {
        if (!_node.TryDecode(frame, out var message) || !TryHandle(message)) _node.Counters.CountBadFrame();
    }

    // A frame never comes from this node itself.
    private bool TryHandle(object message)
    {
        var own = _node.Self;
        switch (message)
        {
            case ReplicaRequest m when m.From != own:
                _node.Counters.ReplicaRequestsHandled++;
                Handle(m);
                return true;
            case LifeAnswer m when m.From != own: _recovery?.OnAnswer(m); return true;
            case LifeNoted m when m.From != own: _recovery?.OnNoted(m); return true;
            case StateChunk m when m.From != own: if (!_room.IsFull) _recovery?.OnChunk(m); return true;   // it asks again
            case LifeQuestion m when m.From != own: Answer(m.From, () => _stateServer.OnQuestion(m)); return true;
            case LifeAnnouncement when _room.IsExhausted: return true;
            case LifeAnnouncement m when m.From != own: Answer(m.From, () => _stateServer.OnAnnouncement(m)); return true;
            case StateQuestion m when m.From != own: Answer(m.From, () => _stateServer.OnQuestion(m)); return true;
            case TreeQuestion m when m.From != own: Answer(m.From, () => _catchUp.OnQuestion(m)); return true;
            case VersionsQuestion m when m.From != own: Answer(m.From, () => _catchUp.OnQuestion(m)); return true;
            case RecordsQuestion m when m.From != own: Answer(m.From, () => _catchUp.OnQuestion(m)); return true;
            case TreeAnswer m when m.From != own: _catchUp.OnAnswer(m); return true;
            case VersionsAnswer m when m.From != own: _catchUp.OnAnswer(m); return true;
            case RecordsAnswer m when m.From != own: _catchUp.OnAnswer(m); return true;
            default: return false;
        }
    }

    // Without its memory a replica has forgotten its promises: it answers nothing (protocol.md section 7).
    private void Handle(ReplicaRequest request)
    {
        if (!Votes) return;
        if (_room.IsFull) request = WithoutWhatHasNoRoom(request);
        var (atOnce, afterSync) = _syncing || _store.IsDirty ? _acceptor.Part(request) : (null, request);
        if (atOnce is not null && _acceptor.Handle(atOnce) is { Items.Count: > 0 } reads) _atOnce[request.From].Add(reads);
        if (afterSync is not null && _acceptor.Handle(afterSync) is { Items.Count: > 0 } answer) _answers[request.From].Add(answer);
    }

    private void Scan(ScanQuestion question)
    {
        object answer = Votes
            ? ScanServer.Read(_store, _node.Configuration, _node.Self, question, _node.Settings.FrameSize)
            : new AdminReply(false, $"{_node.Name(_node.Self)} does not vote. {_links?.WhyNotVoting}");
        _afterSync.Add((Sender, answer));
    }

    // A full disk takes no new values while the others can do without this replica; else what comes is only what owners must write
    // again, since they refuse new values. An exhausted one takes nothing.
    private ReplicaRequest WithoutWhatHasNoRoom(ReplicaRequest request)
    {
        var othersDo = _node.Configuration.Votes.IsQuorum(_links!.Reachable & _links.Voting & ~_links.Full & ~(1u << _node.Self));
        return request with
        {
            Items = [.. request.Items.Where(i => i.Ask == ReplicaAsk.Read
                || (!_room.IsExhausted && !(othersDo && i.Ask is ReplicaAsk.Accept or ReplicaAsk.Repair && i.Record?.Value is not null)))],
        };
    }

    private void LookAtDisk()
    {
        _lookedAtDiskMs = NowMs;
        var (storage, room) = (_node.Settings.Storage, _store.Poll());
        if (room.IsFull != _room.IsFull)
        {
            Context.Parent.Tell(new DiskChanged(room.IsFull), Self);
            if (room.IsFull) _log.Warning("The disk of {0} is full ({1} bytes free): it takes no new values.", storage.Folder, room.FreeBytes);
            else _log.Info("The disk of {0} has room again ({1} bytes free).", storage.Folder, room.FreeBytes);
        }
        _room = room;
        _node.Counters.Store = new StoreStatus(
            storage.IsOnDisk ? "disk" : "memory", storage.IsOnDisk ? storage.Folder : null, room.FreeBytes, room.IsFull, _setAside);
    }

    private void OnScrubbed(Scrubbed scrubbed)
    {
        if (scrubbed.Store != _store) return;
        ExceptionDispatchInfo.Throw(scrubbed.Found);
    }

    private void Answer(int to, Func<object> answer)
    {
        if (Votes) _afterSync.Add((_node.Peers[to].Replica, _node.Encode(answer())));
    }

    private void OnLinks(LinksChanged links)
    {
        if (links.Memory != _store.Identity.Id) return;   // news of a memory that was abandoned
        var votes = Votes;
        _links = links;
        if (!votes && Votes) TellPromises();
        _catchUp.SetReachable(Votes && !_room.IsFull ? links.Reachable & links.Voting : 0);
        if (links.State == NodeState.Joining && !_store.Identity.IsWhole) Keep(new ClusterKept());
        // Once is enough: the word that it is done may cross news of links that still call the memory lost.
        if (links.State != NodeState.LostMemory || _recovery is not null || _store.Identity.IsWhole) return;
        _store.Identity = _store.Identity with { IsRecovering = true };
        _recovery = new Recovery(_node.Configuration, _node.Self, _node.Boot, _store);
        _recovery.Start(NowMs);
    }

    // From here on the memory is whole, and counts as one after the sync that goes before the news.
    private void Keep(object news)
    {
        _store.Identity = _store.Identity with { ClusterId = _links!.ClusterId, Founders = _links.Founders, IsRecovering = false };
        _afterSync.Add((Context.Parent, news));
    }

    private void TellPromises()
    {
        var promised = new Ballot[_node.Configuration.Shards];
        for (var shard = 0; shard < promised.Length; shard++) promised[shard] = _store.GetPromised(shard);
        _node.Peers[_node.Self].Coordinator.Tell(new Promises(promised), Self);
    }

    private void OnTick()
    {
        var now = NowMs;
        if (now - _lookedAtDiskMs >= 200) LookAtDisk();
        if (_recovery is { IsDone: false }) _recovery.OnTick(now);
        if (!Votes) return;
        _catchUp.OnTick(now);
        Refresh([.. _catchUp.TooOld], _tombstones.Look(now), _expiries.Look(now, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()));
        _catchUp.TooOld.Clear();
        Report();
    }

    // Owners write again what this replica may not take otherwise, and what has expired; the preferred ones own, or will.
    private void Refresh(IReadOnlyList<Key> tooOld, IReadOnlyList<Key> tombstones, IReadOnlyList<Key> expired)
    {
        if (tooOld.Count + tombstones.Count + expired.Count == 0) return;
        var (configuration, usable) = (_node.Configuration, _links!.Reachable & _links.Voting);
        var all = new RefreshRequest(_node.Self, tooOld, tombstones) { Expired = expired };
        foreach (var (owner, request) in all.ByOwner(key => configuration.Preferred(key.Shard(configuration.Shards), usable)))
        {
            object message = owner == _node.Self ? request : _node.Encode(request);
            _afterSync.Add((_node.Peers[owner].Coordinator, message));
        }
    }

    private void Report()
    {
        var counters = _node.Counters;
        (counters.Behind, counters.Heard, counters.Divergent) = (_catchUp.Behind, _catchUp.Taken, _catchUp.Divergent);
        counters.Differing = _catchUp.Differing;
        if (_catchUp.Divergent == _divergentSaid) return;
        _divergentSaid = _catchUp.Divergent;
        _log.Error(
            "DIVERGENCE: the key {0} has one version and two values on two members. This must never happen; keep the logs, compare "
            + "the key on every node and report it. {1} so far.", _catchUp.LastDivergent, _catchUp.Divergent);
    }

    private AdminReply Force()
    {
        if (_failed) return new AdminReply(false, "The store has failed; start the node again once its disk is well.");
        if (_recovery is not { IsDone: false }) return new AdminReply(false, "This node does not recover; nothing was done.");
        _recovery.Force();
        return new AdminReply(
            true,
            $"The node goes on with the memory of {_node.Configuration.Votes.Of(_recovery.Complete)} votes, "
            + $"{_node.Configuration.Votes.Quorum} would be needed. Whatever only the missing members knew may be lost.");
    }

    // What the input just handled wants to be sent, goes out with the next flush.
    private void Collect()
    {
        // What a recovery asks rests on nothing, so it waits for no sync.
        if (_recovery is not null) Send(TakenFrom(_recovery.Outbox));
        _afterSync.AddRange(TakenFrom(_catchUp.Outbox));
        if (_recovery is { IsDone: true })
        {
            _log.Info("Recovered {0} records as life {1}.", _recovery.RecordsTaken, _recovery.Life);
            Keep(new Recovered(null));
            _recovery = null;
        }
        else if (_recovery is not null)
        {
            var progress = new Recovered(_recovery.Progress(_node.Name));
            if (progress != _lastProgress) Context.Parent.Tell(_lastProgress = progress, Self);
        }
        if (_flushing || (_afterSync.Count == 0 && !MustSync && _answers.All(a => a.Count == 0) && _atOnce.All(a => a.Count == 0))) return;
        _flushing = true;
        Self.Tell(Flush.Instance, ActorRefs.NoSender);
    }

    private List<(IActorRef To, object Message)> TakenFrom(List<(int Member, object Message)> outbox)
    {
        var taken = outbox.ConvertAll(each => (_node.Peers[each.Member].Replica, (object)_node.Encode(each.Message)));
        outbox.Clear();
        return taken;
    }

    // What a recovery takes is more than should wait in memory for its end.
    private bool MustSync => _recovery is not null && !_syncing && _store.IsDirty;

    private void OnFlush()
    {
        _flushing = false;
        Send(Taken(_atOnce));
        if (_syncing) return;
        var messages = Taken(_answers);
        messages.InsertRange(0, _afterSync);
        _afterSync.Clear();
        if (messages.Count == 0 && !MustSync) return;
        _node.Counters.Keys = _store.Count;
        var sync = _store.SyncAsync();
        if (sync.IsCompletedSuccessfully)
        {
            Send(messages);
            return;
        }
        _syncing = true;
        var (store, self, begin) = (_store, Self, NowMs);
        // What waited goes out from the thread that synced: one step between threads less on the way of every write.
        _ = sync.AsTask().ContinueWith(
            done =>
            {
                if (done.IsCompletedSuccessfully) Send(messages);
                self.Tell(new Synced(store, NowMs - begin, done.Exception?.GetBaseException()), ActorRefs.NoSender);
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void OnSynced(Synced synced)
    {
        if (synced.Store != _store) return;   // abandoned since
        if (synced.Failure is not null) ExceptionDispatchInfo.Throw(synced.Failure);
        _syncing = false;
        if (_slowSyncs.Note(synced.TookMs, NowMs) is { } words) _log.Warning("{0}", words);
        OnFlush();
    }

    private List<(IActorRef To, object Message)> Taken(List<ReplicaAnswer>[] answers)
    {
        var all = new List<(IActorRef, object)>();
        for (var member = 0; member < answers.Length; member++)
        {
            var coordinator = _node.Peers[member].Coordinator;
            foreach (var answer in Batching.Merged(answers[member]))
            {
                if (member == _node.Self) all.Add((coordinator, answer));
                else all.AddRange(Batching.Cut(answer, _node.Settings.FrameSize).Select(part => (coordinator, (object)_node.Encode(part))));
            }
            answers[member].Clear();
        }
        return all;
    }

    private static void Send(List<(IActorRef To, object Message)> messages)
    {
        foreach (var (to, message) in messages) to.Tell(message, ActorRefs.NoSender);
    }

    private sealed record Scrubbed(IRecordStore Store, Exception Found);

    private sealed record Synced(IRecordStore Store, long TookMs, Exception? Failure);
}
