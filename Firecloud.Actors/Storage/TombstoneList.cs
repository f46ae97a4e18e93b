// TombstoneList.cs - keys held as deleted, the first of them in memory.
//
// A deleted entry of RocksDB stays as a mark until tables are merged, and a scan must step over each of them: after many drops a look
// at the first tombstones on disk would step over all that were dropped. So the first ones are held here, and the disk is scanned only
// when these are used up and there were more; then from where the last scan ended, so that it passes each mark once per round.
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Storage;

/// <param name="most">How many are held in memory at most.</param>
internal sealed class TombstoneList(int most)
{
    private readonly Dictionary<Key, (int Shard, Version Version)> _held = [];
    private byte[] _next = RocksLayout.KeyOf(RocksTable.Tombstone);   // where the next scan begins
    private bool _all;   // no others exist

    /// <summary>Scans of the disk.</summary>
    public int Scans { get; private set; }

    /// <summary>A key became a tombstone, or a newer one.</summary>
    public void Put(int shard, Key key, Version version)
    {
        if (_held.ContainsKey(key) || _held.Count < most) _held[key] = (shard, version);
        else _all = false;
    }

    /// <summary>A key is no tombstone any more.</summary>
    public void Remove(Key key) => _held.Remove(key);

    /// <summary>Up to a number of tombstones.</summary>
    /// <param name="count">At most so many.</param>
    /// <param name="unsynced">Those that the disk does not have as they are now.</param>
    /// <param name="scan">Those on disk from a place on, in order; those that are not there any more may be among them.</param>
    /// <param name="isUnsynced">True for a key that the disk does not have as it is now.</param>
    public IReadOnlyList<(int Shard, Key Key, Version Version)> Take(
        int count,
        IEnumerable<(int Shard, Key Key, Version Version)> unsynced,
        Func<byte[], IEnumerable<(byte[] At, int Shard, Key Key, Version Version)>> scan,
        Func<Key, bool> isUnsynced)
    {
        if (!_all && _held.Count < Math.Min(count, most))
        {
            Refill(scan, isUnsynced);
            foreach (var (shard, key, version) in unsynced) Put(shard, key, version);
        }
        return [.. _held.Take(count).Select(t => (t.Value.Shard, t.Key, t.Value.Version))];
    }

    private void Refill(Func<byte[], IEnumerable<(byte[] At, int Shard, Key Key, Version Version)>> scan, Func<Key, bool> isUnsynced)
    {
        Scans++;
        var (start, from) = (RocksLayout.KeyOf(RocksTable.Tombstone), _next);
        foreach (var (begin, end) in (ReadOnlySpan<(byte[], byte[]?)>)[(from, null), (start, from)])
        {
            foreach (var (at, shard, key, version) in scan(begin))
            {
                if (end is not null && at.AsSpan().SequenceCompareTo(end) >= 0) break;
                if (isUnsynced(key)) continue;
                if (!_held.ContainsKey(key) && _held.Count >= most)
                {
                    _next = at;
                    return;
                }
                _held[key] = (shard, version);
            }
        }
        _all = true;
    }
}
