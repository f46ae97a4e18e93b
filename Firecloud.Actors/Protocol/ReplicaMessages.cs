// ReplicaMessages.cs - what a coordinator and a replica say to each other (protocol.md section 4), batched over many keys and
// shards. Plain data; Wire/ turns it into bytes. Append only: the numbers are on the wire.
namespace Firecloud.Actors.Protocol;

/// <summary>What a coordinator asks of a replica.</summary>
public enum ReplicaAsk : byte
{
    /// <summary>Promise the ballot, answer the key's record.</summary>
    Lookup = 1,

    /// <summary>Promise the ballot, keep the record if it is newer.</summary>
    Accept = 2,

    /// <summary>Promise the ballot.</summary>
    Confirm = 3,

    /// <summary>Answer the key's record; promises nothing.</summary>
    Read = 4,

    /// <summary>Drop exactly this version of a tombstone. No answer.</summary>
    Drop = 5,

    /// <summary>Hear of this record: a Read found the replica behind. No answer.</summary>
    Repair = 6,
}

/// <summary>What a replica answers to one item.</summary>
public enum ReplicaVerdict : byte
{
    /// <summary>Done, to Accept and Confirm.</summary>
    Ok = 1,

    /// <summary>The key's record, to Lookup and Read.</summary>
    Held = 2,

    /// <summary>A higher ballot is promised.</summary>
    Refused = 3,

    /// <summary>The version is not above the shard's dropped one and the key is not held (section 8).</summary>
    TooOld = 4,
}

/// <summary>One item of a request.</summary>
/// <param name="Ask">What to do.</param>
/// <param name="Round">The coordinator's number for it; the answer carries it back.</param>
/// <param name="Shard">The shard.</param>
/// <param name="Ballot">The coordinator's ballot; none in a Read.</param>
/// <param name="Key">The key; default in a Confirm.</param>
/// <param name="Record">The record, in an Accept, Drop or Repair.</param>
public readonly record struct ReplicaItem(ReplicaAsk Ask, ulong Round, int Shard, Ballot Ballot, Key Key, Record? Record);

/// <summary>A batch from one coordinator, the same for every replica.</summary>
/// <param name="From">The coordinator's member index.</param>
/// <param name="Epoch">Its configuration's epoch.</param>
/// <param name="Boot">Its boot; the answer carries it back.</param>
/// <param name="Items">What it asks.</param>
public sealed record ReplicaRequest(int From, uint Epoch, ulong Boot, IReadOnlyList<ReplicaItem> Items);

/// <summary>One item of an answer.</summary>
/// <param name="Verdict">What the replica did.</param>
/// <param name="Round">The number in the request.</param>
/// <param name="Promised">Refused: the ballot that is promised.</param>
/// <param name="Stored">Held: the record and whether it is only heard.</param>
/// <param name="Dropped">Held: the shard's dropped version.</param>
public readonly record struct ReplicaAnswerItem(
    ReplicaVerdict Verdict, ulong Round, Ballot Promised, StoredRecord Stored, Version Dropped);

/// <summary>A replica's answer to one or several requests of one coordinator.</summary>
/// <param name="From">The replica's member index.</param>
/// <param name="Epoch">Its configuration's epoch.</param>
/// <param name="Boot">The coordinator's boot, from the request.</param>
/// <param name="Lives">Its whole vector.</param>
/// <param name="Items">One per item asked.</param>
public sealed record ReplicaAnswer(int From, uint Epoch, ulong Boot, Lives Lives, IReadOnlyList<ReplicaAnswerItem> Items);
