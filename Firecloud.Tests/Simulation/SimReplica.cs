// SimReplica.cs - the replica of one simulated node, driven as Replica/ReplicaActor drives it: votes, recovery, catching up, tombstones, expiries;
// nothing is sent before the store has synced what it rests on.
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

internal sealed class SimReplica
{
    private const int TombstonesPerLook = 100;
    private static readonly object Recovered = new();

    private readonly Simulation _world;
    private readonly SimNode _node;
    private readonly int _id;
    private readonly Acceptor _acceptor;
    private readonly CatchUp _catchUp;
    private readonly StateServer _stateServer;
    private readonly Tombstones _tombstones;
    private readonly Expiries _expiries;
    private readonly Recovery? _recovery;
    private readonly List<(int To, object Message)> _waiting = [];    // for the next sync
    private readonly List<(int To, object Message)> _unsynced = [];   // for the sync under way
    private bool _syncing;
    private bool _recovered;

    public SimReplica(Simulation world, SimNode node, Configuration configuration)
    {
        (_world, _node, _id) = (world, node, node.Id);
        var (store, frame, rules) = (node.Store, world.Options.FrameSize, world.Rules);
        _catchUp = new CatchUp(configuration, _id, store, new CatchUpLimits(world.Options.CompareEvery, 10, frame), rules);
        _acceptor = new Acceptor(store, _id, configuration.Epoch) 
        {
            Rules = rules,
            Hear = _catchUp.Hear,
            MostReadElsewhere = world.Options.Withholds ? -1 : 4096,
        };
        _stateServer = new StateServer(store, configuration, _id, frame, rules);
        _tombstones = new Tombstones(store, TombstonesPerLook);
        _expiries = new Expiries(store, TombstonesPerLook);
        if (node.HasMemory || !node.Recovers) return;
        _recovery = new Recovery(configuration, _id, world.Random.NextUInt64(), store, rules);
    }

    /// <summary>It has something to do even if nobody asks.</summary>
    public bool IsBusy => _recovery is { IsDone: false } || (_node.HasMemory && _world.Options.CompareEvery > 0);

    /// <summary>Keys that had one version and two values on two replicas.</summary>
    public long Divergent => _catchUp.Divergent;

    /// <summary>Begins to recover, where there is something to.</summary>
    public void Start(long clockMs)
    {
        if (_recovery is null) return;
        _recovery.Start(clockMs);
        Collect();
    }

    /// <returns>False for what is not a replica's message.</returns>
    public bool TryHandle(object message)
    {
        switch (message)
        {
            case ReplicaRequest m: Handle(m); break;
            case LifeAnswer m: _recovery?.OnAnswer(m); break;
            case LifeNoted m: _recovery?.OnNoted(m); break;
            case StateChunk m: _recovery?.OnChunk(m); break;
            case LifeQuestion m: if (_node.HasMemory) Send(m.From, _stateServer.OnQuestion(m)); break;
            case LifeAnnouncement m: if (_node.HasMemory) Send(m.From, _stateServer.OnAnnouncement(m)); break;
            case StateQuestion m: if (_node.HasMemory) Send(m.From, _stateServer.OnQuestion(m)); break;
            case TreeQuestion m: if (_node.HasMemory) Send(m.From, _catchUp.OnQuestion(m)); break;
            case VersionsQuestion m: if (_node.HasMemory) Send(m.From, _catchUp.OnQuestion(m)); break;
            case RecordsQuestion m: if (_node.HasMemory) Send(m.From, _catchUp.OnQuestion(m)); break;
            case TreeAnswer m: _catchUp.OnAnswer(m); break;
            case VersionsAnswer m: _catchUp.OnAnswer(m); break;
            case RecordsAnswer m: _catchUp.OnAnswer(m); break;
            default: return false;
        }
        Collect();
        return true;
    }

    public void SetView(uint view)
    {
        _catchUp.SetReachable(_node.HasMemory ? view : 0);
        Collect();
    }

    public void OnTick(long clockMs)
    {
        if (_recovery is { IsDone: false }) _recovery.OnTick(clockMs);
        if (_node.HasMemory && _world.Options.CompareEvery > 0)
        {
            _catchUp.OnTick(clockMs);
            Refresh([.. _catchUp.TooOld], _tombstones.Look(clockMs), _expiries.Look(clockMs, _node.WallMs));
            _catchUp.TooOld.Clear();
        }
        Collect();
    }

    /// <summary>A sync that began when this many entries were written has ended; what waited for it goes out.</summary>
    public void Synced(int written)
    {
        ((SimStore)_node.Store).Synced(written);
        _syncing = false;
        foreach (var (to, message) in _unsynced) SendNow(to, message);
        _unsynced.Clear();
        if (_waiting.Count > 0) BeginSync();
    }

    private void Handle(ReplicaRequest request)
    {
        if (!_node.HasMemory) return;
        var (atOnce, afterSync) = _acceptor.Part(request);
        if (atOnce is not null) Answer(atOnce, SendNow);
        if (afterSync is not null) Answer(afterSync, Send);
    }

    private void Answer(ReplicaRequest request, Action<int, object> send)
    {
        if (_acceptor.Handle(request) is not { Items.Count: > 0 } answer) return;
        foreach (var part in Batching.Cut(answer, _world.Options.FrameSize)) send(request.From, part);
    }

    private void Refresh(IReadOnlyList<Key> tooOld, IReadOnlyList<Key> tombstones, IReadOnlyList<Key> expired)
    {
        var shards = _world.Configuration.Shards;
        var all = new RefreshRequest(_id, tooOld, tombstones) { Expired = expired };
        foreach (var (owner, request) in all.ByOwner(k => _world.Configuration.Preferred(k.Shard(shards), _node.View))) Send(owner, request);
    }

    private void Collect()
    {
        TakeFrom(_catchUp.Outbox);
        if (_recovery is null) return;
        foreach (var (member, message) in _recovery.Outbox) SendNow(member, message);   // what it asks rests on nothing
        _recovery.Outbox.Clear();
        if (!_recovery.IsDone || _recovered) return;
        // The mark "recovering" stays on a disk until the sync that ends the recovery; only then it votes.
        _recovered = true;
        Send(-1, Recovered);
    }

    private void SendNow(int to, object message)
    {
        if (message == Recovered) _node.HasRecovered();
        else _world.Network.Send(_id, to, message);
    }

    private void TakeFrom(List<(int Member, object Message)> outbox)
    {
        if (outbox.Count == 0) return;
        foreach (var (member, message) in outbox) Send(member, message);
        outbox.Clear();
    }

    private void Send(int to, object message)
    {
        if (_node.Store is not SimStore || !_world.SyncsBeforeAnswering)
        {
            SendNow(to, message);
            return;
        }
        _waiting.Add((to, message));
        if (!_syncing) BeginSync();
    }

    private void BeginSync()
    {
        _syncing = true;
        _unsynced.AddRange(_waiting);
        _waiting.Clear();
        var written = ((SimStore)_node.Store).Written;
        var time = 1 + _world.Random.Next(_world.Options.SyncTime);
        _world.After(time, new SimEvent(EventKind.Synced, _id, _id, null, _node.Life) { Number = written });
    }
}
