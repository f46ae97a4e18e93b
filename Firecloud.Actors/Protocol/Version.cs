using System.Globalization;

namespace Firecloud.Actors.Protocol;

/// <summary>The place of a record in its key's order: by ballot, then by the owner's sequence under that ballot.</summary>
/// <param name="Ballot">The ballot it was given under.</param>
/// <param name="Sequence">From 1, per shard and ballot; 0 only in <see cref="None"/> and just below a first version.</param>
/// <remarks>protocol.md section 3. Versions of a key only grow, also across its deletion.</remarks>
public readonly record struct Version(Ballot Ballot, ulong Sequence) : IComparable<Version>
{
    /// <summary>The version of a key that is not held.</summary>
    public static Version None => default;

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Ballot.IsNone;

    /// <summary>Just below this one, above all others below it.</summary>
    internal Version Before => this with { Sequence = Sequence - 1 };

    /// <inheritdoc/>
    public int CompareTo(Version other)
    {
        var order = Ballot.CompareTo(other.Ballot);
        return order != 0 ? order : Sequence.CompareTo(other.Sequence);
    }

    /// <summary>Older than.</summary>
    public static bool operator <(Version left, Version right) => left.CompareTo(right) < 0;

    /// <summary>Newer than.</summary>
    public static bool operator >(Version left, Version right) => left.CompareTo(right) > 0;

    /// <summary>Not newer than.</summary>
    public static bool operator <=(Version left, Version right) => left.CompareTo(right) <= 0;

    /// <summary>Not older than.</summary>
    public static bool operator >=(Version left, Version right) => left.CompareTo(right) >= 0;

    /// <summary>The later of two.</summary>
    public static Version Max(Version left, Version right) => left >= right ? left : right;

    /// <summary>epoch.round.node.boot.sequence, or "none"; <see cref="TryParse"/> reads it back.</summary>
    public override string ToString() => IsNone ? "none" : $"{Ballot}.{Sequence}";

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <param name="text">For example 1.4.0.9f3c.17, or none.</param>
    /// <param name="version">The version; <see cref="None"/> on failure.</param>
    /// <returns>False when the text is not a version.</returns>
    public static bool TryParse(string? text, out Version version)
    {
        version = None;
        if (text == "none") return true;
        var parts = (text ?? "").Split('.');
        const NumberStyles digits = NumberStyles.None;
        var culture = CultureInfo.InvariantCulture;
        if (parts.Length != 5
            || !uint.TryParse(parts[0], digits, culture, out var epoch) || epoch == 0
            || !ulong.TryParse(parts[1], digits, culture, out var round)
            || !int.TryParse(parts[2], digits, culture, out var node)
            || !ulong.TryParse(parts[3], NumberStyles.AllowHexSpecifier, culture, out var boot)
            || !ulong.TryParse(parts[4], digits, culture, out var sequence))
        {
            return false;
        }
        version = new Version(new Ballot(epoch, round, node, boot), sequence);
        return true;
    }
}
