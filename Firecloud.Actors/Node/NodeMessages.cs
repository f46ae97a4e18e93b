using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Node;

/// <summary>To replica, coordinator and master: what can be reached, who votes.</summary>
/// <param name="Reachable">Members that the transport reaches, self included. Bit i is member i.</param>
/// <param name="Voting">Members that said last that they vote, self included.</param>
/// <param name="State">Where this node stands.</param>
/// <param name="ClusterId">The cluster, or 0.</param>
/// <param name="WhyNotVoting">What keeps this node from voting, for people; null where nothing does.</param>
internal sealed record LinksChanged(uint Reachable, uint Voting, NodeState State, ulong ClusterId, string? WhyNotVoting);

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
