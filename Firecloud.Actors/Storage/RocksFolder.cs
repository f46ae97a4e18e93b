// RocksFolder.cs - a folder with RocksDB in it: opened, checked whose it is, read. Everything that comes out of it passes through
// here, so that what is damaged is named and never taken for something that is not there.
using System.Diagnostics;
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
    private readonly ReadOptions _pastCache = new ReadOptions().SetFillCache(false).SetVerifyChecksums(true);
    private readonly RocksBatch _batch = new();
    private readonly long _writeBuffer;
    private readonly TimeSpan _leftoversAfter;
    private readonly Stopwatch _sinceFlush = Stopwatch.StartNew();
    private long _buffered;   // bytes written since the buffer was last flushed, as far as known
    private long _garbage;    // and of records that these replaced

    public RocksFolder(RocksStoreOptions options)
    {
        Leaves = new LeafJournal(options.Shards, options.LeafRows, options.LeavesPerRow);
        (_folder, _writeBuffer, _leftoversAfter) = (options.Folder, options.OwnWriteBufferBytes, options.FlushLeftoversAfter);
        var mark = StoreFolder.Prepare(_folder);
        try
        {
            _db = RocksDb.Open(RocksTuning.Options(options, mayBeNew: mark is { Number: 0 }), _folder);
            _mark = CheckMark(mark);
            Header = CheckHeader(options);
            CheckEnd();
            Space = new DiskSpace(_folder, options.ReserveBytes, _writeBuffer);
            if (_mark.Number < Batches) _mark.Write(Batches);   // what was read from the log is synced by now
        }
        catch (Exception e)
        {
            _db?.Dispose();
            mark?.Dispose();
            _batch.Dispose();
            if (e is RocksDbException or IOException or UnauthorizedAccessException) throw RocksErrors.OfOpening(_folder, e);
            throw;
        }
    }

    public RocksHeader Header { get; }

    public DiskSpace Space { get; }

    public LeafJournal Leaves { get; }

    /// <summary>Buffers that wait to be flushed.</summary>
    public bool FlushIsDue => Property("rocksdb.num-immutable-mem-table") is not (null or "0");

    /// <summary>The number of the last batch.</summary>
    public ulong Batches { get; private set; }

    public void Dispose()
    {
        _db.Dispose();
        _mark.Dispose();
        _batch.Dispose();
    }

    /// <summary>Writes a batch, whole or not at all; durable when it returns.</summary>
    public void Write(RocksChanges changes)
    {
        _batch.Clear();
        changes.FillInto(_batch);
        Leaves.Fill(changes.Leaves, Batches + 1, _batch);
        _batch.Put(RocksLayout.KeyOf(RocksTable.Batch), RocksLayout.Batch(Batches + 1));
        var size = _batch.Size;
        Space?.Look(size);
        _db.Write(_batch.Batch, _toDisk);
        _mark.Write(++Batches);
        FlushGarbage(size, changes.Garbage);
    }

    public string? Property(string name) => _db.GetProperty(name);

    /// <summary>Begins to flush what is in memory to a table, and does not wait for it.</summary>
    public void Flush()
    {
        if (FlushIsDue) return;
        var options = new FlushOptions().SetWaitForFlush(false);
        Native.Instance.rocksdb_flushoptions_set_allow_write_stall(options.Handle, 1);   // or it would wait
        _db.Flush(options);
        (_buffered, _garbage) = (0, 0);
        _sinceFlush.Restart();
    }

    /// <summary>The same, where something in memory has deleted enough of what is on disk, a while ago. Not while a batch is written.</summary>
    public void FlushLeftovers()
    {
        if (_garbage >= _writeBuffer / 8 && _sinceFlush.Elapsed >= _leftoversAfter) Flush();
    }

    // A few bytes that delete much would stay in memory until other writes fill the buffer, and what they delete would stay on disk.
    private void FlushGarbage(long written, long garbage)
    {
        _buffered += written;
        _garbage += garbage;
        if (_buffered >= _writeBuffer) (_buffered, _garbage) = (0, 0);   // it flushes by itself about now
        if (_garbage >= 2 * _writeBuffer) Flush();
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

    /// <summary>Keys and values that begin with a prefix, in order; from the first, or from a place on.</summary>
    public IEnumerable<(byte[] Key, byte[] Value)> Scan(byte[] prefix, byte[]? from = null)
    {
        using var iterator = _db.NewIterator();
        iterator.Seek(from ?? prefix);
        for (; iterator.Valid(); iterator.Next())
        {
            var key = iterator.Key();
            if (!key.AsSpan().StartsWith(prefix)) yield break;
            yield return (key, iterator.Value());
        }
        CheckEnd(iterator, prefix);
    }

    /// <summary>Everything from a place on, in order, past the cache: what is read once must not push out what is needed.</summary>
    public IEnumerable<(byte[] Key, byte[] Value)> ScanAll(byte[] from)
    {
        using var iterator = _db.NewIterator(readOptions: _pastCache);
        iterator.Seek(from);
        for (; iterator.Valid(); iterator.Next()) yield return (iterator.Key(), iterator.Value());
        CheckEnd(iterator, from);
    }

    /// <summary>Checks that a value is what was written under its key.</summary>
    public void Check(byte[] key, byte[] value)
    {
        try
        {
            RocksLayout.Open(key, value);
        }
        catch (WireFormatException e)
        {
            throw new DamagedStoreException($"{Place(key)} is damaged. {e.Message}", e);
        }
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
        if (key.Length == 0) return $"The beginning of {_folder}";
        var table = (RocksTable)key[0];
        if (table == RocksTable.Expiry) return $"{table} {Convert.ToHexString(key)} in {_folder}";
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
        return header.Format == RocksLayout.Format ? header : Raised(header);
    }

    // What an older program wrote is left as it is; that program would not keep the newer tables up, and must refuse from now on.
    private RocksHeader Raised(RocksHeader header)
    {
        CheckEnd();
        var raised = header with { Format = RocksLayout.Format };
        Write(new RocksChanges { Header = raised });
        return raised;
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
