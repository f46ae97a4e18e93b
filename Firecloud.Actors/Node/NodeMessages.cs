using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Node;

/// <summary>To replica, coordinator and master: what can be reached, who votes.</summary>
/// <param name="Reachable">Members that the transport reaches, self included. Bit i is member i.</param>
/// <param name="Suspected">Of them, those that are silent for so long that others are asked rather than them.</param>
/// <param name="Voting">Members that said last that they vote, self included.</param>
/// <param name="State">Where this node stands.</param>
/// <param name="ClusterId">The cluster, or 0.</param>
/// <param name="Full">Members whose disk has no room for new values.</param>
/// <param name="Memory">The memory that all this is said of: <see cref="StoreIdentity.Id"/>.</param>
/// <param name="Founders">The memories that the cluster began with; empty while there is none.</param>
/// <param name="WhyNotVoting">What keeps this node from voting, or is wrong, for people; null where nothing is.</param>
internal sealed record LinksChanged(
    uint Reachable, uint Suspected, uint Voting, NodeState State, ulong ClusterId, uint Full, ulong Memory, IReadOnlyList<ulong> Founders,
    string? WhyNotVoting);

/// <summary>From the replica: it opened another store than the one it began with.</summary>
/// <param name="Identity">Whose memory it holds.</param>
/// <param name="WhyEmpty">Why nothing of an earlier start is in it, for people.</param>
internal sealed record StoreOpened(StoreIdentity Identity, string WhyEmpty);

/// <summary>From the replica: the store has kept the cluster that this node founds with the others.</summary>
internal sealed record ClusterKept;

/// <summary>From the replica: its store can't be used any more.</summary>
/// <param name="Reason">What happened, for people.</param>
internal sealed record StoreFailed(string Reason);

/// <summary>From the replica: whether its disk has room for new values.</summary>
/// <param name="Full">True when it has not.</param>
internal sealed record DiskChanged(bool Full);

/// <summary>From the replica: how its recovery goes.</summary>
/// <param name="Progress">For people; null when it is done and the replica votes.</param>
internal sealed record Recovered(string? Progress);

/// <summary>To a driver itself: send what the batch of inputs before this produced.</summary>
internal sealed class Flush
{
    public static readonly Flush Instance = new();
}

/// <summary>To a driver itself: time passes.</summary>
internal sealed class Tick
{
    public static readonly Tick Instance = new();
}

/// <summary>The own replica votes; what it has promised so far.</summary>
/// <param name="ByShard">The ballot of each shard.</param>
internal sealed record Promises(IReadOnlyList<Ballot> ByShard);
