// ScanMessages.cs - reading all keys, page by page: a reader asks every member, and counts their answers for each key as a Read
// does (protocol.md section 5). Plain data; Wire/ turns it into bytes. Append only.
namespace Firecloud.Actors.Protocol;

/// <summary>A place in the order of all keys: by shard, then leaf, then the key's bytes.</summary>
/// <param name="Shard">The shard; the number of shards stands for the end.</param>
/// <param name="Leaf">The leaf of the shard's hash tree.</param>
/// <param name="Key">The key; null lies before the leaf's first one.</param>
public readonly record struct ScanPosition(int Shard, int Leaf, Key? Key) : IComparable<ScanPosition>
{
    /// <summary>Where a key is.</summary>
    /// <param name="key">The key.</param>
    /// <param name="shards">Number of shards.</param>
    public static ScanPosition Of(Key key, int shards) => new(key.Shard(shards), key.Leaf, key);

    /// <summary>Before the first key of the leaf after this one.</summary>
    public ScanPosition NextLeaf => Leaf + 1 < HashTree.Leaves ? new(Shard, Leaf + 1, null) : new(Shard + 1, 0, null);

    /// <inheritdoc/>
    public int CompareTo(ScanPosition other)
    {
        var order = Shard.CompareTo(other.Shard);
        if (order == 0) order = Leaf.CompareTo(other.Leaf);
        if (order != 0) return order;
        if (Key is not { } own) return other.Key is null ? 0 : -1;
        return other.Key is { } theirs ? own.Span.SequenceCompareTo(theirs.Span) : 1;
    }

    /// <summary>Before.</summary>
    public static bool operator <(ScanPosition left, ScanPosition right) => left.CompareTo(right) < 0;

    /// <summary>After.</summary>
    public static bool operator >(ScanPosition left, ScanPosition right) => left.CompareTo(right) > 0;

    /// <summary>Not after.</summary>
    public static bool operator <=(ScanPosition left, ScanPosition right) => left.CompareTo(right) <= 0;

    /// <summary>Not before.</summary>
    public static bool operator >=(ScanPosition left, ScanPosition right) => left.CompareTo(right) >= 0;
}

/// <summary>Asks one member for the next of its keys.</summary>
/// <param name="Epoch">The epoch of the configuration that the reader counts by.</param>
/// <param name="Nonce">The reader's number for it; the answer carries it back.</param>
/// <param name="After">Keys behind this place are wanted.</param>
/// <param name="WithValues">False: versions are enough.</param>
public sealed record ScanQuestion(uint Epoch, ulong Nonce, ScanPosition After, bool WithValues);

/// <summary>All that a member holds of the keys between two places, as it was at one moment.</summary>
/// <param name="From">The member.</param>
/// <param name="Epoch">Its configuration's epoch.</param>
/// <param name="Nonce">From the question.</param>
/// <param name="Lives">Its whole vector.</param>
/// <param name="After">From the question: behind it the page begins.</param>
/// <param name="UpTo">The last place that the page covers: keys up to it that are not in the page are not held.</param>
/// <param name="Promised">The highest ballot promised in the shards that the page touches.</param>
/// <param name="Entries">What is held, tombstones included, in order.</param>
public sealed record ScanAnswer(
    int From, uint Epoch, ulong Nonce, Lives Lives, ScanPosition After, ScanPosition UpTo, Ballot Promised, IReadOnlyList<ScanEntry> Entries);

/// <summary>One key in a page.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">Its record's version.</param>
/// <param name="Modified">The version of the last write that a client asked for.</param>
/// <param name="Heard">Not taken by an Accept: does not count as held.</param>
/// <param name="IsTombstone">Held as deleted.</param>
/// <param name="ExpiresAt">When the value may be dropped, in milliseconds since 1970; 0 is never.</param>
/// <param name="Value">The value; null in a tombstone, and where values were not asked for.</param>
public readonly record struct ScanEntry(
    Key Key, Version Version, Version Modified, bool Heard, bool IsTombstone, long ExpiresAt, byte[]? Value);
