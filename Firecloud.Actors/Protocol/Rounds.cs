// Rounds.cs - what a coordinator waits for: one object per question that is under way.
namespace Firecloud.Actors.Protocol;

/// <summary>A client's request at a coordinator.</summary>
/// <param name="Request">The request.</param>
/// <param name="Origin">Whom the driver answers; opaque here.</param>
/// <param name="Fresh">Attempt 1, under the ballot it named: it may take the blind path, and its "no" need not be written.</param>
internal readonly record struct Job(Request Request, object Origin, bool Fresh);

/// <summary>One question to all replicas.</summary>
internal abstract class Round(ulong number, int shard, ShardOwner? owner, long startedMs)
{
    public Tally Tally;

    public ulong Number { get; } = number;

    public int Shard { get; } = shard;

    /// <summary>The shard's owner under whose ballot it is asked; null for a Read.</summary>
    public ShardOwner? Owner { get; } = owner;

    /// <summary>When it was last sent, by the driver's clock.</summary>
    public long SentMs { get; set; } = startedMs;

    public bool Done { get; set; }

    /// <summary>What is sent, also again.</summary>
    public abstract ReplicaItem Item { get; }
}

/// <summary>An Accept of one record.</summary>
internal sealed class AcceptRound(
    ulong number, ShardOwner owner, KeyState state, Record record, Job? job, Decision decision, long startedMs)
    : Round(number, owner.Shard, owner, startedMs)
{
    public KeyState State { get; } = state;

    public Record Record { get; } = record;

    /// <summary>The request behind it; null when the owner wrote for itself.</summary>
    public Job? Job { get; } = job;

    public Decision Decision { get; } = decision;

    /// <summary>Decided, and kept for members that have not answered.</summary>
    public bool Lingers { get; set; }

    /// <summary>A tombstone that every member has accepted and that is about to be dropped.</summary>
    public bool AwaitsDrop { get; set; }

    public override ReplicaItem Item => new(ReplicaAsk.Accept, Number, Shard, Record.Version.Ballot, State.Key, Record);
}

/// <summary>A Confirm: is a quorum still ours? It serves every get that arrived before it was sent.</summary>
internal sealed class ConfirmRound(ulong number, ShardOwner owner, Ballot ballot, long startedMs)
    : Round(number, owner.Shard, owner, startedMs)
{
    public List<PendingAnswer> Answers { get; } = [];

    public override ReplicaItem Item => new(ReplicaAsk.Confirm, Number, Shard, ballot, default, null);
}

/// <summary>A Lookup, or a Read where there is no ballot, of one key, with every member's latest answer.</summary>
internal sealed class RecordRound(
    ulong number, int shard, ShardOwner? owner, Ballot ballot, Key key, int members, long startedMs)
    : Round(number, shard, owner, startedMs)
{
    private readonly StoredRecord[] _answers = new StoredRecord[members];

    public Key Key { get; } = key;

    /// <summary>The request that a Lookup was begun for.</summary>
    public Request? Starter { get; set; }

    /// <summary>A Read's request.</summary>
    public Job Reader { get; init; }

    /// <summary>The highest dropped version that an answer named.</summary>
    public Version Dropped { get; private set; }

    public override ReplicaItem Item =>
        new(ballot.IsNone ? ReplicaAsk.Read : ReplicaAsk.Lookup, Number, Shard, ballot, Key, null);

    public void Add(int member, Lives lives, in ReplicaAnswerItem answer)
    {
        Tally.Add(member, lives);
        _answers[member] = answer.Stored;
        Dropped = Version.Max(Dropped, answer.Dropped);
    }

    /// <summary>The newest record among the answers, be it only heard; of several alike one whose value is told.</summary>
    public StoredRecord Newest()
    {
        var newest = StoredRecord.None;
        for (var i = 0; i < _answers.Length; i++)
        {
            if ((Tally.Answered >> i & 1) == 0) continue;
            var order = _answers[i].Record.Version.CompareTo(newest.Record.Version);
            if (order > 0 || (order == 0 && newest.Withheld)) newest = _answers[i];
        }
        return newest;
    }

    /// <summary>The answer to a Read.</summary>
    /// <param name="newest">What is told.</param>
    public Reply Told(Record newest) => new()
    {
        Id = Reader.Request.Id,
        Attempt = Reader.Request.Attempt,
        Status = ReplyStatus.Done,
        Shard = Shard,
        Chosen = newest.Version,
        Outcome = Outcome.Applied,
        Visible = newest.Visible,
        Value = newest.Value,
        ValueKnown = true,
        ExpiresAt = Reader.Request.Operation.ReturnsExpiry ? newest.Expires : 0,
    };

    /// <summary>Members that answered with an older version.</summary>
    public IEnumerable<int> Behind(Version newest)
    {
        for (var i = 0; i < _answers.Length; i++)
        {
            if ((Tally.Answered >> i & 1) != 0 && _answers[i].Record.Version < newest) yield return i;
        }
    }

    /// <summary>True when members that count, hold this version, and did not merely hear of it, are a quorum: it is chosen.</summary>
    public bool HeldByQuorum(Votes votes, Version version, Rules rules)
    {
        var holders = 0u;
        for (var i = 0; i < _answers.Length; i++)
        {
            var answered = (Tally.Answered >> i & 1) != 0;
            if (answered && rules.CountsAsHeld(_answers[i]) && _answers[i].Record.Version == version) holders |= 1u << i;
        }
        return Tally.IsQuorum(votes, holders, rules);
    }
}

/// <summary>An answer that writes nothing: its version must be chosen, and a Confirm sent after the request must succeed.</summary>
internal sealed class PendingAnswer(Job job, KeyState state, Record record, Reply reply)
{
    public Job Job { get; } = job;

    public KeyState State { get; } = state;

    public Record Record { get; } = record;

    public Reply Reply { get; } = reply;

    public bool Confirmed { get; set; }
}

/// <summary>What an owner knows of one key under its present ballot, its work in flight included.</summary>
internal sealed class KeyState(Key key)
{
    public Key Key { get; } = key;

    /// <summary>The newest record, in flight or not; null while it has not been looked up.</summary>
    public Record? Latest { get; set; }

    /// <summary>This version, and every earlier one of this ballot, is decided.</summary>
    public Version ChosenUpTo { get; set; }

    public RecordRound? Lookup { get; set; }

    /// <summary>Requests that wait for the Lookup, in arrival order.</summary>
    public List<Job> Waiting { get; } = [];

    /// <summary>Accepts that are not yet decided, in version order.</summary>
    public List<AcceptRound> InFlight { get; } = [];

    /// <summary>The newest Accept of this ballot.</summary>
    public AcceptRound? LastAccept { get; set; }

    /// <summary>Answers that wait for a Confirm, or for their version to be chosen.</summary>
    public List<PendingAnswer> Answers { get; } = [];

    /// <summary>To be written again when it is known, for a replica that may not take it otherwise.</summary>
    public bool Refresh { get; set; }

    /// <summary>To be looked at when it is known: a replica says that its value has expired.</summary>
    public bool IsReported { get; set; }

    /// <summary>Used since the eviction clock last came by.</summary>
    public bool Touched { get; set; }

    /// <summary>It may leave the cache: no write and no Lookup of it is under way (section 5).</summary>
    public bool IsIdle => Lookup is null && InFlight.Count == 0 && Waiting.Count == 0 && Answers.Count == 0;
}
