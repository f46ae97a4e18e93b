namespace Firecloud.Actors.Protocol;

/// <summary>The three kinds of answer.</summary>
public enum ResultKind : byte
{
    /// <summary>Done, with its result.</summary>
    Done = 1,

    /// <summary>Certainly not done, and why.</summary>
    Refused = 2,

    /// <summary>It may or may not take effect; nobody can know.</summary>
    Unknown = 3,
}

/// <summary>Why a request was refused.</summary>
public enum RefusalReason : byte
{
    /// <summary>It was not refused.</summary>
    None = 0,

    /// <summary>Too few votes can be reached.</summary>
    NoQuorum = 1,

    /// <summary>A queue is full.</summary>
    Busy = 2,

    /// <summary>The deadline passed before anything was written.</summary>
    TimedOut = 3,

    /// <summary>The node is not part of a formed cluster yet, or is ending.</summary>
    NotReady = 4,

    /// <summary>The request itself is wrong: empty or too large.</summary>
    BadRequest = 5,

    /// <summary>The caller gave up before anything was written.</summary>
    Cancelled = 6,

    /// <summary>The disks of too many members are full.</summary>
    DiskFull = 7,
}

/// <summary>What a gateway answers.</summary>
/// <param name="Kind">Which of the three.</param>
public readonly record struct OperationResult(ResultKind Kind)
{
    /// <summary>Done: what it came to.</summary>
    public Outcome Outcome { get; init; }

    /// <summary>Done: the value; null for none.</summary>
    public byte[]? Value { get; init; }

    /// <summary>Done: false when the operation returns a value that is not kept any more.</summary>
    public bool ValueKnown { get; init; }

    /// <summary>Done: the version of the value returned or written.</summary>
    public Version Version { get; init; }

    /// <summary>Done: an increment's result; of an update the length of the value it left.</summary>
    public long Number { get; init; }

    /// <summary>Done: when the value expires, in milliseconds since 1970, where that was asked for; 0 is never, or none.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>Refused: why.</summary>
    public RefusalReason Reason { get; init; }

    /// <summary>Refused, Unknown: one or two sentences that name values, limits and the remedy.</summary>
    public string? Message { get; init; }

    /// <summary>Refused for want of a quorum: votes that can be reached.</summary>
    public int VotesReachable { get; init; }

    /// <summary>Refused for want of a quorum: votes needed.</summary>
    public int VotesNeeded { get; init; }

    /// <summary>A refusal.</summary>
    public static OperationResult Refused(RefusalReason reason, string message) =>
        new(ResultKind.Refused) { Reason = reason, Message = message };

    /// <summary>Nobody can know.</summary>
    public static OperationResult Unknown(string message) => new(ResultKind.Unknown) { Message = message };
}
