using Firecloud.Actors.Master;

namespace Firecloud.Actors.Node;

/// <summary>What one node counted since it started. Every field has one writer; readers see it a moment late.</summary>
public sealed class NodeCounters
{
    private long _badFrames;

    /// <summary>Frames that were not a message: dropped.</summary>
    public long BadFrames => Interlocked.Read(ref _badFrames);

    /// <summary>Batches for replicas that went out, one per member and batch.</summary>
    public long ReplicaRequestsSent { get; internal set; }

    /// <summary>Batches of other coordinators that this node's replica answered or refused.</summary>
    public long ReplicaRequestsHandled { get; internal set; }

    /// <summary>Batches of answers that came from other members' replicas.</summary>
    public long ReplicaAnswersReceived { get; internal set; }

    /// <summary>Batches of requests that went to other members' coordinators.</summary>
    public long RequestsForwarded { get; internal set; }

    /// <summary>Requests that this node's gateway took.</summary>
    public long RequestsTaken { get; internal set; }

    /// <summary>Keys that this node's replica holds, tombstones included.</summary>
    public long Keys { get; internal set; }

    /// <summary>Shards whose ballot this node's coordinator holds.</summary>
    public long ShardsHeld { get; internal set; }

    /// <summary>Records that this node's replica lacked at its last comparison with another member.</summary>
    public long Behind { get; internal set; }

    /// <summary>Records that this node's replica took by catching up or repair.</summary>
    public long Heard { get; internal set; }

    /// <summary>Keys found with one version and two values: must stay 0.</summary>
    public long Divergent { get; internal set; }

    /// <summary>By member: shards that differed when last compared with it.</summary>
    public IReadOnlyList<int> Differing { get; internal set; } = [];

    /// <summary>Where records are kept, and how it is; null before the store was opened.</summary>
    public StoreStatus? Store { get; internal set; }

    internal void CountBadFrame() => Interlocked.Increment(ref _badFrames);
}
