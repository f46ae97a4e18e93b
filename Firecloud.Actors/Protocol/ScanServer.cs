using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Reads a page of a replica's records. Keeps nothing between two pages.</summary>
internal static class ScanServer
{
    // A page holds up the replica's votes while it is read, so it is bounded in every direction.
    private const int MaxEntries = 256;
    private const int MaxLeaves = 4096;

    /// <summary>What the store holds behind a place, now. The driver syncs the store before it sends the answer.</summary>
    /// <param name="store">The replica's store.</param>
    /// <param name="configuration">The cluster.</param>
    /// <param name="self">The replica's member index.</param>
    /// <param name="question">From where, and whether with values.</param>
    /// <param name="size">About how many bytes are read for a page.</param>
    public static ScanAnswer Read(IRecordStore store, Configuration configuration, int self, ScanQuestion question, int size)
    {
        var entries = new List<ScanEntry>();
        var promised = Ballot.None;
        var upTo = question.After;
        for (var (leaves, bytes) = (0, 0); upTo.Shard < configuration.Shards && leaves < MaxLeaves; leaves++)
        {
            if (leaves == 0 || upTo.Leaf == 0) promised = Highest(promised, store.GetPromised(upTo.Shard));
            foreach (var key in Behind(store, upTo))
            {
                if (entries.Count >= MaxEntries || bytes >= size) return Answer();
                var stored = store.Get(upTo.Shard, key);
                entries.Add(EntryOf(key, stored, question.WithValues));
                bytes += Batching.SizeOf(key, stored.Record);   // read, whether sent or not
                upTo = upTo with { Key = key };
            }
            upTo = upTo.NextLeaf;
        }
        return Answer();

        ScanAnswer Answer() =>
            new(self, configuration.Epoch, question.Nonce, store.Lives, question.After, upTo, promised, entries);
    }

    private static IEnumerable<Key> Behind(IRecordStore store, ScanPosition place)
    {
        var keys = store.Keys(place.Shard, place.Leaf);
        var behind = place.Key is { } after ? keys.Where(k => k.Span.SequenceCompareTo(after.Span) > 0) : keys;
        return keys.Count == 0 ? [] : behind.Order(Comparer<Key>.Create((a, b) => a.Span.SequenceCompareTo(b.Span)));
    }

    private static ScanEntry EntryOf(Key key, in StoredRecord stored, bool withValue)
    {
        var record = stored.Record;
        return new ScanEntry(
            key, record.Version, record.Modified, stored.Heard, record.IsTombstone, record.ExpiresAt, withValue ? record.Value : null);
    }

    private static Ballot Highest(Ballot left, Ballot right) => left >= right ? left : right;
}
