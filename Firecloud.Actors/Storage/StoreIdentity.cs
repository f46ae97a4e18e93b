namespace Firecloud.Actors.Storage;

/// <summary>Whose memory a store holds (protocol.md section 7).</summary>
/// <param name="Id">Random, drawn when the store began empty. Another number is another memory. 0 is not drawn yet.</param>
public sealed record StoreIdentity(ulong Id)
{
    /// <summary>The cluster it is a member's memory of; 0 while of none.</summary>
    public ulong ClusterId { get; init; }

    /// <summary>By member: the memories that the cluster began with; empty while of none.</summary>
    public IReadOnlyList<ulong> Founders { get; init; } = [];

    /// <summary>It is being filled from other members and is not whole: at the next start it counts as lost.</summary>
    public bool IsRecovering { get; init; }

    /// <summary>True for the whole memory of a member: it may vote.</summary>
    public bool IsWhole => ClusterId != 0 && !IsRecovering;
}
