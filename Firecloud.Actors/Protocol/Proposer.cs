// Proposer.cs - one coordinator's side of protocol.md sections 4 and 5: rounds, counting, resending, reads of non-owners.
// ShardOwner has the rules of one shard; this class has what all shards share.
//
// INPUTS   Submit, OnAnswer, OnTick, Reachable. Answers may come late, twice or never; the codec has checked ranges.
// OUTPUTS  Outbox: items for all replicas, items for one, replies. The driver sends them after a batch of inputs (Flush), so
//          that whatever arrived together goes out together.
// NOT HERE sockets, clocks, randomness, Akka. Coordinator/CoordinatorActor drives it; tests and the simulator do too.
namespace Firecloud.Actors.Protocol;

/// <summary>Runs requests as a coordinator: as owner of the shards it holds, and as reader of the others.</summary>
internal sealed class Proposer
{
    private const int MaxLingeringResent = 100;   // per tick

    private readonly ProposerLimits _limits;
    private readonly ShardOwner?[] _shards;
    private readonly Dictionary<ulong, Round> _rounds = [];
    private readonly Queue<AcceptRound> _lingering = new();
    private readonly Queue<(ShardOwner Owner, KeyState State)> _evictionClock = new();
    private readonly HashSet<ShardOwner> _toConfirm = [];
    private readonly HashSet<ShardOwner> _toAnnounce = [];
    private readonly InternedLives _lives;
    private readonly Drops _drops;
    private ulong _lastRound;
    private uint _reachable;

    public Proposer(Configuration configuration, int self, ulong boot, ProposerLimits limits, Rules? rules = null)
    {
        Rules = rules ?? Rules.Protocol;
        Configuration = configuration;
        Self = self;
        Boot = boot;
        _limits = limits;
        _shards = new ShardOwner?[configuration.Shards];
        _drops = new Drops(this, limits.DropAfterMs, limits.MaxLingering);
        _lives = new InternedLives(configuration.Members.Count);
        _reachable = Responsive = configuration.Votes.AllMembers;
        Outbox = new ProposerOutbox(configuration.Members.Count, limits.MaxBatches);
    }

    public Rules Rules { get; }

    public Configuration Configuration { get; }

    public int Self { get; }

    public ulong Boot { get; }

    /// <summary>The driver's clock at the last tick, for resending only.</summary>
    public long NowMs { get; private set; }

    /// <summary>The driver's wall clock, in milliseconds since 1970, for expiries only; 0 while it has none: then nothing expires.</summary>
    public long WallMs { get; set; }

    public int BlindAfterMs => _limits.BlindAfterMs;

    public int MaxValue => _limits.MaxValue;

    public ProposerOutbox Outbox { get; }

    /// <summary>Members that the transport can reach, self included. Steers; safety never rests on it.</summary>
    public uint Reachable => _reachable;

    /// <summary>Of them, those that are not suspected. Steers who owns what.</summary>
    public uint Responsive { get; private set; }

    /// <summary>Members whose disk has no room for new values.</summary>
    public uint Full { get; set; }

    public int VotesReachable => Configuration.Votes.Of(_reachable);

    /// <summary>Members with a quorum of votes can be reached and are not suspected. Else nothing is begun: it would only raise promises.</summary>
    public bool QuorumResponsive => Configuration.Votes.IsQuorum(Responsive);

    public int RoundsUnderWay => _rounds.Count;

    public int DropsWaiting => _drops.Waiting;

    public int ShardsHeld => _shards.Count(s => s is { Holds: true });

    public int KeysCached => _shards.Sum(s => s?.CachedKeys ?? 0);

    /// <summary>The transport's view changed. Without a quorum no shard is held, and whatever has written nothing is refused at once.</summary>
    /// <param name="members">Bit i is member i.</param>
    /// <param name="suspected">See <see cref="Coordinator.SetReachable"/>.</param>
    public void SetReachable(uint members, uint suspected = 0)
    {
        var back = members & ~_reachable;
        (_reachable, Responsive) = (members, members & (~suspected | 1u << Self));
        Outbox.Window.Clear();
        if (!QuorumResponsive) OnQuorumLost();
        if (back == 0) return;
        Resend(r => true, back);
        // Floors of who was away are old: the sooner they hear, the less they must call unknown (section 6, rule 5).
        foreach (var owner in _shards) if (owner is { Holds: true }) _toAnnounce.Add(owner);
    }

