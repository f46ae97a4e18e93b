// SimNode.cs - one simulated node: its replica (SimReplica) and its Coordinator, driven as Coordinator/CoordinatorActor drives it.
// What is the actors' own (mailbox, flush, sync before answer, tick) is imitated here; everything else is the real code.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;

namespace Firecloud.Tests.Simulation;

internal sealed class SimNode(Simulation world, int id) : ISimPlace
{
    private static readonly object[] Addresses = [.. Enumerable.Range(0, Simulation.MaxPlaces).Select(i => (object)i)];

    private SimReplica _replica = null!;
    private long _lastAnnounceMs;
    private bool _mayAnnounce;
    private bool _ticking;
    private bool _flushing;

    public int Id => id;
    public IRecordStore Store { get; private set; } = null!;
    public SimReplica Replica => _replica;

    /// <summary>Null while the node is down.</summary>
    public Coordinator? Coordinator { get; private set; }

    public Gateway? Gateway => Coordinator?.Gateway;
    public bool IsUp => Coordinator is not null;

    /// <summary>False from the loss of its memory until it has recovered: it must not vote.</summary>
    public bool HasMemory { get; private set; } = true;

    /// <summary>Without its memory it takes it over from the others.</summary>
    public bool Recovers { get; set; } = world.Options.Recovers;

    public uint View { get; private set; }

    public uint Suspected { get; private set; }

    /// <summary>Grows with every crash; what was in a mailbox then is gone.</summary>
    public int Life { get; private set; }

    public long PausedUntilMs { get; set; }

    /// <summary>Clocks of nodes differ; nothing but patience may depend on them.</summary>
    private long ClockMs => world.NowMs + id * 100_000L;

    /// <summary>How wrong its wall clock is; another amount after every start.</summary>
    public long ClockError { get; set; }

    public long WallMs => world.WallMs + ClockError;

    public void Start()
    {
        if (world.Options is { Expiring: > 0, ClockSkew: > 0 and var skew }) ClockError = world.Random.Next(-skew, skew + 1);
        // A disk that carries the mark "recovering" counts as lost (section 7).
        if (Store is null || !HasMemory) NewStore();
        Coordinator = new Coordinator(
            world.Configuration, id, world.Random.NextUInt64(), world.Limits, world.Random, world.Rules) { IsReady = true, WallMs = WallMs };
        Coordinator.OnTick(ClockMs);
        (_ticking, _flushing, PausedUntilMs) = (false, false, 0);
        _replica = new SimReplica(world, this, world.Configuration);
        _replica.Start(ClockMs);
        if (_replica.IsBusy) TickAgain();
    }

    /// <summary>The node learns a newer configuration: all of an older epoch ends, unless a script forgets to end it.</summary>
    public void Adopt(Configuration configuration, bool keepsCoordinator)
    {
        _replica = new SimReplica(world, this, configuration);
        if (keepsCoordinator) return;
        Coordinator = new Coordinator(
            configuration, id, world.Random.NextUInt64(), world.Limits, world.Random, world.Rules) { IsReady = true };
    }

    public void Crash()
    {
        Coordinator = null;
        Life++;
        (Store as SimStore)?.Crash();
    }

    /// <summary>The node crashes and all that it kept is gone. Once started again it coordinates, but does not vote.</summary>
    public void LoseMemory()
    {
        Crash();
        NewStore();
        HasMemory = false;
    }

    /// <summary>The replica has its memory again and votes.</summary>
    public void HasRecovered()
    {
        HasMemory = true;
        world.NoticeLinksSoon();
    }

    /// <summary>Section 7 in one instant: what an exchange of messages with these members would end with.</summary>
    public void RecoverAtOnce(IReadOnlyList<SimNode> others)
    {
        var life = others.Max(n => n.Store.Lives[id]) + 1;
        foreach (var other in others)
        {
            other.Store.Lives = other.Store.Lives.Raised(id, life);
            other.SyncAtOnce();
        }
        var lives = Store.Lives.Raised(id, life);
        foreach (var other in others) lives = lives.Merged(other.Store.Lives);
        Store.Lives = lives;
        for (var shard = 0; shard < world.Configuration.Shards; shard++)
        {
            var promised = others.Max(n => n.Store.GetPromised(shard));
            if (promised > Store.GetPromised(shard)) Store.SetPromised(shard, promised);
            foreach (var other in others) Store.RaiseDropped(shard, other.Store.GetDropped(shard));
        }
        foreach (var key in world.Keys) Take(key, others);
        SyncAtOnce();
        HasMemory = true;
    }

    public void Deliver(int from, object message)
    {
        if (_replica.TryHandle(message))
        {
            if (!_ticking && _replica.IsBusy) TickAgain();
            return;
        }
        BeforeInput();
        switch (message)
        {
            case ReplicaAnswer answer: Coordinator!.Proposer.OnAnswer(answer); break;
            case RequestBatch batch: Coordinator!.OnRequests(batch, Addresses[from]); break;
            case ReplyBatch batch: Coordinator!.OnReplies(batch); break;
            case RefreshRequest refresh: Coordinator!.OnRefresh(refresh); break;
            case AnnouncementBatch batch: Coordinator!.OnAnnouncements(batch); break;
            default: throw new InvalidOperationException($"{message.GetType().Name} is not known to the simulator.");
        }
        AfterInput();
    }

