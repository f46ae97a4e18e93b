// RocksRecordStore.cs - what one replica keeps, on disk (protocol.md section 3), with RocksDB.
//
// WRITES   gather in memory and go to disk as one batch per sync, whole or not at all, written and synced off the caller's thread.
//          What is written meanwhile goes with the next sync.
// READS    see what gathers, then what is being written, then the disk.
// MEMORY   promises, dropped versions, lives and hash trees are held (12 bytes per leaf); records are not. A leaf's hash and
//          number of keys are kept in the same batch as its records (LeafJournal), so that opening reads no records. And some records
//          that were used lately.
// WATCH    a sync that failed ends the store: RocksDB may or may not have kept the batch.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Storage;

/// <summary>Keeps everything on disk. One folder belongs to one member, and to one process at a time.</summary>
public sealed class RocksRecordStore : IRecordStore
{
    private readonly RocksFolder _folder;
    private readonly string _name;
    private readonly int _members;
    private readonly int _shards;
    private readonly HashTree[] _trees;
    private readonly int[] _counts;   // keys by shard and leaf
    private readonly Ballot[] _promised;
    private readonly Version[] _dropped;
    private readonly TombstoneList _tombstones;
    private long _expiresFrom = long.MinValue;   // nothing that is held expires before: deleted entries there are not scanned again
    private readonly long _scrubBytesPerSecond;
    private RocksHeader _header;
    private Lives _lives;
    private long _count;
    private RocksChanges _pending = new();
    private RocksChanges _written = new();   // of the last sync, under way or done
    private readonly RecordCache _cache = new(4096);
    private (Key Key, StoredRecord Stored) _lastRead;   // too large for the cache: a write asks for what its caller has just read
    private readonly SyncThread _thread;
    private Task _sync = Task.CompletedTask;
    private volatile Exception? _failure;
    private volatile bool _exhausted;
    private RocksScrub? _scrub;
    private bool _disposed;

