using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Node;

/// <summary>Where a node keeps its records: the section <c>firecloud.storage</c>.</summary>
public sealed class StorageSettings
{
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
        BlockCacheBytes = reader.Bytes("block-cache", 1 << 20, int.MaxValue);
        WriteBufferBytes = reader.Bytes("write-buffer", 1 << 20, 1 << 30);
    }

    /// <summary>False: in memory only, a restart loses it.</summary>
    public bool IsOnDisk { get; }

    /// <summary>The node's own folder, an absolute path.</summary>
    public string Folder { get; }

    /// <summary>Bytes for blocks that were read.</summary>
    public long BlockCacheBytes { get; }

    /// <summary>Bytes of one of the two write buffers.</summary>
    public long WriteBufferBytes { get; }

    internal RocksStoreOptions OptionsFor(int self, Configuration configuration) => new()
    {
        Folder = Folder,
        Member = self,
        Votes = [.. Enumerable.Range(0, configuration.Members.Count).Select(i => configuration.Votes[i])],
        Shards = configuration.Shards,
        BlockCacheBytes = BlockCacheBytes,
        WriteBufferBytes = WriteBufferBytes,
    };
}
