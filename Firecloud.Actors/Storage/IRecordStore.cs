using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Storage;

/// <summary>What one replica keeps (protocol.md section 3). Used by one thread at a time.</summary>
/// <remarks>
/// Reads see everything that was written, synced or not. The driver answers nothing that rests on a write before
/// <see cref="SyncAsync"/> of it has completed.
/// </remarks>
public interface IRecordStore : IDisposable
{
    /// <summary>Whose memory this is. Kept like everything else: durable with the next sync.</summary>
    StoreIdentity Identity { get; set; }

    /// <summary>Why there is nothing of an earlier start here, for people: a clause that follows "this node".</summary>
    string WhyEmpty { get; }

    /// <summary>How often each member is known to have lost its memory.</summary>
    Lives Lives { get; set; }

    /// <summary>Keys held, tombstones included.</summary>
    long Count { get; }

    /// <summary>True when something was written since the last <see cref="SyncAsync"/> began.</summary>
    bool IsDirty { get; }

    /// <summary>A key's record, or <see cref="StoredRecord.None"/>.</summary>
    /// <param name="shard">The key's shard.</param>
    /// <param name="key">The key.</param>
    StoredRecord Get(int shard, Key key);

    /// <summary>Keeps a record.</summary>
    /// <param name="shard">The key's shard.</param>
    /// <param name="key">The key.</param>
    /// <param name="record">The record; never <see cref="StoredRecord.None"/>.</param>
    void Put(int shard, Key key, StoredRecord record);

    /// <summary>The highest ballot seen in a Lookup, Accept or Confirm.</summary>
    /// <param name="shard">The shard.</param>
    Ballot GetPromised(int shard);

    /// <summary>Keeps a promise.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="ballot">Never lower than the one kept.</param>
    void SetPromised(int shard, Ballot ballot);

    /// <summary>The highest version of a tombstone ever dropped.</summary>
    /// <param name="shard">The shard.</param>
    Version GetDropped(int shard);

    /// <summary>Raises the dropped version; a lower one changes nothing.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="version">The version of a dropped tombstone.</param>
    void RaiseDropped(int shard, Version version);

    /// <summary>Removes a key: only a tombstone that every member has accepted (section 8).</summary>
    /// <param name="shard">The key's shard.</param>
    /// <param name="key">The key.</param>
    void Remove(int shard, Key key);

    /// <summary>The keys of a shard as they are now.</summary>
    /// <param name="shard">The shard.</param>
    IReadOnlyList<Key> Keys(int shard);

    /// <summary>The keys of one leaf of a shard's hash tree as they are now.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="leaf">0 to <see cref="HashTree.Leaves"/> - 1.</param>
    IReadOnlyList<Key> Keys(int shard, int leaf);

    /// <summary>The hash over all records of a leaf: equal where two replicas hold the same keys, versions and values.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="leaf">0 to <see cref="HashTree.Leaves"/> - 1.</param>
    ulong LeafHash(int shard, int leaf);

    /// <summary>Some keys held as deleted, to be tidied away: see <c>Proposer.Refresh</c>.</summary>
    /// <param name="most">At most so many.</param>
    IReadOnlyList<(int Shard, Key Key, Version Version)> Tombstones(int most);

    /// <summary>Some keys whose value expired by then: see <c>Proposer.Expire</c>.</summary>
    /// <param name="untilMs">The time, in milliseconds since 1970.</param>
    /// <param name="most">At most so many.</param>
    IReadOnlyList<Key> Expired(long untilMs, int most);

    /// <summary>Looks after the disk; the driver calls it a few times per second, also when nothing is written.</summary>
    /// <returns>How much room there is.</returns>
    StoreRoom Poll();

    /// <summary>Begins to read everything in the background, over and over, to find damage before it is needed.</summary>
    /// <param name="failed">Called once, on another thread, with what was found.</param>
    void StartScrub(Action<Exception> failed);

    /// <summary>True when an answer that names only this key's record rests on nothing that is still to be synced.</summary>
    /// <param name="shard">The key's shard.</param>
    /// <param name="key">The key.</param>
    bool IsSynced(int shard, Key key);

    /// <summary>What is stored can't be trusted: it is never used again, this time or after a restart. Only disposal follows.</summary>
    /// <param name="reason">What was found, for people.</param>
    void Abandon(string reason);

    /// <summary>Makes everything written so far durable.</summary>
    /// <returns>Completes when it is; already completed where nothing has to be waited for.</returns>
    ValueTask SyncAsync();
}

/// <summary>How much room a store has.</summary>
/// <param name="IsFull">There is none for new values; what must go on (promises, tombstones) still has some.</param>
/// <param name="IsExhausted">There is none for anything: a sync might fail.</param>
/// <param name="FreeBytes">Bytes free on its disk; -1 where it needs none.</param>
public readonly record struct StoreRoom(bool IsFull, bool IsExhausted, long FreeBytes)
{
    /// <summary>Of a store without a disk.</summary>
    public static StoreRoom NoDisk { get; } = new(false, false, -1);
}