    /// <summary>Takes a request from a gateway.</summary>
    public void Submit(Request request, object origin)
    {
        var shard = request.Key.Shard(Configuration.Shards);
        if (WhyNot(request) is { } status)
        {
            Reply(origin, NotRun(request, shard, status));
            return;
        }
        var owner = Owner(shard);
        var anyMayAnswer = (request.Mode & (RequestMode.AsOwner | RequestMode.MustOwn)) == 0;
        if (request.Operation.IsGet && anyMayAnswer && !owner.Holds) StartRead(request, origin, shard);
        else owner.Submit(request, origin);
    }

    /// <summary>Answers a request that this node does not take at present.</summary>
    public void Refuse(Request request, object origin) =>
        Reply(origin, NotRun(request, request.Key.Shard(Configuration.Shards), ReplyStatus.NotReady));

    /// <summary>Ends the ownership of every shard; the next request of each takes a higher ballot.</summary>
    public void GiveUpAll()
    {
        foreach (var owner in _shards) owner?.GiveUp();
    }

    /// <summary>Handles a replica's answer.</summary>
    public void OnAnswer(ReplicaAnswer answer)
    {
        if (answer.Boot != Boot || !Rules.SameEpoch(answer.Epoch, Configuration.Epoch)) return;
        var from = Rules.Origin(answer);
        var lives = _lives.Interned(from, answer.Lives);
        foreach (var item in answer.Items) OnAnswer(from, lives, item);
    }

    /// <summary>Closes the batch: after this, the outbox holds all that is to be sent.</summary>
    public void Flush()
    {
        foreach (var owner in _toConfirm)
        {
            if (owner.SealConfirm() is { } round) Start(round);
        }
        _toConfirm.Clear();
        Evict();
    }

    /// <summary>Time passes, in milliseconds: asks again where an answer is overdue.</summary>
    public void OnTick(long nowMs)
    {
        NowMs = nowMs;
        Outbox.Window.OnTick(nowMs);
        _drops.OnTick();
        var overdue = nowMs - _limits.ResendAfterMs;
        Resend(r => r.SentMs <= overdue, _reachable);
        var impatient = nowMs - _limits.ReadPatienceMs;
        foreach (var round in _rounds.Values.OfType<RecordRound>().ToArray())
        {
            var undecided = round.Owner is null && !round.Done && round.Tally.IsQuorum(Configuration.Votes, Rules);
            if (undecided && round.SentMs <= impatient) HandToOwner(round);
        }
    }

    /// <summary>The shards whose ballot or newest chosen version changed since the last call.</summary>
    public List<Announcement> TakeAnnouncements()
    {
        var list = _toAnnounce.Where(o => o.Holds).Select(o => new Announcement(o.Shard, o.Ballot, o.NewestChosen)).ToList();
        _toAnnounce.Clear();
        return list;
    }

    /// <summary>A replica asks that the newest record of a key be written again: it may not take it otherwise (section 8).</summary>
    /// <param name="key">The key.</param>
    /// <param name="isTombstone">It is held as deleted: pointless unless every member can accept and drop it.</param>
    public void Refresh(Key key, bool isTombstone)
    {
        var pointless = isTombstone && _reachable != Configuration.Votes.AllMembers;
        if (!pointless && IsMine(key, out var owner)) owner.Refresh(key);
    }

    /// <summary>A replica holds a value that has expired by its own clock, and nobody has asked for it since.</summary>
    public void Expire(Key key)
    {
        if (IsMine(key, out var owner)) owner.Expire(key);
    }

    /// <summary>Word of a ballot: another owner's announcement, or what the own replica has promised.</summary>
    public void Saw(int shard, Ballot ballot) => Owner(shard).Saw(ballot);

    public ulong NextRound() => ++_lastRound;

    public void Start(Round round)
    {
        _rounds.Add(round.Number, round);
        Outbox.ToAll.Add(round.Item);
    }

    public void StartAtFlush(ShardOwner owner) => _toConfirm.Add(owner);

    public void Announce(ShardOwner owner) => _toAnnounce.Add(owner);

