using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Node;

/// <summary>Where a node keeps its records: the section <c>firecloud.storage</c>.</summary>
public sealed class StorageSettings
{
    private const long MiB = 1 << 20;
    private const long TiB = 1L << 40;

    internal StorageSettings(ConfigReader reader, int self, Member address)
    {
        IsOnDisk = reader.Text("kind") switch
        {
            "disk" => true,
            "memory" => false,
            var kind => throw reader.Wrong("kind", kind, "unknown; use disk, or memory for a node that forgets everything when it ends."),
        };
        var folder = reader.Text("folder")
            .Replace("{node}", self.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{address}", $"{address.Host}-{address.Port}", StringComparison.Ordinal);
        if (string.IsNullOrWhiteSpace(folder)) throw reader.Wrong("folder", "\"\"", "empty; name a folder, for example /var/lib/firecloud/node-{node}.");
        Folder = Path.GetFullPath(folder);
        BlockCacheBytes = reader.LongBytes("block-cache", MiB, TiB);
        WriteBufferBytes = reader.LongBytes("write-buffer", MiB, 1 << 30);
        ReserveBytes = reader.LongBytes("reserve", 0, TiB);
        if (ReserveBytes != 0 && ReserveBytes < 3 * WriteBufferBytes)
        {
            throw reader.Wrong("reserve", $"{ReserveBytes} B", $"too small; at least 3 write buffers ({3 * WriteBufferBytes} B), or 0 for the default.");
        }
        CompactionBytesPerSecond = Rate(reader, "compaction-rate", reader.LongBytes("compaction-rate", 0, TiB));
        ScrubBytesPerSecond = Rate(reader, "scrub-rate", reader.LongBytes("scrub-rate", 0, TiB));
    }

    /// <summary>False: in memory only, a restart loses it.</summary>
    public bool IsOnDisk { get; }

    /// <summary>The node's own folder, an absolute path.</summary>
    public string Folder { get; }

    /// <summary>Bytes for blocks that were read.</summary>
    public long BlockCacheBytes { get; }

    /// <summary>Bytes of one of the two write buffers.</summary>
    public long WriteBufferBytes { get; }

    /// <summary>Bytes kept free for what must go on when the disk is full; 0 is the default.</summary>
    public long ReserveBytes { get; }

    /// <summary>Bytes per second of flushes and merges; 0: as many as the disk takes.</summary>
    public long CompactionBytesPerSecond { get; }

    /// <summary>Bytes per second that are read to find damage; 0: none.</summary>
    public long ScrubBytesPerSecond { get; }

    /// <summary>Folders with damaged stores of this node that were set aside and are still there.</summary>
    internal IReadOnlyList<string> SetAside()
    {
        var parent = Path.GetDirectoryName(Folder);
        if (!IsOnDisk || !Directory.Exists(parent)) return [];
        return [.. Directory.GetDirectories(parent, Path.GetFileName(Folder) + ".damaged-*").Order(StringComparer.Ordinal)];
    }

    internal RocksStoreOptions OptionsFor(int self, Configuration configuration) => new()
    {
        Folder = Folder,
        Member = self,
        Votes = [.. Enumerable.Range(0, configuration.Members.Count).Select(i => configuration.Votes[i])],
        Shards = configuration.Shards,
        BlockCacheBytes = BlockCacheBytes,
        WriteBufferBytes = WriteBufferBytes,
        ReserveBytes = ReserveBytes,
        CompactionBytesPerSecond = CompactionBytesPerSecond,
        ScrubBytesPerSecond = ScrubBytesPerSecond,
    };

    private static long Rate(ConfigReader reader, string key, long rate) => rate is 0 or >= MiB
        ? rate
        : throw reader.Wrong(key, $"{rate} B", $"too slow; 0, or at least {MiB} B (1 MiB) per second.");
}
