namespace Firecloud.Actors.Protocol;

/// <summary>A request that a gateway has taken and not yet answered. The edges derive from it to get the answer.</summary>
/// <param name="key">The key.</param>
/// <param name="operation">What to do.</param>
/// <param name="timeoutMs">Time to answer, in milliseconds; then it is refused or unknown.</param>
public abstract class PendingRequest(Key key, Operation operation, int timeoutMs)
{
    /// <summary>The key.</summary>
    public Key Key { get; } = key;

    /// <summary>What to do.</summary>
    public Operation Operation { get; } = operation;

    /// <summary>Time to answer, in milliseconds.</summary>
    public int TimeoutMs { get; } = timeoutMs;

    /// <summary>Set where others may have tried the same request before (kv739): its id and the floor noted by the first.</summary>
    public (RequestId Id, Version Floor)? Repeated { get; init; }

    internal RequestId Id { get; set; }

    internal int Shard { get; set; }

    internal int Attempt { get; set; }

    internal Ballot Named { get; set; }

    internal Version Floor { get; set; }

    internal RequestMode Mode { get; set; }

    /// <summary>The member asked; -1 while it waits to be sent again.</summary>
    internal int Target { get; set; } = -1;

    /// <summary>Attempts to which no answer came in time.</summary>
    internal int Unanswered { get; set; }

    /// <summary>Holders named one after the other in this attempt.</summary>
    internal int Hops { get; set; }

    /// <summary>An attempt may have been passed on, so that attempts may overtake each other.</summary>
    internal bool MayOvertake { get; set; }

    /// <summary>Members that said in this attempt that they reach no quorum.</summary>
    internal uint WithoutQuorum { get; set; }

    /// <summary>An earlier attempt may have been run, so a refusal of this one is not the whole truth.</summary>
    internal bool MayHaveRun { get; set; }

    internal long DeadlineMs { get; set; }

    internal long RetryAtMs { get; set; }

    /// <summary>Gives the answer, once. Called on the driver's thread: must not block or throw.</summary>
    /// <param name="result">The answer.</param>
    public abstract void Complete(in OperationResult result);
}
