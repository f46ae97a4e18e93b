namespace Firecloud.Actors.Protocol;

/// <summary>"Here I am": a member to another, until the cluster is formed and after.</summary>
/// <param name="From">The sender's member index.</param>
/// <param name="Memory">Which memory its store holds, also the nonce that a <see cref="Welcome"/> carries back.</param>
/// <param name="Fingerprint">Hash of members, votes and shards: nodes with other settings don't fit.</param>
public sealed record Hello(int From, ulong Memory, ulong Fingerprint);

/// <summary>The answer to <see cref="Hello"/>.</summary>
/// <param name="From">The answerer's member index.</param>
/// <param name="Memory">Which memory its store holds.</param>
/// <param name="HelloMemory">The memory in the hello.</param>
/// <param name="Fingerprint">Hash of its members, votes and shards.</param>
/// <param name="ClusterId">The cluster it belongs to; 0 while it belongs to none.</param>
/// <param name="Founders">The memories with which the cluster was founded, by member; empty while <see cref="ClusterId"/> is 0.</param>
/// <param name="Votes">True when the answerer votes; false while it is starting or recovering.</param>
/// <param name="Full">True when its disk has no room for new values.</param>
public sealed record Welcome(
    int From, ulong Memory, ulong HelloMemory, ulong Fingerprint, ulong ClusterId, IReadOnlyList<ulong> Founders, bool Votes, bool Full);
