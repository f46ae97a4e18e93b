// RocksFolder.cs - a folder with RocksDB in it: opened, checked whose it is, read. Everything that comes out of it passes through
// here, so that what is damaged is named and never taken for something that is not there.
using System.Security.Cryptography;
using System.Text;
using Firecloud.Actors.Wire;
using RocksDbSharp;

namespace Firecloud.Actors.Storage;

internal sealed class RocksFolder : IDisposable
{
    // What RocksDB leaves when it is stopped while it makes a new folder: logs of data come after CURRENT. Without CURRENT it would
    // begin anew beside anything, and the replica would not know that it forgot.
    private static readonly string[] NewFolder = ["LOCK", "LOG", "IDENTITY", "MANIFEST-000001", "000000.dbtmp", "000001.dbtmp"];

    private readonly string _folder;
    private readonly RocksDb _db;
    private readonly WriteOptions _toDisk = new WriteOptions().SetSync(true);

    public RocksFolder(RocksStoreOptions options)
    {
        _folder = options.Folder;
        CheckFolder(_folder);
        _db = OpenDatabase(options);
        try
        {
            Header = CheckHeader(options);
        }
        catch
        {
            _db.Dispose();
            throw;
        }
    }

    public RocksHeader Header { get; }

    public void Dispose() => _db.Dispose();

    /// <summary>Deletes a store that is closed. Renamed first: half of it is never found under its own name.</summary>
    public static void Delete(string folder)
    {
        var old = folder + ".unfinished";
        if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        Directory.Move(folder, old);
        Directory.Delete(old, recursive: true);
    }

    /// <summary>Writes a batch, whole or not at all; durable when it returns.</summary>
    public void Write(RocksChanges changes)
    {
        using var batch = new WriteBatch();
        changes.FillInto(batch);
        _db.Write(batch, _toDisk);
    }

    /// <summary>A value, or null where nothing is stored.</summary>
    public T? Read<T>(byte[] key, int members, int shards, Reading<T> read)
    {
        try
        {
            return _db.Get(key) is { } value ? Parse(key, value, members, shards, read) : default;
        }
        catch (RocksDbException e)
        {
            throw new DamagedRecordException($"{Place(key)} can't be read: {e.Message}", e);
        }
    }

    /// <summary>Keys and values that begin with a prefix, in order.</summary>
    public IEnumerable<(byte[] Key, byte[] Value)> Scan(byte[] prefix)
    {
        using var iterator = _db.NewIterator();
        iterator.Seek(prefix);
        for (; iterator.Valid(); iterator.Next())
        {
            var key = iterator.Key();
            if (!key.AsSpan().StartsWith(prefix)) yield break;
            yield return (key, iterator.Value());
        }
        CheckEnd(iterator, prefix);
    }

    public T Parse<T>(byte[] key, byte[] value, int members, int shards, Reading<T> read)
    {
        try
        {
            var reader = new WireReader(RocksLayout.Open(key, value), members, shards);
            var result = read(ref reader);
            return reader.AtEnd ? result : throw new WireFormatException("Bytes are left over.");
        }
        catch (WireFormatException e)
        {
            throw new DamagedRecordException($"{Place(key)} is damaged. {e.Message}", e);
        }
    }

    // An iterator that meets a damaged block ends as if there were no more keys; only its status tells.
    private void CheckEnd(Iterator iterator, byte[] prefix)
    {
        try
        {
            Native.Instance.rocksdb_iter_get_error(iterator.Handle);
        }
        catch (RocksDbException e)
        {
            throw new DamagedRecordException($"{Place(prefix)} and what follows can't be read: {e.Message}", e);
        }
    }

    private string Place(byte[] key)
    {
        var table = (RocksTable)key[0];
        var shard = key.Length >= 5 ? $" of shard {RocksLayout.ShardOf(key)}" : "";
        var name = key.AsSpan(Math.Min(key.Length, RocksLayout.PrefixLength));
        return name.IsEmpty ? $"{table}{shard} in {_folder}"
            : $"{table}{shard}, key \"{Encoding.UTF8.GetString(name)}\" ({Convert.ToHexString(name)}), in {_folder}";
    }

