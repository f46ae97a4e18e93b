using System.Runtime.InteropServices;
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Storage;

/// <summary>Keeps everything in memory only: a restart loses it, and the replica stays out until it has recovered.</summary>
public sealed class MemoryRecordStore : IRecordStore
{
    private readonly Dictionary<Key, StoredRecord>[] _records;
    private readonly Ballot[] _promised;
    private readonly Version[] _dropped;

    /// <summary>Creates an empty store.</summary>
    /// <param name="shards">Number of shards of the cluster.</param>
    /// <param name="members">Number of members.</param>
    public MemoryRecordStore(int shards, int members)
    {
        _records = new Dictionary<Key, StoredRecord>[shards];
        for (var i = 0; i < shards; i++) _records[i] = [];
        _promised = new Ballot[shards];
        _dropped = new Version[shards];
        Lives = new Lives(members);
    }

    /// <inheritdoc/>
    public Lives Lives { get; set; }

    /// <inheritdoc/>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public bool IsDirty => false;

    /// <inheritdoc/>
    public StoredRecord Get(int shard, Key key) => _records[shard].GetValueOrDefault(key, StoredRecord.None);

    /// <inheritdoc/>
    public void Put(int shard, Key key, StoredRecord record)
    {
        ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_records[shard], key, out var exists);
        if (!exists) Count++;
        slot = record;
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
    public ValueTask SyncAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() { }
}