    /// <summary>Opens a folder, or makes a new one.</summary>
    /// <param name="options">Whose store it is.</param>
    /// <exception cref="StoreRefusedException">The folder is in use, or not this member's, or the disk fails.</exception>
    /// <exception cref="DamagedStoreException">What is needed to open it is damaged or missing.</exception>
    public RocksRecordStore(RocksStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_name, _members, _shards) = (options.Folder, options.Votes.Count, options.Shards);
        _trees = [.. Enumerable.Range(0, _shards).Select(_ => new HashTree())];
        _counts = new int[_shards * HashTree.Leaves];
        _promised = new Ballot[_shards];
        _dropped = new Version[_shards];
        _scrubBytesPerSecond = options.ScrubBytesPerSecond;
        _tombstones = new TombstoneList(options.TombstonesHeld);
        options.Check();
        _folder = OpenFolder(options);
        try
        {
            _header = _folder.Header;
            WhyEmpty = options.WhyEmpty ?? $"began with an empty folder, {_name}";
            _lives = Load();
            _thread = new SyncThread();
        }
        catch
        {
            _folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public StoreIdentity Identity
    {
        get => Usable(_header).Identity;
        set => _header = Usable(_pending).Header = _header with { Identity = value };
    }

    /// <inheritdoc/>
    public string WhyEmpty { get; }

    /// <inheritdoc/>
    public Lives Lives
    {
        get => Usable(_lives);
        set => _lives = Usable(_pending).Lives = value;
    }

    /// <inheritdoc/>
    public long Count => Usable(_count);

    /// <inheritdoc/>
    public bool IsDirty => !Usable(_pending).IsEmpty;

    /// <summary>True while the disk has no room for new values. Only they must wait: what is written goes to disk as ever. From any thread.</summary>
    public bool IsFull => _folder.Space.IsFull;

    /// <summary>True while a sync might fail for lack of room: nothing should be written. From any thread.</summary>
    public bool IsExhausted => _exhausted || _folder.Space.IsExhausted;

    /// <summary>Bytes free on the disk, when last looked at. From any thread.</summary>
    public long FreeBytes => _folder.Space.FreeBytes;

    /// <summary>Scans for tombstones.</summary>
    internal int TombstoneScans => _tombstones.Scans;

    /// <summary>Records that were read from disk.</summary>
    internal long RecordsRead { get; private set; }

    /// <summary>For tests: runs on the thread that syncs, before it writes.</summary>
    internal Action? BeforeWrite { get; set; }

    /// <inheritdoc/>
    /// <exception cref="DamagedStoreException">The record is not what was written.</exception>
    public StoredRecord Get(int shard, Key key)
    {
        if (Usable(_cache).TryGet(key, out var stored)) return stored;
        if (_pending.Records.TryGetValue(key, out var entry) || _written.Records.TryGetValue(key, out entry)) return entry.Stored;
        if (_lastRead.Key == key) return _lastRead.Stored;
        var at = RocksLayout.KeyOf(RocksTable.Record, shard, key.Leaf, key.Span);
        stored = _folder.Read(at, _members, _shards, ReadRecord);
        if (stored.Record is null) stored = StoredRecord.None;
        RecordsRead++;
        if (!_cache.TrySet(key, stored)) _lastRead = (key, stored);
        return stored;
    }

    /// <inheritdoc/>
    /// <exception cref="DamagedStoreException">The record before is not what was written.</exception>
    public void Put(int shard, Key key, StoredRecord record)
    {
        Invariant.That(record.Record.Held);
        Replace(shard, key, Get(shard, key).Record, record);
    }

    /// <inheritdoc/>
    /// <exception cref="DamagedStoreException">The record is not what was written.</exception>
    public void Remove(int shard, Key key)
    {
        var before = Get(shard, key).Record;
        if (!before.Held) return;
        Invariant.That(before.IsTombstone);
        Replace(shard, key, before, StoredRecord.None);
    }

    /// <inheritdoc/>
    public Ballot GetPromised(int shard) => Usable(_promised)[shard];

    /// <inheritdoc/>
    public void SetPromised(int shard, Ballot ballot)
    {
        Invariant.That(ballot >= Usable(_promised)[shard]);
        _pending.Promised[shard] = _promised[shard] = ballot;
    }

    /// <inheritdoc/>
    public Version GetDropped(int shard) => Usable(_dropped)[shard];

    /// <inheritdoc/>
    public void RaiseDropped(int shard, Version version)
    {
        if (version > Usable(_dropped)[shard]) _pending.Dropped[shard] = _dropped[shard] = version;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Key> Keys(int shard) => [.. Enumerable.Range(0, HashTree.Leaves).SelectMany(leaf => Keys(shard, leaf))];

    /// <inheritdoc/>
    public IReadOnlyList<Key> Keys(int shard, int leaf)
    {
        if (Usable(_counts)[At(shard, leaf)] == 0) return [];
        var keys = _folder.Scan(RocksLayout.KeyOf(RocksTable.Record, shard, leaf))
            .Select(found => new Key(found.Key[RocksLayout.PrefixLength..]))
            .ToHashSet();
        foreach (var changes in (ReadOnlySpan<RocksChanges>)[_written, _pending])
        {
            foreach (var (key, entry) in changes.Records)
            {
                if (entry.Shard != shard || key.Leaf != leaf) continue;
                if (entry.Stored.Record.Held) keys.Add(key);
                else keys.Remove(key);
            }
        }
        return [.. keys];
    }

    /// <inheritdoc/>
    public ulong LeafHash(int shard, int leaf) => Usable(_trees)[shard][leaf];

    /// <inheritdoc/>
    public IReadOnlyList<(int Shard, Key Key, Version Version)> Tombstones(int most)
    {
        var unsynced = Usable(_pending).Records.Concat(_written.Records.Where(w => !_pending.Records.ContainsKey(w.Key)))
            .Where(u => u.Value.Stored.Record.IsTombstone)
            .Select(u => (u.Value.Shard, u.Key, u.Value.Stored.Record.Version));
        return _tombstones.Take(most, unsynced, ScanTombstones, key => _pending.Records.ContainsKey(key) || _written.Records.ContainsKey(key));
    }

    /// <inheritdoc/>
    public IReadOnlyList<Key> Expired(long untilMs, int most)
    {
        var (keys, first) = (new List<Key>(), untilMs == long.MaxValue ? untilMs : untilMs + 1);
        foreach (var (key, entry) in Usable(_pending).Records.Concat(_written.Records.Where(w => !_pending.Records.ContainsKey(w.Key))))
        {
            var time = entry.Stored.Record.Expires;
            if (time == 0 || time > untilMs) continue;
            first = Math.Min(first, time);
            if (keys.Count < most) keys.Add(key);
        }
        foreach (var (at, value) in _folder.Scan(RocksLayout.KeyOf(RocksTable.Expiry), RocksLayout.ExpiryKey(_expiresFrom)))
        {
            var time = RocksLayout.ExpiryTimeOf(at);
            if (time > untilMs) break;
            first = Math.Min(first, time);
            if (keys.Count >= most) break;
            _folder.Check(at, value);
            var key = new Key(at[RocksLayout.ExpiryPrefixLength..]);
            if (!_pending.Records.ContainsKey(key) && !_written.Records.ContainsKey(key)) keys.Add(key);
        }
        _expiresFrom = first;
        return keys;
    }

    /// <inheritdoc/>
    /// <remarks>Flushes what keeps deleted values on disk, too.</remarks>
    public StoreRoom Poll()
    {
        Usable(_folder).Space.Look(0);
        // A flush that failed for lack of room stops all writes until RocksDB has tried it again: room alone is not enough.
        _exhausted = _folder.Space.IsExhausted || (_exhausted && _folder.FlushIsDue);
        if (_sync.IsCompleted && !_exhausted) _folder.FlushLeftovers();
        return new StoreRoom(IsFull, IsExhausted, FreeBytes);
    }

    /// <inheritdoc/>
    public bool IsSynced(int shard, Key key) => Usable(_pending).IsSynced(shard, key) && (_sync.IsCompleted || _written.IsSynced(shard, key));

    /// <inheritdoc/>
    public void Abandon(string reason) => StoreFolder.MarkDamaged(_name, reason);

    /// <inheritdoc/>
    /// <exception cref="StoreFailedException">It could not be written; the store refuses everything from now on.</exception>
    /// <exception cref="DamagedStoreException">The same, because RocksDB met damage.</exception>
    public ValueTask SyncAsync()
    {
        if (Usable(_pending).IsEmpty) return new ValueTask(_sync);
        Invariant.That(_sync.IsCompleted);   // one at a time
        (_written, _pending) = (_pending, new RocksChanges());
        var changes = _written;
        _sync = _thread.Begin(() => Write(changes));
        return new ValueTask(_sync);
    }

    /// <inheritdoc/>
    /// <remarks>At the configured pace; not where that is 0. <paramref name="failed"/> gets the first
    /// <see cref="DamagedStoreException"/> or <see cref="StoreFailedException"/>, and must not dispose the store.</remarks>
    public void StartScrub(Action<Exception> failed) => StartScrub(failed, roundPause: null);

    /// <summary>For tests: with another pause than an hour between the ends of two rounds.</summary>
    internal RocksScrub? StartScrub(Action<Exception> failed, TimeSpan? roundPause)
    {
        Invariant.That(_scrub is null);
        if (_scrubBytesPerSecond == 0) return null;
        return _scrub = new RocksScrub(Usable(_folder), _scrubBytesPerSecond, failed, roundPause);
    }

    /// <summary>For tests and measurements: what RocksDB says of itself.</summary>
    internal string? Property(string name) => _folder.Property(name);

    /// <summary>For tests: begins to flush what RocksDB has in memory.</summary>
    internal void Flush() => _folder.Flush();

    /// <summary>Closes the folder, after the sync under way. What was not synced is lost, as in a crash.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _scrub?.Dispose();
        _thread.Dispose();
        _folder.Dispose();
    }

    /// <summary>Opens a folder; one that is damaged is set aside first, and the store begins empty in its place.</summary>
    /// <param name="options">Whose store it is.</param>
    /// <exception cref="StoreRefusedException">The folder can't be used, or is damaged and can't be set aside.</exception>
    public static RocksRecordStore OpenOrBeginAnew(RocksStoreOptions options)
    {
        try
        {
            return new RocksRecordStore(options);
        }
        catch (DamagedStoreException e)
        {
            var aside = StoreFolder.SetAside(options.Folder, e.Message);
            return new RocksRecordStore(options with { WhyEmpty = $"found its store damaged and set it aside as {aside}: {e.Message}" });
        }
    }

    // A memory that was not taken over to its end is no memory: what is in it may have been dropped everywhere else since.
    private static RocksFolder OpenFolder(RocksStoreOptions options)
    {
        var folder = new RocksFolder(options);
        if (!folder.Header.Identity.IsRecovering) return folder;
        folder.Dispose();
        StoreFolder.Delete(options.Folder);
        return new RocksFolder(options);
    }

    private static StoredRecord ReadRecord(ref WireReader reader) => ReplicaCodec.ReadRecord(ref reader, Ballot.None);

    private static Version ReadVersion(ref WireReader reader) => reader.Version();

    private static int At(int shard, int leaf) => shard * HashTree.Leaves + leaf;

    private IEnumerable<(byte[] At, int Shard, Key Key, Version Version)> ScanTombstones(byte[] from)
    {
        foreach (var (at, value) in _folder.Scan(RocksLayout.KeyOf(RocksTable.Tombstone), from))
        {
            var version = _folder.Parse(at, value, _members, _shards, ReadVersion);
            yield return (at, RocksLayout.ShardOf(at), new Key(at[RocksLayout.PrefixLength..]), version);
        }
    }

    private void Replace(int shard, Key key, Record before, StoredRecord after)
    {
        Invariant.That(key.Shard(_shards) == shard);
        var at = At(shard, key.Leaf);
        var change = (after.Record.Held ? 1 : 0) - (before.Held ? 1 : 0);
        _counts[at] += change;
        _count += change;
        _trees[shard].Replace(key, before, after.Record);
        var again = _pending.Records.TryGetValue(key, out var entry);
        var wasTombstone = before.IsTombstone || (again && entry.WasTombstone);
        _pending.Records[key] = new RocksChanges.Entry(shard, after, wasTombstone, again ? entry.ExpiredBefore : before.Expires);
        if (after.Record.Expires != 0) _expiresFrom = Math.Min(_expiresFrom, after.Record.Expires);
        _pending.Leaves[at] = new LeafState(_trees[shard][key.Leaf], _counts[at]);
        if (before.Held) _pending.Garbage += RocksChanges.GarbageOf(key, before);
        if (after.Record.IsTombstone) _tombstones.Put(shard, key, after.Record.Version);
        else if (wasTombstone) _tombstones.Remove(key);
        _cache.TrySet(key, after);
        _lastRead = default;
    }

    private void Write(RocksChanges changes)
    {
        try
        {
            BeforeWrite?.Invoke();
            _folder.Write(changes);
        }
        catch (Exception e)
        {
            _failure = e;
            throw Failed(e);
        }
    }

    private Lives Load()
    {
        foreach (var (key, value) in _folder.Scan(RocksLayout.KeyOf(RocksTable.Promised)))
        {
            _promised[ShardOf(key)] = _folder.Parse(key, value, _members, _shards, (ref r) => r.Ballot());
        }
        foreach (var (key, value) in _folder.Scan(RocksLayout.KeyOf(RocksTable.Dropped)))
        {
            _dropped[ShardOf(key)] = _folder.Parse(key, value, _members, _shards, ReadVersion);
        }
        _folder.Leaves.Load(_folder, _members, _shards);
        for (var at = 0; at < _counts.Length; at++)
        {
            var leaf = _folder.Leaves.Leaves[at];
            _trees[at / HashTree.Leaves].Restore(at % HashTree.Leaves, leaf.Hash);
            _counts[at] = leaf.Count;
            _count += leaf.Count;
        }
        return _folder.Read(RocksLayout.KeyOf(RocksTable.Lives), _members, _shards, ReplicaCodec.ReadLives) ?? new Lives(_members);
    }

    private int ShardOf(byte[] key)
    {
        var shard = RocksLayout.ShardOf(key);
        return shard >= 0 && shard < _shards ? shard : throw new DamagedStoreException($"{_name} has shard {shard} of {_shards}.");
    }

    private T Usable<T>(T state)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _failure is null ? state : throw Failed(_failure);
    }

    private Exception Failed(Exception cause)
    {
        var sentence = $"The store in {_name} could not be synced, and is not used any more: {cause.Message}";
        return RocksErrors.IsDamage(cause.Message) ? new DamagedStoreException(sentence, cause) : new StoreFailedException(sentence, cause);
    }
}
