namespace Firecloud.Actors.Protocol;

/// <summary>The right to give versions in one shard: ordered by epoch, then round, node, boot.</summary>
/// <param name="Epoch">The configuration that the ballot belongs to; 0 only in <see cref="None"/>.</param>
/// <param name="Round">Grows with every take-over; 64 bits are never used up.</param>
/// <param name="Node">The member that took it: its index in the configuration.</param>
/// <param name="Boot">Drawn at random at every start of a coordinator, so that no ballot is used by two lives of a node.</param>
/// <remarks>protocol.md section 3. Ballots as in Paxos, without a log: CASPaxos (Rystsov 2018).</remarks>
public readonly record struct Ballot(uint Epoch, ulong Round, int Node, ulong Boot) : IComparable<Ballot>
{
    /// <summary>Below every ballot that was ever taken.</summary>
    public static Ballot None => default;

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Epoch == 0;

    /// <inheritdoc/>
    public int CompareTo(Ballot other)
    {
        var order = Epoch.CompareTo(other.Epoch);
        if (order != 0) return order;
        order = Round.CompareTo(other.Round);
        if (order != 0) return order;
        order = Node.CompareTo(other.Node);
        return order != 0 ? order : Boot.CompareTo(other.Boot);
    }

    /// <summary>Lower than.</summary>
    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;

    /// <summary>Higher than.</summary>
    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;

    /// <summary>Not higher than.</summary>
    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;

    /// <summary>Not lower than.</summary>
    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;

    /// <summary>epoch.round.node.boot, the boot in hexadecimal.</summary>
    public override string ToString() => IsNone ? "none" : $"{Epoch}.{Round}.{Node}.{Boot:x}";
}
