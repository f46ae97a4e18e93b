// Recovery.cs - how a replica that lost its memory gets it back and votes again (protocol.md section 7).
//
// 1. It asks the others which life of it they know, and waits for a quorum of them; its new life is the largest + 1.
// 2. It announces that life. Who has noted it, synced, counts no vote of an earlier life any more, and sends its state.
// 3. With all of the state of a quorum of the others it takes the maximum of everything and votes.
// Steps 1 and 2 are separate round trips: in one, two lives could get the same number.
//
// INPUTS   the others' answers; each may come late, twice or never. OnTick asks again.
// OUTPUTS  Outbox, and what it writes to the store. Until IsDone the replica answers nothing to coordinators.
// WATCH    what is taken is heard, unless a quorum of the answers holds that version unheard.
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>One recovery of one replica.</summary>
internal sealed class Recovery
{
    private const long AskAgainAfterMs = 400;
    private const int ShardsAtOnce = 16;

    private readonly Configuration _configuration;
    private readonly int _self;
    private readonly ulong _nonce;
    private readonly IRecordStore _store;
    private readonly Rules _rules;
    private readonly Lives?[] _answered;      // step 1, by member
    private readonly Source?[] _sources;      // steps 2 and 3, by member
    private readonly Dictionary<Key, Holders> _holders = [];
    private long _nowMs;
    private long _lastNewsMs;

    public Recovery(Configuration configuration, int self, ulong nonce, IRecordStore store, Rules? rules = null)
    {
        (_configuration, _self, _nonce, _store) = (configuration, self, nonce, store);
        _rules = rules ?? Rules.Protocol;
        _answered = new Lives?[configuration.Members.Count];
        _sources = new Source?[configuration.Members.Count];
    }

    /// <summary>What to send, to other members' replicas.</summary>
    public List<(int Member, object Message)> Outbox { get; } = [];

    /// <summary>The new life; 0 until step 2.</summary>
    public int Life { get; private set; }

    public bool IsDone { get; private set; }

    /// <summary>Records taken so far, counted once per member that sent them.</summary>
    public long RecordsTaken { get; private set; }

    /// <summary>Members that have sent all of their state. Bit i is member i.</summary>
    public uint Complete => Mask(i => _sources[i] is { IsComplete: true });

    /// <summary>Begins.</summary>
    /// <param name="nowMs">Milliseconds of any clock that does not go back.</param>
    public void Start(long nowMs)
    {
        _nowMs = _lastNewsMs = nowMs;
        AskAgain();
    }

    /// <summary>Time passes: asks again whoever has not answered.</summary>
    public void OnTick(long nowMs)
    {
        _nowMs = nowMs;
        if (IsDone || nowMs - _lastNewsMs < AskAgainAfterMs) return;
        _lastNewsMs = nowMs;
        AskAgain();
    }

    public void OnAnswer(LifeAnswer answer)
    {
        if (answer.Nonce != _nonce || Life > 0 || answer.From == _self) return;
        _answered[answer.From] = answer.Lives;
        if (!IsQuorum(_answered)) return;
        BeginLife();
    }

    public void OnNoted(LifeNoted noted)
    {
        if (noted.Nonce != _nonce || IsDone || Life == 0 || noted.From == _self || _sources[noted.From] is not null) return;
        if (noted.Lives[_self] < Life || noted.Promised.Count != _configuration.Shards) return;
        _sources[noted.From] = new Source(noted.Lives, noted.Promised, new Version[_configuration.Shards]);
        _lastNewsMs = _nowMs;
        AskForShards(noted.From);
    }

    public void OnChunk(StateChunk chunk)
    {
        if (chunk.Nonce != _nonce || IsDone || _sources[chunk.From] is not { } source) return;
        if (chunk.Lives[chunk.From] != source.Lives[chunk.From])
        {
            // It began another life in the middle, so what it sent before may be forgotten: ask it anew.
            _sources[chunk.From] = null;
            AskAgain();
            return;
        }
        if (!source.Expects(chunk.Shard, chunk.Position)) return;
        _lastNewsMs = _nowMs;
        foreach (var each in chunk.Records) Take(chunk.From, chunk.Shard, each);
        source.Lives = chunk.Lives;
        if (chunk.Next >= 0)
        {
            source.Positions[chunk.Shard] = chunk.Next;
            Ask(chunk.From, chunk.Shard);
            return;
        }
        source.Dropped[chunk.Shard] = _rules.DroppedIn(chunk);   // read after the last record, never before
        source.Complete(chunk.Shard);
        AskForShards(chunk.From);
        if (source.IsComplete) TryFinish();
    }

    /// <summary>The operator gives up whatever only the missing members know: goes on with those that answered.</summary>
    public void Force()
    {
        if (IsDone) return;
        if (Life == 0) BeginLife();
        Forced = true;
        TryFinish();
    }

    /// <summary>True after <see cref="Force"/>: data may be lost.</summary>
    public bool Forced { get; private set; }

