namespace Firecloud.Actors.Protocol;

/// <summary>Bounds of one coordinator.</summary>
/// <param name="MaxRounds">Questions under way at one time; above it requests are refused as busy.</param>
/// <param name="MaxCachedKeys">Keys whose newest record an owner remembers.</param>
/// <param name="MaxLingering">Decided Accepts that are still resent to members that have not answered.</param>
/// <param name="ResendAfterMs">Silence of a member that can be reached, after which it is asked again.</param>
/// <param name="ReadPatienceMs">Wait for the remaining answers to a Read before the get goes to the owner.</param>
/// <param name="BlindAfterMs">A shard taken over from another owner is written blindly only after this time.</param>
/// <param name="DropAfterMs">A tombstone that every member has accepted is dropped after this time.</param>
public sealed record ProposerLimits(
    int MaxRounds, int MaxCachedKeys, int MaxLingering, int ResendAfterMs, int ReadPatienceMs, int BlindAfterMs, int DropAfterMs)
{
    /// <summary>The longest value that an update may leave, in bytes.</summary>
    public int MaxValue { get; init; } = int.MaxValue;

    /// <summary>Batches to all replicas of which nothing is decided; what comes on top waits, and goes together.</summary>
    public int MaxBatches { get; init; } = int.MaxValue;
}

/// <summary>What a coordinator has to send, filled by the proposer and emptied by the driver.</summary>
internal sealed class ProposerOutbox(int members, int mostBatches)
{
    /// <summary>Of what goes to all.</summary>
    public BatchWindow Window { get; } = new(mostBatches);

    public List<ReplicaItem> ToAll { get; } = [];

    public List<ReplicaItem>[] ToMember { get; } = [.. Enumerable.Range(0, members).Select(_ => new List<ReplicaItem>())];

    public List<(object Origin, Reply Reply)> Replies { get; } = [];

    /// <summary>What goes to all replicas now; none while enough is on its way already.</summary>
    public ReplicaItem[] TakeToAll(long nowMs)
    {
        if (ToAll.Count == 0 || !Window.IsOpen) return [];
        Window.Sent(ToAll[0].Round, nowMs);
        ReplicaItem[] items = [.. ToAll];
        ToAll.Clear();
        return items;
    }
}
