using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;
using RocksDbSharp;

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

    public Dictionary<(int Shard, int Leaf), (ulong Hash, int Count)> Leaves { get; } = [];

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

    public void FillInto(WriteBatch batch)
    {
        if (Header is { } header) Put(batch, RocksLayout.KeyOf(RocksTable.Header), RocksLayout.Header(header));
        if (Lives is not null) Put(batch, RocksLayout.KeyOf(RocksTable.Lives), RocksLayout.Lives(Lives));
        foreach (var (shard, ballot) in Promised) Put(batch, RocksLayout.KeyOf(RocksTable.Promised, shard), RocksLayout.Ballot(ballot));
        foreach (var (shard, version) in Dropped) Put(batch, RocksLayout.KeyOf(RocksTable.Dropped, shard), RocksLayout.Version(version));
        foreach (var ((shard, leaf), (hash, count)) in Leaves)
        {
            Put(batch, RocksLayout.KeyOf(RocksTable.Leaf, shard, leaf), RocksLayout.Leaf(hash, count));
        }
        foreach (var (key, entry) in Records) Fill(batch, key, entry);
    }

    private static void Fill(WriteBatch batch, Key key, in Entry entry)
    {
        var record = entry.Stored.Record;
        var at = RocksLayout.KeyOf(RocksTable.Record, entry.Shard, key.Leaf, key.Span);
        if (record.Held) Put(batch, at, RocksLayout.Record(entry.Stored));
        else batch.Delete(at);
        if (entry.ExpiredBefore != record.Expires) FillExpiry(batch, key, entry);
        if (!record.IsTombstone && !entry.WasTombstone) return;
        var tombstone = RocksLayout.KeyOf(RocksTable.Tombstone, entry.Shard, key.Leaf, key.Span);
        if (record.IsTombstone) Put(batch, tombstone, RocksLayout.Version(record.Version));
        else batch.Delete(tombstone);
    }

    private static void FillExpiry(WriteBatch batch, Key key, in Entry entry)
    {
        var time = entry.Stored.Record.Expires;
        if (entry.ExpiredBefore != 0) batch.Delete(RocksLayout.ExpiryKey(entry.ExpiredBefore, entry.Shard, key.Leaf, key.Span));
        if (time != 0) Put(batch, RocksLayout.ExpiryKey(time, entry.Shard, key.Leaf, key.Span), RocksLayout.Nothing());
    }

    private static void Put(WriteBatch batch, byte[] key, WireWriter rest) => batch.Put(key, RocksLayout.Seal(key, rest));
}
