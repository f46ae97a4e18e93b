using System.Runtime.InteropServices;
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Storage;

/// <summary>Keeps everything in memory only: a restart loses it, and the replica stays out until it has recovered.</summary>
public sealed class MemoryRecordStore : IRecordStore
{
    private readonly Dictionary<Key, StoredRecord>?[] _records;   // by shard and leaf: an exchange asks for one leaf's keys
    private readonly HashTree[] _trees;
    private readonly Ballot[] _promised;
    private readonly Version[] _dropped;
    private readonly Dictionary<Key, int> _tombstones = [];   // key to shard
    private readonly SortedSet<(long At, Key Key)> _expiring = new(Comparer<(long At, Key Key)>.Create(Compare));

    /// <summary>Creates an empty store.</summary>
    /// <param name="shards">Number of shards of the cluster.</param>
    /// <param name="members">Number of members.</param>
    public MemoryRecordStore(int shards, int members)
    {
        _records = new Dictionary<Key, StoredRecord>?[shards * HashTree.Leaves];
        _trees = new HashTree[shards];
        for (var i = 0; i < shards; i++) _trees[i] = new HashTree();
        _promised = new Ballot[shards];
        _dropped = new Version[shards];
        Lives = new Lives(members);
    }

    /// <inheritdoc/>
    public StoreIdentity Identity { get; set; } = new(0);

    /// <inheritdoc/>
    public string WhyEmpty => "kept its records in memory only and was restarted";

    /// <inheritdoc/>
    public Lives Lives { get; set; }

    /// <inheritdoc/>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public bool IsDirty => false;

    /// <inheritdoc/>
    public StoredRecord Get(int shard, Key key) => At(shard, key.Leaf)?.GetValueOrDefault(key, StoredRecord.None) ?? StoredRecord.None;

    /// <inheritdoc/>
    public void Put(int shard, Key key, StoredRecord record)
    {
        Invariant.That(record.Record.Held);
        ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(At(shard, key.Leaf) ??= [], key, out var exists);
        if (!exists) Count++;
        _trees[shard].Replace(key, exists ? slot.Record : Record.None, record.Record);
        if (record.Record.IsTombstone) _tombstones[key] = shard;
        else if (exists && slot.Record.IsTombstone) _tombstones.Remove(key);
        if (exists && slot.Record.Expires != 0) _expiring.Remove((slot.Record.Expires, key));
        if (record.Record.Expires != 0) _expiring.Add((record.Record.Expires, key));
        slot = record;
    }

    /// <inheritdoc/>
    public void Remove(int shard, Key key)
    {
        if (At(shard, key.Leaf) is not { } leaf || !leaf.Remove(key, out var before)) return;
        Invariant.That(before.Record.IsTombstone);
        Count--;
        _tombstones.Remove(key);
        _trees[shard].Replace(key, before.Record, Record.None);
    }

    /// <inheritdoc/>
    public Ballot GetPromised(int shard) => _promised[shard];

    /// <inheritdoc/>
    public void SetPromised(int shard, Ballot ballot)
    {
        Invariant.That(ballot >= _promised[shard]);
        _promised[shard] = ballot;
    }

    /// <inheritdoc/>
    public Version GetDropped(int shard) => _dropped[shard];

    /// <inheritdoc/>
    public void RaiseDropped(int shard, Version version) => _dropped[shard] = Version.Max(_dropped[shard], version);

    /// <inheritdoc/>
    public IReadOnlyList<Key> Keys(int shard) => [.. Enumerable.Range(0, HashTree.Leaves).SelectMany(leaf => Keys(shard, leaf))];

    /// <inheritdoc/>
    public IReadOnlyList<Key> Keys(int shard, int leaf) => At(shard, leaf) is { } held ? [.. held.Keys] : [];

    /// <inheritdoc/>
    public ulong LeafHash(int shard, int leaf) => _trees[shard][leaf];

    /// <inheritdoc/>
    public IReadOnlyList<(int Shard, Key Key, Version Version)> Tombstones(int most) =>
        [.. _tombstones.Take(most).Select(t => (t.Value, t.Key, Get(t.Value, t.Key).Record.Version))];

    /// <inheritdoc/>
    public IReadOnlyList<Key> Expired(long untilMs, int most) => [.. _expiring.TakeWhile(e => e.At <= untilMs).Take(most).Select(e => e.Key)];

    /// <inheritdoc/>
    public bool IsSynced(int shard, Key key) => true;

    /// <inheritdoc/>
    public StoreRoom Poll() => StoreRoom.NoDisk;

    /// <inheritdoc/>
    public void StartScrub(Action<Exception> failed) { }

    /// <inheritdoc/>
    public void Abandon(string reason) { }

    /// <inheritdoc/>
    public ValueTask SyncAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() { }

    private static int Compare((long At, Key Key) left, (long At, Key Key) right)
    {
        var order = left.At.CompareTo(right.At);
        return order != 0 ? order : left.Key.Span.SequenceCompareTo(right.Key.Span);
    }

    private ref Dictionary<Key, StoredRecord>? At(int shard, int leaf) => ref _records[shard * HashTree.Leaves + leaf];
}