    public void Cached(ShardOwner owner, KeyState state) => _evictionClock.Enqueue((owner, state));

    public void Reply(object origin, Reply reply) => Outbox.Replies.Add((origin, reply));

    /// <summary>A more preferred member in reach holds the shard, or will, where no ballot is known: no duel with it (section 5).</summary>
    public bool ShouldAskHolder(ShardOwner owner, Request request)
    {
        var holder = owner.HighestSeen.IsNone ? Configuration.Preferred(owner.Shard, Responsive) : owner.HighestSeen.Node;
        return holder >= 0
            && holder != Self
            && (request.Mode & RequestMode.MustOwn) == 0
            && (Responsive >> holder & 1) != 0
            && Configuration.Rank(owner.Shard, holder) < Configuration.Rank(owner.Shard, Self);
    }

    /// <summary>The round is under way, or decided and still resent to members that have not answered.</summary>
    public bool Knows(Round round) => _rounds.ContainsKey(round.Number);

    /// <summary>A lost ballot's rounds are over; Reads belong to no ballot.</summary>
    public void Forget(ShardOwner owner)
    {
        foreach (var round in _rounds.Values.Where(r => r.Owner == owner).ToArray()) _rounds.Remove(round.Number);
    }

    // What replicas ask for must leave rounds for requests.
    private bool IsMine(Key key, out ShardOwner owner)
    {
        owner = Owner(key.Shard(Configuration.Shards));
        var mine = owner.Holds || Configuration.Preferred(owner.Shard, Responsive) == Self;
        return mine && QuorumResponsive && _rounds.Count < _limits.MaxRounds / 2;
    }

    private ShardOwner Owner(int shard) => _shards[shard] ??= new ShardOwner(this, shard);

    private void OnAnswer(int from, Lives lives, in ReplicaAnswerItem item)
    {
        if (!_rounds.TryGetValue(item.Round, out var round)) return;
        switch (item.Verdict)
        {
            case ReplicaVerdict.Refused:
                Outbox.Window.Answered(item.Round);
                round.Owner?.Saw(item.Promised);
                return;
            case ReplicaVerdict.TooOld:
                Outbox.Window.Answered(item.Round);
                if (round is AcceptRound tooOld) tooOld.Owner!.OnTooOld(tooOld);
                return;
            case ReplicaVerdict.Held when round is RecordRound asked && (asked.Owner is null || !item.Stored.Withheld):
                asked.Add(from, lives, item);
                break;
            case ReplicaVerdict.Ok when round is not RecordRound:
                round.Tally.Add(from, lives);
                break;
            default:
                return;   // an answer of the wrong kind counts for nothing
        }
        if (!round.Done && round.Tally.IsQuorum(Configuration.Votes, Rules))
        {
            Outbox.Window.Answered(item.Round);
            AtQuorum(round);
        }
        if (round.Done) Retire(round);
    }

    private void AtQuorum(Round round)
    {
        switch (round)
        {
            case AcceptRound accept: accept.Owner!.OnAccepted(accept); break;
            case ConfirmRound confirm: confirm.Owner!.OnConfirmed(confirm); break;
            case RecordRound { Owner: { } owner } lookup: owner.OnLookedUp(lookup); break;
            case RecordRound read: OnRead(read); break;
        }
    }

    // A decided Accept stays until every member has answered, within a bound: replicas that missed it get it again.
    private void Retire(Round round)
    {
        if (round is AcceptRound { Record.IsTombstone: true } tombstone) _drops.OnAnswer(tombstone);
        if (round is not AcceptRound accept || round.Tally.Answered == Configuration.Votes.AllMembers)
        {
            _rounds.Remove(round.Number);
        }
        else if (!accept.Lingers)
        {
            accept.Lingers = true;
            _lingering.Enqueue(accept);
        }
        TrimLingering();
    }

    // Those that ended meanwhile go too: their records may be large. At most half of all rounds linger, or a member that
    // stays away would use all of them up and every request were refused as busy.
    private void TrimLingering()
    {
        var most = Math.Min(_limits.MaxLingering, _limits.MaxRounds / 2);
        while (_lingering.TryPeek(out var oldest) && (_lingering.Count > most || !_rounds.ContainsKey(oldest.Number)))
        {
            _rounds.Remove(_lingering.Dequeue().Number);
        }
    }

