// CatchUp.cs - a replica that missed writes takes them from another (protocol.md section 8): hash trees show which keys differ,
// in four questions: shards, leaves, versions, records. It only takes; the other side compares by itself.
//
// One member at a time, round robin: at once again while it brings something, else after a pause. Every answer is bounded, so
// catching up neither floods a link nor holds up votes for long.
//
// INPUTS   the other replicas' questions and answers; each may come late, twice or never. OnTick begins comparisons.
// OUTPUTS  Outbox, TooOld, what it writes to the store, and what status shows.
// WATCH    what is taken is heard; what lies at or below `dropped` and is not held is refused and reported to the owner.
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Pace and bounds of catching up.</summary>
/// <param name="PauseMs">Between two comparisons that found nothing to take.</param>
/// <param name="BusyPauseMs">Between two comparisons while they bring something.</param>
/// <param name="MessageSize">About how many bytes go into one answer.</param>
internal sealed record CatchUpLimits(int PauseMs, int BusyPauseMs, int MessageSize);

/// <summary>Compares and takes, for one replica.</summary>
internal sealed class CatchUp(Configuration configuration, int self, IRecordStore store, CatchUpLimits limits, Rules? rules = null)
{
    private const int MaxShards = 16;      // leaves of so many shards in one answer: 8 KiB
    private const int MaxLeaves = 1024;    // asked for at once
    private const long PatienceMs = 1000;

    private readonly Rules _rules = rules ?? Rules.Protocol;
    private readonly int[] _differing = new int[configuration.Members.Count];
    private readonly long[] _behind = new long[configuration.Members.Count];
    private uint _reachable;
    private ulong _nonce;
    private int _with = -1;
    private int _last;
    private long _nowMs;
    private long _nextMs;
    private long _begunMs;

    /// <summary>What to send, to other members' replicas.</summary>
    public List<(int Member, object Message)> Outbox { get; } = [];

    /// <summary>Keys whose record another member has and this one may not take; the driver reports them and empties the list.</summary>
    public List<Key> TooOld { get; } = [];

    /// <summary>By member: shards that differed when last compared; -1 before the first comparison.</summary>
    public IReadOnlyList<int> Differing => _differing;

    /// <summary>Records that this replica lacked at the last comparison with any member.</summary>
    public long Behind => _behind.Max();

    /// <summary>Records taken so far.</summary>
    public long Taken { get; private set; }

    /// <summary>Keys that had one version and two values on two replicas: must never be, and is said loudly.</summary>
    public long Divergent { get; private set; }

    /// <summary>The last key that diverged, for the log.</summary>
    public Key LastDivergent { get; private set; }

    /// <summary>Members with a memory that can be reached. One that is back is compared with at once.</summary>
    public void SetReachable(uint members)
    {
        members &= ~(1u << self);
        if ((members & ~_reachable) != 0) _nextMs = 0;
        _reachable = members;
        if (_with >= 0 && (members >> _with & 1) == 0) End(limits.PauseMs);
    }

    public void OnTick(long nowMs)
    {
        _nowMs = nowMs;
        if (_with >= 0 && nowMs - _begunMs > PatienceMs) End(limits.PauseMs);
        if (_with < 0 && nowMs >= _nextMs) Begin(NextMember());
    }

    // ---- The side that answers ----

    public TreeAnswer OnQuestion(TreeQuestion question)
    {
        var differing = new List<int>();
        for (var shard = 0; shard < configuration.Shards && shard < question.Hashes.Count; shard++)
        {
            if (HashTree.ShardHash(store, shard) != question.Hashes[shard]) differing.Add(shard);
        }
        // Another part of them each time, so that one that can't be mended does not hold up the rest.
        var start = differing.Count <= MaxShards ? 0 : (int)(question.Nonce % (ulong)differing.Count);
        var some = Enumerable.Range(0, Math.Min(MaxShards, differing.Count)).Select(i => differing[(start + i) % differing.Count]);
        return new TreeAnswer(self, question.Nonce, differing.Count, [.. some.Select(LeavesOf)]);
    }

    public VersionsAnswer OnQuestion(VersionsQuestion question)
    {
        var versions = new List<KeyVersion>();
        var bytes = 0;
        foreach (var (shard, leaf) in question.Leaves)
        {
            foreach (var key in store.Keys(shard, leaf))
            {
                var record = store.Get(shard, key).Record;
                versions.Add(new KeyVersion(key, record.Version, record.Digest(key)));
                bytes += key.Length + 48;
            }
            if (bytes >= limits.MessageSize) break;
        }
        return new VersionsAnswer(self, question.Nonce, versions);
    }

