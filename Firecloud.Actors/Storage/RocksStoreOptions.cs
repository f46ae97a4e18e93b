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

    private static long AtLeastOneMiB(long value) => value >= 1 << 20 ? value
        : throw new ArgumentOutOfRangeException(nameof(value), value, "Must be at least 1 MiB (1048576).");
}