    private void StartRead(Request request, object origin, int shard)
    {
        var round = new RecordRound(
            NextRound(), shard, null, Ballot.None, request.Key, Configuration.Members.Count, NowMs)
        {
            Reader = new Job(request, origin, Fresh: false),
        };
        Start(round);
    }

    // The answers that hold the newest version must amount to a quorum themselves: then it is chosen (section 5).
    private void OnRead(RecordRound round)
    {
        var stored = round.Newest();
        var (newest, isKnown) = (stored.Record, Rules.KnowsValue(stored));
        if (isKnown && Rules.ReadDecides(round, Configuration.Votes, newest.Version))
        {
            // What may have expired is for the owner to judge (section 11).
            if (Rules.ReadTells(newest, WallMs) is not { } told)
            {
                HandToOwner(round);
                return;
            }
            round.Done = true;
            Reply(round.Reader.Origin, round.Told(told));
            foreach (var member in round.Behind(newest.Version))
            {
                Outbox.ToMember[member].Add(new ReplicaItem(ReplicaAsk.Repair, 0, round.Shard, default, round.Key, newest));
            }
        }
        else if ((Responsive & ~round.Tally.Answered & (isKnown ? ~0u : 1u << Self)) == 0)   // only the own replica tells large values
        {
            HandToOwner(round);
        }
    }

    private void HandToOwner(RecordRound round) => End(round, ReplyStatus.AskHolder);

    private void End(RecordRound read, ReplyStatus status)
    {
        read.Done = true;
        _rounds.Remove(read.Number);
        Reply(read.Reader.Origin, NotRun(read.Reader.Request, read.Shard, status));
    }

    // A later attempt may have run already: it is let through where there is no room, to know.
    private ReplyStatus? WhyNot(Request request) =>
        !QuorumResponsive ? ReplyStatus.NoQuorum
        : _rounds.Count >= _limits.MaxRounds ? ReplyStatus.Busy
        : request is { Attempt: 1, Operation.NeedsRoom: true } && !Configuration.Votes.IsQuorum(_reachable & ~Full) ? ReplyStatus.NoRoom
        : null;

    private void OnQuorumLost()
    {
        foreach (var owner in _shards) owner?.OnQuorumLost();
        foreach (var read in _rounds.Values.OfType<RecordRound>().Where(r => r.Owner is null && !r.Done).ToArray()) End(read, ReplyStatus.NoQuorum);
    }

    // Somebody waits for what is undecided. What lingers only brings a member up to date: a few at a time, or a member that
    // comes back after a long time would slow everybody down.
    private void Resend(Func<Round, bool> which, uint members)
    {
        var lingering = 0;
        foreach (var round in _rounds.Values)
        {
            var silent = members & ~round.Tally.Answered;
            if (silent == 0 || !which(round)) continue;
            if (round is AcceptRound { Lingers: true } && ++lingering > MaxLingeringResent) continue;
            round.SentMs = round is RecordRound { Owner: null } ? round.SentMs : NowMs;
            for (var i = 0; i < Configuration.Members.Count; i++)
            {
                if ((silent >> i & 1) != 0) Outbox.ToMember[i].Add(round.Item);
            }
        }
    }

    // CLOCK (Corbató 1968): a key used since the hand last came by is spared once.
    private void Evict()
    {
        var spared = 0;
        while (_evictionClock.Count > _limits.MaxCachedKeys && spared < 64)
        {
            var (owner, state) = _evictionClock.Dequeue();
            var keep = state.Touched || !owner.TryEvict(state);
            state.Touched = false;
            if (!keep) continue;
            _evictionClock.Enqueue((owner, state));
            spared++;
        }
    }

    private Reply NotRun(Request request, int shard, ReplyStatus status) => new()
    {
        Id = request.Id, Attempt = request.Attempt, Status = status, Shard = shard,
        Ballot = _shards[shard]?.HighestSeen ?? Ballot.None,
        Chosen = _shards[shard]?.NewestChosen ?? Version.None,
        VotesReachable = status == ReplyStatus.NoRoom ? Configuration.Votes.Of(_reachable & ~Full) : VotesReachable,
    };
}