    public void Submit(SimCall call)
    {
        BeforeInput();
        Coordinator!.Submit(call);
        AfterInput();
    }

    public void Cancel(SimCall call)
    {
        BeforeInput();
        Coordinator!.Gateway.Cancel(call);
        AfterInput();
    }

    public void SetView(uint view, uint suspected = 0)
    {
        (View, Suspected) = (view, suspected);
        BeforeInput();
        Coordinator!.SetReachable(view, suspected);
        _replica.SetView(view);
        AfterInput();
    }

    public void Tick()
    {
        _ticking = false;
        Coordinator!.WallMs = WallMs;
        Coordinator.OnTick(ClockMs);
        _replica.OnTick(ClockMs);
        if (world.NowMs - _lastAnnounceMs >= world.Options.AnnounceEvery)
        {
            _lastAnnounceMs = world.NowMs;
            _mayAnnounce = false;
            if (Coordinator.TakeAnnouncements() is { } news)
            {
                for (var other = 0; other < Simulation.Members; other++)
                {
                    if (other != id) world.Network.Send(id, other, news);
                }
                foreach (var gateway in Coordinator.RecentGateways().Cast<int>().Where(g => g >= Simulation.Members))
                {
                    world.Network.Send(id, gateway, news);
                }
            }
        }
        if (HasOutput) FlushSoon();
        TickAgain();
    }

    public void Flush()
    {
        _flushing = false;
        var output = Coordinator!.Flush();
        foreach (var request in output.ToAllReplicas)
        {
            for (var member = 0; member < Simulation.Members; member++) world.Network.Send(id, member, request);
        }
        foreach (var (member, request) in output.ToReplica) world.Network.Send(id, member, request);
        foreach (var (member, batch) in output.ToCoordinator) world.Network.Send(id, member, batch);
        foreach (var (gateway, batch) in output.ToGateway) world.Network.Send(id, (int)gateway, batch);
    }

    public void Synced(int written) => _replica.Synced(written);

    private void SyncAtOnce()
    {
        if (Store is SimStore disk) disk.Synced(disk.Written);
    }

    private void NewStore()
    {
        Store = world.Options.SyncTime > 0
            ? new SimStore(world.Configuration.Shards, Simulation.Members)
            : new MemoryRecordStore(world.Configuration.Shards, Simulation.Members);
    }

    private void Take(Key key, IReadOnlyList<SimNode> others)
    {
        var shard = key.Shard(world.Configuration.Shards);
        var newest = Record.None;
        foreach (var other in others)
        {
            var record = other.Store.Get(shard, key).Record;
            if (record.Version > newest.Version) newest = record;
        }
        if (!newest.Held) return;
        var holders = others.Where(n => n.Store.Get(shard, key) is { Heard: false } s && s.Record.Version == newest.Version);
        var heard = !world.Configuration.Votes.IsQuorum(holders.Aggregate(0u, (mask, n) => mask | 1u << n.Id));
        Store.Put(shard, key, new StoredRecord(newest, heard));
    }

    private bool HasOutput
    {
        get
        {
            var (proposer, gateway) = (Coordinator!.Proposer.Outbox, Coordinator.Gateway.Outbox);
            if (proposer.ToAll.Count > 0 || proposer.Replies.Count > 0) return true;
            for (var member = 0; member < Simulation.Members; member++)
            {
                if (proposer.ToMember[member].Count > 0 || gateway[member].Count > 0) return true;
            }
            return false;
        }
    }

    private void BeforeInput()
    {
        Coordinator!.WallMs = WallMs;
        if (!_ticking) Coordinator.OnTick(ClockMs);
    }

    private void AfterInput()
    {
        _mayAnnounce = true;
        if (!_ticking) TickAgain();
        FlushSoon();
    }

    // A node with nothing to do is not ticked, but that it may announce; its next input begins with a tick.
    private void TickAgain()
    {
        var busy = Coordinator!.Gateway.Pending > 0 || Coordinator.Proposer.RoundsUnderWay > 0 || Coordinator.Proposer.DropsWaiting > 0 || _replica.IsBusy;
        if (!busy && !_mayAnnounce) return;
        _ticking = true;
        var toAnnounce = _lastAnnounceMs + world.Options.AnnounceEvery - world.NowMs;
        var delay = busy ? world.Options.TickEvery : Math.Max(1, toAnnounce);
        world.After(delay, new SimEvent(EventKind.Tick, id, id, null, Life));
    }

    private void FlushSoon()
    {
        if (world.Options.FlushAfter == 0) Flush();
        else if (!_flushing)
        {
            _flushing = true;
            world.After(world.Random.Next(world.Options.FlushAfter), new SimEvent(EventKind.Flush, id, id, null, Life));
        }
    }
}
