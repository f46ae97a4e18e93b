// SimStore.cs - a store whose disk can be pulled out: what was written since the last sync is lost with a crash.
//
// A journal of everything written, with the length that is synced; a crash builds the real memory store anew from the synced part.
// Runs are short, so the journal may be kept whole.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

internal sealed class SimStore(int shards, int members) : IRecordStore
{
    private readonly record struct Entry(int Shard, Key Key, StoredRecord Stored, Ballot Promised, Lives? Lives)
    {
        public Version Dropped { get; init; }

        public bool Removes { get; init; }
    }

    private readonly List<Entry> _journal = [];
    private MemoryRecordStore _store = new(shards, members);
    private int _synced;

    public StoreIdentity Identity { get; set; } = new(1);

    public string WhyEmpty => "lost its disk";

    public Lives Lives
    {
        get => _store.Lives;
        set => Write(new Entry(0, default, default, default, value));
    }

    public long Count => _store.Count;

    public bool IsDirty => _synced < _journal.Count;

    /// <summary>Entries written so far: what a sync that begins now will cover.</summary>
    public int Written => _journal.Count;

    public StoredRecord Get(int shard, Key key) => _store.Get(shard, key);

    public void Put(int shard, Key key, StoredRecord record) => Write(new Entry(shard, key, record, default, null));

    public Ballot GetPromised(int shard) => _store.GetPromised(shard);

    public void SetPromised(int shard, Ballot ballot) => Write(new Entry(shard, default, default, ballot, null));

    public Version GetDropped(int shard) => _store.GetDropped(shard);

    public void RaiseDropped(int shard, Version version)
    {
        if (version > GetDropped(shard)) Write(new Entry(shard, default, default, default, null) { Dropped = version });
    }

    public void Remove(int shard, Key key) => Write(new Entry(shard, key, default, default, null) { Removes = true });

    public IReadOnlyList<Key> Keys(int shard) => _store.Keys(shard);

    public IReadOnlyList<Key> Keys(int shard, int leaf) => _store.Keys(shard, leaf);

    public ulong LeafHash(int shard, int leaf) => _store.LeafHash(shard, leaf);

    public IReadOnlyList<(int Shard, Key Key, Version Version)> Tombstones(int most) => _store.Tombstones(most);

    public IReadOnlyList<Key> Expired(long untilMs, int most) => _store.Expired(untilMs, most);

    public bool IsSynced(int shard, Key key)
    {
        for (var i = _synced; i < _journal.Count; i++)
        {
            var entry = _journal[i];
            if (entry.Lives is not null || (entry.Shard == shard && (entry.Key == key || !entry.Dropped.IsNone))) return false;
        }
        return true;
    }

    public StoreRoom Poll() => StoreRoom.NoDisk;

    public void StartScrub(Action<Exception> failed) { }

    public void Abandon(string reason) => throw new InvalidOperationException(reason);

    public ValueTask SyncAsync()
    {
        Synced(_journal.Count);
        return ValueTask.CompletedTask;
    }

    /// <summary>A sync that began when <paramref name="written"/> entries were written has ended.</summary>
    public void Synced(int written) => _synced = Math.Max(_synced, written);

    /// <summary>Power is lost.</summary>
    public void Crash()
    {
        if (!IsDirty) return;
        _journal.RemoveRange(_synced, _journal.Count - _synced);
        _store = new MemoryRecordStore(shards, members);
        foreach (var entry in _journal) Apply(entry);
    }

    public void Dispose() { }

    private void Write(in Entry entry)
    {
        _journal.Add(entry);
        Apply(entry);
    }

    private void Apply(in Entry entry)
    {
        if (entry.Lives is not null) _store.Lives = entry.Lives;
        else if (!entry.Dropped.IsNone) _store.RaiseDropped(entry.Shard, entry.Dropped);
        else if (entry.Removes) _store.Remove(entry.Shard, entry.Key);
        else if (entry.Key.Length == 0) _store.SetPromised(entry.Shard, entry.Promised);
        else _store.Put(entry.Shard, entry.Key, entry.Stored);
    }
}