    private static void CheckFolder(string folder)
    {
        if (File.Exists(folder)) throw new StoreRefusedException($"{folder} is a file. The store needs a folder.");
        try
        {
            Directory.CreateDirectory(folder);
            if (File.Exists(Path.Combine(folder, "CURRENT"))) return;
            var foreign = Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).FirstOrDefault(f => !NewFolder.Contains(f));
            if (foreign is null) return;
            throw new StoreRefusedException($"{folder} holds {foreign}, but no store (the file CURRENT is missing). Name an empty folder.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"{folder} can't be used: {e.Message}", e);
        }
    }

    private static RocksDb OpenDatabase(RocksStoreOptions options)
    {
        var tables = new BlockBasedTableOptions()
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false));
        // Of the ways to read the log after a crash this is the one that forgives a last batch cut short, which nobody was answered
        // for. The default drops everything behind a damaged batch, and with it promises that were given. What still looks like a
        // batch cut short: a damaged length within the last 32 KiB of the log, and a file system that lost the end of what it synced.
        var database = new DbOptions()
            .SetCreateIfMissing(true)
            .SetParanoidChecks(true)
            .SetWalRecoveryMode(RocksDbSharp.Recovery.TolerateCorruptedTailRecords)
            .SetBlockBasedTableFactory(tables)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.WriteBufferBytes)
            .SetMaxWriteBufferNumber(2)
            .SetMaxOpenFiles(512)
            .SetMaxLogFileSize(1 << 20)
            .SetKeepLogFileNum(4);
        Native.Instance.rocksdb_options_set_track_and_verify_wals_in_manifest(database.Handle, 1);
        try
        {
            return RocksDb.Open(database, options.Folder);
        }
        catch (RocksDbException e) when (e.Message.Contains("lock hold by", StringComparison.Ordinal)
            || e.Message.Contains("While lock file", StringComparison.Ordinal))
        {
            throw new StoreRefusedException($"{options.Folder} is in use, by this process or another one. Stop that one first.", e);
        }
        catch (RocksDbException e)
        {
            throw new StoreRefusedException($"{options.Folder} can't be opened: {e.Message}", e);
        }
    }

    private RocksHeader CheckHeader(RocksStoreOptions options)
    {
        var key = RocksLayout.KeyOf(RocksTable.Header);
        var mine = new RocksHeader(RocksLayout.Format, options.Member, options.Shards, options.Votes, new StoreIdentity(NewId()));
        byte[]? value;
        try
        {
            value = _db.Get(key);
            if (value is null) return Found(mine);
        }
        catch (RocksDbException e)
        {
            throw new StoreRefusedException($"{_folder}: its header can't be read: {e.Message}", e);
        }
        RocksHeader header;
        try
        {
            header = RocksLayout.ReadHeader(RocksLayout.Open(key, value));
        }
        catch (WireFormatException e)
        {
            throw new StoreRefusedException($"{_folder}: its header is damaged. {e.Message}", e);
        }
        CheckHeader(header, mine);
        return header;
    }

    private static ulong NewId()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes) | 1;   // 0 is none
    }

    private void CheckHeader(RocksHeader kept, RocksHeader mine)
    {
        if (kept.Format > RocksLayout.Format)
        {
            throw Refused($"has format {kept.Format}, this program knows formats up to {RocksLayout.Format}. Use a newer program.");
        }
        if (kept.Member != mine.Member) throw Refused($"belongs to member {kept.Member}, this is member {mine.Member}.");
        if (kept.Shards != mine.Shards) throw Refused($"has {kept.Shards} shards, configured are {mine.Shards}; their number can't change.");
        if (!kept.Votes.SequenceEqual(mine.Votes))
        {
            throw Refused($"is of a cluster with votes [{string.Join(", ", kept.Votes)}], configured are [{string.Join(", ", mine.Votes)}]; "
                + "they can't change while it holds data.");
        }

        StoreRefusedException Refused(string sentence) => new($"{_folder} {sentence}");
    }

    private RocksHeader Found(RocksHeader mine)
    {
        foreach (var (key, _) in Scan([]))
        {
            throw new StoreRefusedException($"{_folder} has no header, but {Place(key)}: it is damaged, or not a store of Firecloud.");
        }
        Write(new RocksChanges { Header = mine });
        return mine;
    }

    /// <summary>Reads one value's rest.</summary>
    public delegate T Reading<out T>(ref WireReader reader);
}