    /// <summary>What it waits for, for people.</summary>
    /// <param name="name">Names a member.</param>
    public string Progress(Func<int, string> name)
    {
        var ready = Mask(i => Life == 0 ? _answered[i] is not null : _sources[i] is not null);
        var votes = _configuration.Votes;
        var silent = string.Join(", ", Enumerable.Range(0, votes.Members).Where(i => i != _self && (ready >> i & 1) == 0).Select(name));
        var state = $"Recovering: {RecordsTaken} records taken, {votes.Of(Complete)} of {votes.Quorum} votes needed have sent all.";
        return votes.IsQuorum(ready)
            ? state
            : $"{state} It needs the memory of others with {votes.Quorum} votes; silent or without memory: {silent}. "
                + "Start them again, or give up what only they know: firecloud recover --force.";
    }

    private void BeginLife()
    {
        var largest = _answered.Where(a => a is not null).Select(a => a![_self]).DefaultIfEmpty(0).Max();
        Life = largest + 1;
        _lastNewsMs = _nowMs;
        AskAgain();
    }

    private void AskAgain()
    {
        for (var member = 0; member < _sources.Length; member++)
        {
            if (member == _self) continue;
            if (Life == 0) Outbox.Add((member, new LifeQuestion(_self, _nonce)));
            else if (_sources[member] is null) Outbox.Add((member, new LifeAnnouncement(_self, _nonce, Life)));
            else if (_sources[member] is { IsComplete: false } source)
            {
                for (var shard = 0; shard < source.Asked; shard++)
                {
                    if (source.Positions[shard] != Source.Whole) Ask(member, shard);
                }
            }
        }
    }

    // Several shards are under way at one time: one after the other, each would wait for a round trip and a sync.
    private void AskForShards(int member)
    {
        var source = _sources[member]!;
        while (source.Asked < _configuration.Shards && source.UnderWay < ShardsAtOnce) Ask(member, source.Asked++);
    }

    private void Ask(int member, int shard) =>
        Outbox.Add((member, new StateQuestion(_self, _nonce, shard, _sources[member]!.Positions[shard])));

    private void Take(int from, int shard, in KeyedRecord each)
    {
        RecordsTaken++;
        var version = each.Stored.Record.Version;
        var known = _holders.GetValueOrDefault(each.Key);
        if (version.IsNone || version < known.Version) return;
        if (version > known.Version)
        {
            known = new Holders(shard, version, 0);
            _store.Put(shard, each.Key, each.Stored with { Heard = true });
        }
        if (_rules.CountsAsHeld(each.Stored)) known = known with { Members = known.Members | 1u << from };
        _holders[each.Key] = known;
    }

    private void TryFinish()
    {
        var complete = Complete;
        var lives = new Lives?[_sources.Length];
        for (var i = 0; i < lives.Length; i++) lives[i] = (complete >> i & 1) != 0 ? _sources[i]!.Lives : null;
        if (!Forced && !IsQuorum(lives)) return;
        var counted = TallyOf(lives).Counted(_configuration.Votes, _rules);
        foreach (var (key, holders) in _holders)
        {
            if (!_configuration.Votes.IsQuorum(holders.Members & counted)) continue;
            _store.Put(holders.Shard, key, _store.Get(holders.Shard, key) with { Heard = false });
        }
        var merged = _store.Lives;
        foreach (var source in _sources)
        {
            if (source is not { IsComplete: true }) continue;
            merged = merged.Merged(source.Lives);
            for (var shard = 0; shard < _configuration.Shards; shard++)
            {
                if (source.Promised[shard] > _store.GetPromised(shard)) _store.SetPromised(shard, source.Promised[shard]);
                _store.RaiseDropped(shard, source.Dropped[shard]);
            }
        }
        _store.Lives = merged.Raised(_self, Life);
        _holders.Clear();
        IsDone = true;
    }

    private bool IsQuorum(Lives?[] answers) => TallyOf(answers).IsQuorum(_configuration.Votes, _rules);

    private static Tally TallyOf(Lives?[] answers)
    {
        var tally = new Tally();
        for (var i = 0; i < answers.Length; i++)
        {
            if (answers[i] is { } lives) tally.Add(i, lives);
        }
        return tally;
    }

    private uint Mask(Func<int, bool> which)
    {
        var mask = 0u;
        for (var i = 0; i < _sources.Length; i++)
        {
            if (which(i)) mask |= 1u << i;
        }
        return mask;
    }

    // Which members hold the newest version seen of a key by an Accept.
    private readonly record struct Holders(int Shard, Version Version, uint Members);

    private sealed class Source(Lives lives, IReadOnlyList<Ballot> promised, Version[] dropped)
    {
        public Lives Lives { get; set; } = lives;

        public IReadOnlyList<Ballot> Promised { get; } = promised;

        public Version[] Dropped { get; } = dropped;

        public const int Whole = -1;

        private int _complete;

        /// <summary>By shard: where the next chunk begins, or <see cref="Whole"/>.</summary>
        public int[] Positions { get; } = new int[dropped.Length];

        /// <summary>Shards from 0 that were asked for.</summary>
        public int Asked { get; set; }

        public int UnderWay => Asked - _complete;

        public bool IsComplete => _complete == Dropped.Length;

        // A server that was started again begins a shard anew.
        public bool Expects(int shard, int position) =>
            shard < Asked && Positions[shard] != Whole && (position == Positions[shard] || position == 0);

        public void Complete(int shard)
        {
            Positions[shard] = Whole;
            _complete++;
        }
    }
}
