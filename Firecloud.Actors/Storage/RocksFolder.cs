// RocksFolder.cs - a folder with RocksDB in it: opened, checked whose it is, read. Everything that comes out of it passes through
// here, so that what is damaged is named and never taken for something that is not there.
using System.Security.Cryptography;
using System.Text;
using Firecloud.Actors.Wire;
using RocksDbSharp;

namespace Firecloud.Actors.Storage;

internal sealed class RocksFolder : IDisposable
{
    private readonly string _folder;
    private readonly SyncedMark _mark;
    private readonly RocksDb _db;
    private readonly WriteOptions _toDisk = new WriteOptions().SetSync(true);

    public RocksFolder(RocksStoreOptions options)
    {
        _folder = options.Folder;
        var mark = StoreFolder.Prepare(_folder);
        try
        {
            _db = OpenDatabase(options, mayBeNew: mark is { Number: 0 });
            _mark = CheckMark(mark);
            Header = CheckHeader(options);
            CheckEnd();
            if (_mark.Number < Batches) _mark.Write(Batches);   // what was read from the log is synced by now
        }
        catch
        {
            _db?.Dispose();
            mark?.Dispose();
            throw;
        }
    }

    public RocksHeader Header { get; }

    /// <summary>The number of the last batch.</summary>
    public ulong Batches { get; private set; }

    public void Dispose()
    {
        _db.Dispose();
        _mark.Dispose();
    }

    /// <summary>Writes a batch, whole or not at all; durable when it returns.</summary>
    public void Write(RocksChanges changes)
    {
        using var batch = new WriteBatch();
        changes.FillInto(batch);
        var key = RocksLayout.KeyOf(RocksTable.Batch);
        batch.Put(key, RocksLayout.Seal(key, RocksLayout.Batch(Batches + 1)));
        _db.Write(batch, _toDisk);
        _mark.Write(++Batches);
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
            throw RocksErrors.OfReading(Place(key), e);
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
            throw new DamagedStoreException($"{Place(key)} is damaged. {e.Message}", e);
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
            throw RocksErrors.OfReading($"{Place(prefix)} and what follows", e);
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

    // Every store has the file, so a database without one is another program's, or lost it.
    private SyncedMark CheckMark(SyncedMark? mark)
    {
        if (mark is not null) return mark;
        if (_db.Get(RocksLayout.KeyOf(RocksTable.Header)) is null)
        {
            throw new StoreRefusedException($"{_folder} holds a database that is not a store of Firecloud. Name an empty folder.");
        }
        throw new DamagedStoreException($"{_folder} lost its file {SyncedMark.Name}: how far it was synced is not known.");
    }

    private void CheckEnd()
    {
        if (_mark.Number <= Batches) return;
        throw new DamagedStoreException(
            $"{_folder} lost the end of its log: it ends with batch {Batches}, but batch {_mark.Number} was synced.");
    }

    private static RocksDb OpenDatabase(RocksStoreOptions options, bool mayBeNew)
    {
        var tables = new BlockBasedTableOptions()
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false));
        // Of the ways to read the log after a crash this is the one that forgives a last batch cut short, which nobody was answered
        // for. The default drops everything behind a damaged batch, and with it promises that were given. What else looks like a
        // batch cut short, SyncedMark finds. What was read from the log goes to a table, synced, before the opening ends: a process
        // that was killed may have left it unsynced.
        var database = new DbOptions()
            .SetCreateIfMissing(mayBeNew)
            .SetParanoidChecks(true)
            .SetWalRecoveryMode(RocksDbSharp.Recovery.TolerateCorruptedTailRecords)
            .SetBlockBasedTableFactory(tables)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.WriteBufferBytes)
            .SetMaxWriteBufferNumber(2)
            .SetMaxOpenFiles(512)
            .SetMaxLogFileSize(1 << 20)
            .SetKeepLogFileNum(4);
        Native.Instance.rocksdb_options_set_avoid_flush_during_recovery(database.Handle, 0);
        Native.Instance.rocksdb_options_set_track_and_verify_wals_in_manifest(database.Handle, 1);
        try
        {
            return RocksDb.Open(database, options.Folder);
        }
        catch (RocksDbException e)
        {
            throw RocksErrors.OfOpening(options.Folder, e);
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
            Batches = Read(RocksLayout.KeyOf(RocksTable.Batch), 0, 0, (ref r) => r.Fixed64());
            if (value is null) return Found(mine);
        }
        catch (RocksDbException e)
        {
            throw RocksErrors.OfReading($"The header of {_folder}", e);
        }
        RocksHeader header;
        try
        {
            header = RocksLayout.ReadHeader(RocksLayout.Open(key, value));
        }
        catch (WireFormatException e)
        {
            throw new DamagedStoreException($"{_folder}: its header is damaged. {e.Message}", e);
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
        foreach (var (key, _) in Scan([])) throw new DamagedStoreException($"{_folder} has no header, but {Place(key)}.");
        CheckEnd();
        Write(new RocksChanges { Header = mine });
        return mine;
    }

    /// <summary>Reads one value's rest.</summary>
    public delegate T Reading<out T>(ref WireReader reader);
}