    public RecordsAnswer OnQuestion(RecordsQuestion question)
    {
        var records = new List<KeyedRecord>();
        var bytes = 0;
        foreach (var key in question.Keys)
        {
            var stored = store.Get(key.Shard(configuration.Shards), key);
            if (!stored.Record.Held) continue;
            records.Add(new KeyedRecord(key, stored));
            bytes += Batching.SizeOf(key, stored.Record);
            if (bytes >= limits.MessageSize) break;
        }
        return new RecordsAnswer(self, question.Nonce, records);
    }

    // ---- The side that takes ----

    public void OnAnswer(TreeAnswer answer)
    {
        if (!IsCurrent(answer.From, answer.Nonce)) return;
        _differing[answer.From] = answer.Differing;
        var leaves = answer.Shards.SelectMany(Differences).Take(MaxLeaves).ToArray();
        if (leaves.Length == 0)
        {
            _behind[answer.From] = 0;
            End(limits.PauseMs);
            return;
        }
        Outbox.Add((_with, new VersionsQuestion(self, _nonce, leaves)));
    }

    public void OnAnswer(VersionsAnswer answer)
    {
        if (!IsCurrent(answer.From, answer.Nonce)) return;
        var wanted = new List<Key>();
        foreach (var theirs in answer.Versions)
        {
            var own = store.Get(theirs.Key.Shard(configuration.Shards), theirs.Key).Record;
            if (own.Version < theirs.Version)
            {
                if (MayHear(own, theirs.Version, theirs.Key)) wanted.Add(theirs.Key);
                else TooOld.Add(theirs.Key);
            }
            else if (own.Version == theirs.Version && own.Digest(theirs.Key) != theirs.Digest)
            {
                Divergent++;
                LastDivergent = theirs.Key;
            }
        }
        _behind[answer.From] = wanted.Count + TooOld.Count;
        if (wanted.Count == 0) End(limits.PauseMs);
        else Outbox.Add((_with, new RecordsQuestion(self, _nonce, wanted)));
    }

    public void OnAnswer(RecordsAnswer answer)
    {
        if (!IsCurrent(answer.From, answer.Nonce)) return;
        foreach (var each in answer.Records) Hear(each.Key, each.Stored.Record);
        End(answer.Records.Count > 0 ? limits.BusyPauseMs : limits.PauseMs);
    }

    /// <summary>Takes a record in another way than by an Accept: newer than the own one, and not below what was dropped.</summary>
    /// <returns>True when it was taken.</returns>
    public bool Hear(Key key, Record record)
    {
        var shard = key.Shard(configuration.Shards);
        var own = store.Get(shard, key).Record;
        if (record.Version <= own.Version || !MayHear(own, record.Version, key)) return false;
        store.Put(shard, key, new StoredRecord(record, Heard: true));
        Taken++;
        return true;
    }

    private bool MayHear(Record own, Version version, Key key) =>
        !_rules.IsTooOldToHear(own, version, store.GetDropped(key.Shard(configuration.Shards)));

    private void Begin(int member)
    {
        if (member < 0) return;
        _with = _last = member;
        _begunMs = _nowMs;
        _nonce++;
        var hashes = new ulong[configuration.Shards];
        for (var shard = 0; shard < hashes.Length; shard++) hashes[shard] = HashTree.ShardHash(store, shard);
        Outbox.Add((member, new TreeQuestion(self, _nonce, hashes)));
    }

    private void End(int pauseMs)
    {
        // Who brought something is asked again first.
        if (pauseMs == limits.BusyPauseMs) _last = (_with + configuration.Members.Count - 1) % configuration.Members.Count;
        _with = -1;
        _nextMs = _nowMs + pauseMs;
    }

    private int NextMember()
    {
        for (var step = 1; step <= configuration.Members.Count; step++)
        {
            var member = (_last + step) % configuration.Members.Count;
            if ((_reachable >> member & 1) != 0) return member;
        }
        return -1;
    }

    private bool IsCurrent(int from, ulong nonce) => from == _with && nonce == _nonce;

    private ShardLeaves LeavesOf(int shard)
    {
        var hashes = new ulong[HashTree.Leaves];
        for (var leaf = 0; leaf < hashes.Length; leaf++) hashes[leaf] = store.LeafHash(shard, leaf);
        return new ShardLeaves(shard, hashes);
    }

    private IEnumerable<(int Shard, int Leaf)> Differences(ShardLeaves theirs)
    {
        for (var leaf = 0; leaf < theirs.Hashes.Count && leaf < HashTree.Leaves; leaf++)
        {
            if (store.LeafHash(theirs.Shard, leaf) != theirs.Hashes[leaf]) yield return (theirs.Shard, leaf);
        }
    }
}
