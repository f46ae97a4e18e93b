using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Storage;

/// <summary>What was written between two syncs, each thing once, as it was last. Not changed any more once its sync has begun.</summary>
internal sealed class RocksChanges
{
    /// <summary>A key's record; not held where it was removed.</summary>
    /// <param name="Shard">The key's shard.</param>
    /// <param name="Stored">The record as it is now.</param>
    /// <param name="WasTombstone">True when it was a tombstone at any time before: its entry in that table goes.</param>
    /// <param name="ExpiredBefore">When the value before all this expired, 0 for never: its entry in that table goes.</param>
    public readonly record struct Entry(int Shard, StoredRecord Stored, bool WasTombstone, long ExpiredBefore);

    public Dictionary<Key, Entry> Records { get; } = [];

    /// <summary>By place: <see cref="LeafJournal"/>.</summary>
    public Dictionary<int, LeafState> Leaves { get; } = [];

    public Dictionary<int, Ballot> Promised { get; } = [];

    public Dictionary<int, Version> Dropped { get; } = [];

    public Lives? Lives { get; set; }

    public RocksHeader? Header { get; set; }

    /// <summary>Bytes of the records that were replaced or removed, about.</summary>
    public long Garbage { get; set; }

    /// <summary>Bytes on disk that a record leaves behind, about.</summary>
    public static long GarbageOf(Key key, Record before) =>
        100 + key.Span.Length + (before.Value?.Length ?? 0) + (before.Previous?.Length ?? 0);

    public bool IsEmpty =>
        Records.Count == 0 && Promised.Count == 0 && Dropped.Count == 0 && Lives is null && Header is null;

    /// <summary>True when nothing here changes the answer to a read of this key.</summary>
    public bool IsSynced(int shard, Key key) => Lives is null && !Dropped.ContainsKey(shard) && !Records.ContainsKey(key);

    /// <summary>Writes all but the leaves.</summary>
    public void FillInto(RocksBatch batch)
    {
        if (Header is { } header) batch.Put(RocksLayout.KeyOf(RocksTable.Header), RocksLayout.Header(header));
        if (Lives is not null) batch.Put(RocksLayout.KeyOf(RocksTable.Lives), RocksLayout.Lives(Lives));
        foreach (var (shard, ballot) in Promised) batch.Put(RocksLayout.KeyOf(RocksTable.Promised, shard), RocksLayout.Ballot(ballot));
        foreach (var (shard, version) in Dropped) batch.Put(RocksLayout.KeyOf(RocksTable.Dropped, shard), RocksLayout.Version(version));
        foreach (var (key, entry) in Records) Fill(batch, key, entry);
    }

    private static void Fill(RocksBatch batch, Key key, in Entry entry)
    {
        var record = entry.Stored.Record;
        if (record.Held)
        {
            ReplicaCodec.Write(batch.Begin(RocksTable.Record, entry.Shard, key.Leaf, key.Span), entry.Stored, ballotKnown: false);
            batch.End();
        }
        else
        {
            batch.Delete(RocksLayout.KeyOf(RocksTable.Record, entry.Shard, key.Leaf, key.Span));
        }
        if (entry.ExpiredBefore != record.Expires) FillExpiry(batch, key, entry);
        if (!record.IsTombstone && !entry.WasTombstone) return;
        var tombstone = RocksLayout.KeyOf(RocksTable.Tombstone, entry.Shard, key.Leaf, key.Span);
        if (record.IsTombstone) batch.Put(tombstone, RocksLayout.Version(record.Version));
        else batch.Delete(tombstone);
    }

    private static void FillExpiry(RocksBatch batch, Key key, in Entry entry)
    {
        var time = entry.Stored.Record.Expires;
        if (entry.ExpiredBefore != 0) batch.Delete(RocksLayout.ExpiryKey(entry.ExpiredBefore, entry.Shard, key.Leaf, key.Span));
        if (time != 0) batch.Put(RocksLayout.ExpiryKey(time, entry.Shard, key.Leaf, key.Span), RocksLayout.Nothing());
    }
}
