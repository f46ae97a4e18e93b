// GatewayMessages.cs - what a gateway and a coordinator say to each other (protocol.md section 6), batched. Plain data; Wire/
// turns it into bytes. Append only: the numbers are on the wire.
namespace Firecloud.Actors.Protocol;

/// <summary>One attempt at one client's request.</summary>
/// <param name="Id">Kept through every attempt.</param>
/// <param name="Key">The key.</param>
/// <param name="Operation">What to do.</param>
/// <param name="Attempt">From 1. A request that others may have tried before begins at 2.</param>
/// <param name="Named">The ballot that attempt 1 was last sent to; none if not known.</param>
/// <param name="Floor">The highest version of the shard known to be chosen before attempt 1.</param>
/// <param name="Mode">How the coordinator may answer.</param>
public sealed record Request(
    RequestId Id, Key Key, Operation Operation, int Attempt, Ballot Named, Version Floor, RequestMode Mode);

/// <summary>How a coordinator may answer a request.</summary>
[Flags]
public enum RequestMode : byte
{
    /// <summary>A get may be answered by a quorum Read; another holder may be named.</summary>
    Any = 0,

    /// <summary>A quorum Read did not decide: run it as owner, or name the holder.</summary>
    AsOwner = 1,

    /// <summary>The holder is out of everybody's reach: take the shard over.</summary>
    MustOwn = 2,

    /// <summary>The gateway may not reach the holder: pass the request on instead of naming it.</summary>
    PassOn = 4,

    /// <summary>
    /// Earlier attempts may have come another way, so the order in which they arrive is not known: a ballot strictly above the
    /// named one is needed (rule 2).
    /// </summary>
    Strictly = 8,
}

/// <summary>What a coordinator answers.</summary>
public enum ReplyStatus : byte
{
    /// <summary>Decided; the result is in the reply.</summary>
    Done = 1,

    /// <summary>Not run: attempt 1 named another ballot than the one in the reply (rule 1).</summary>
    OtherBallot = 2,

    /// <summary>Not run: the member that holds the ballot in the reply is to be asked.</summary>
    AskHolder = 3,

    /// <summary>The ballot was lost while the request was under way: it may have been run.</summary>
    Deposed = 4,

    /// <summary>It may have been run by an earlier attempt, and nobody can know any more (rule 5).</summary>
    Unknown = 5,

    /// <summary>Not run: the coordinator cannot reach a quorum.</summary>
    NoQuorum = 6,

    /// <summary>Not run: the coordinator's queue is full.</summary>
    Busy = 7,

    /// <summary>Not run: the coordinator is not part of a formed cluster, or does not know the epoch named.</summary>
    NotReady = 8,

    /// <summary>Not run: the members whose disk has room for new values are no quorum.</summary>
    NoRoom = 9,
}

/// <summary>A coordinator's answer to one request.</summary>
public sealed record Reply
{
    /// <summary>The request.</summary>
    public required RequestId Id { get; init; }

    /// <summary>The attempt that is answered.</summary>
    public required int Attempt { get; init; }

    /// <summary>What happened.</summary>
    public required ReplyStatus Status { get; init; }

    /// <summary>The request's shard.</summary>
    public int Shard { get; init; }

    /// <summary>The ballot that the coordinator holds, or the highest it knows.</summary>
    public Ballot Ballot { get; init; }

    /// <summary>A version of the shard that is chosen: that of the record answered from, or the newest known.</summary>
    public Version Chosen { get; init; }

    /// <summary>Done: what the operation came to.</summary>
    public Outcome Outcome { get; init; }

    /// <summary>Done: the version a client sees, that is of the value returned or written.</summary>
    public Version Visible { get; init; }

    /// <summary>Done: the value returned; null for none.</summary>
    public byte[]? Value { get; init; }

    /// <summary>Done: false when the operation returns a value that is not kept any more (rule 7).</summary>
    public bool ValueKnown { get; init; }

    /// <summary>Done: an increment's result; of an update the length of the value it left.</summary>
    public long Number { get; init; }

    /// <summary>Done: when the value expires, where the operation returns that; 0 is never, or no value.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>Done: a record keeps this outcome; a "no" that none keeps counts only while there was no second attempt (rule 6).</summary>
    public bool Kept { get; init; }

    /// <summary>Deposed: the version that this attempt was given; none where it was given none, or nobody knows.</summary>
    public Version Given { get; init; }

    /// <summary>NoQuorum: the votes that the coordinator can reach.</summary>
    public int VotesReachable { get; init; }
}

/// <summary>An owner's word to all gateways: its ballot and the newest version chosen, per shard that changed.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Ballot">The owner's ballot.</param>
/// <param name="Chosen">The newest version chosen under it.</param>
public readonly record struct Announcement(int Shard, Ballot Ballot, Version Chosen);

/// <summary>Requests of one gateway to one coordinator.</summary>
/// <param name="Gateway">The gateway's random number.</param>
/// <param name="Serial">Grows with every batch of that gateway: a lower one than the last seen came out of order and is dropped.</param>
/// <param name="Requests">The requests.</param>
public sealed record RequestBatch(ulong Gateway, ulong Serial, IReadOnlyList<Request> Requests);

/// <summary>Replies of one coordinator to one gateway.</summary>
/// <param name="From">The coordinator's member index.</param>
/// <param name="Replies">The replies.</param>
public sealed record ReplyBatch(int From, IReadOnlyList<Reply> Replies);

/// <summary>An owner's announcements.</summary>
/// <param name="From">The owner's member index.</param>
/// <param name="Announcements">One per shard that changed.</param>
public sealed record AnnouncementBatch(int From, IReadOnlyList<Announcement> Announcements);
