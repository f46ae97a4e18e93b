using System.Globalization;

namespace Firecloud.Actors.Storage;

/// <summary>Whose store a folder is, and how much memory it may use.</summary>
public sealed record RocksStoreOptions
{
    /// <summary>The folder; created where it does not exist.</summary>
    public required string Folder { get; init; }

    /// <summary>The member whose store this is: its index in the configuration.</summary>
    public required int Member { get; init; }

    /// <summary>Votes by member. They can't change while the store lives: a quorum of the old votes need not meet one of the new.</summary>
    public required IReadOnlyList<int> Votes { get; init; }

    /// <summary>Number of shards of the cluster.</summary>
    public required int Shards { get; init; }

    /// <summary>What a store that begins empty gives as <see cref="IRecordStore.WhyEmpty"/>; null: that its folder was empty.</summary>
    internal string? WhyEmpty { get; init; }

    /// <summary>Bytes for blocks that were read, with indexes and filters. At least 1 MiB. More of it saves reads from disk.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1 MiB.</exception>
    public long BlockCacheBytes { get; init => field = AtLeastOneMiB(value); } = 64L << 20;

    /// <summary>Bytes of one write buffer, of which there are two. At least 1 MiB. More of it means fewer merges, and a longer log
    /// to read when the store is opened after a crash.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1 MiB.</exception>
    public long WriteBufferBytes { get; init => field = AtLeastOneMiB(value); } = 32L << 20;

    /// <summary>The buffer that this member really has. All members are written the same, and with buffers alike all would flush and merge at
    /// one moment, when a quorum has nobody left who is quick: the others' are up to three eighths smaller, by turns.</summary>
    internal long OwnWriteBufferBytes => WriteBufferBytes - WriteBufferBytes / 8 * (Member % 4);

    /// <summary>
    /// Bytes of a file that keeps room on the disk for what must go on when other programs fill it. At least 3 write buffers: two that
    /// wait to be flushed to tables, and the log of a third. More of it lets tombstones be written, and their space be won back, longer.
    /// Where it is not set: 128 MiB, or 3 write buffers where that is more.
    /// </summary>
    public long ReserveBytes { get => field == 0 ? Math.Max(128L << 20, 3 * WriteBufferBytes) : field; init; }

    /// <summary>Bytes per second that flushes and merges may write; 0: as many as the disk takes. At least 1 MiB. Less of it leaves
    /// more of the disk to syncs; less than what is written to the store, times its write amplification, makes writes wait.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above 0 and less than 1 MiB.</exception>
    public long CompactionBytesPerSecond { get; init => field = value == 0 ? 0 : AtLeastOneMiB(value); } = 64L << 20;

    /// <summary>Bytes per second that the scrub reads to find damage before it is needed; 0: none is done. At least 1 MiB otherwise.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or above 0 and less than 1 MiB.</exception>
    public long ScrubBytesPerSecond { get; init => field = value == 0 ? 0 : AtLeastOneMiB(value); } = 4L << 20;

    /// <summary>How many tombstones are held in memory.</summary>
    internal int TombstonesHeld { get; init; } = 10_000;

    /// <summary>Rows of the leaves' ring: <see cref="LeafJournal"/>. Part of the format: it must not shrink.</summary>
    internal int LeafRows { get; init; } = 4096;

    /// <summary>Leaves of one row at most.</summary>
    internal int LeavesPerRow { get; init; } = 512;

    /// <summary>How long the last of what deletes other values may wait in memory.</summary>
    internal TimeSpan FlushLeftoversAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Checks what depends on more than one value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The reserve is too small for the write buffers.</exception>
    internal void Check()
    {
        if (ReserveBytes >= 3 * WriteBufferBytes) return;
        throw new ArgumentOutOfRangeException(nameof(ReserveBytes), ReserveBytes, string.Create(
            CultureInfo.InvariantCulture, $"Must be at least 3 write buffers ({3 * WriteBufferBytes})."));
    }

    private static long AtLeastOneMiB(long value) => value >= 1 << 20 ? value
        : throw new ArgumentOutOfRangeException(nameof(value), value, "Must be at least 1 MiB (1048576).");
}
