using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Finds tombstones that nobody dropped though they are old: owners that changed, drops that were lost (section 8).</summary>
/// <remarks>While those found go until the next look, each look is twice as large as the one before: after a mass deletion beside much other
/// work a hundred thousand may be left, and at one pace for ever they would stay for many minutes.</remarks>
internal sealed class Tombstones
{
    /// <summary>A look is at most so many times as large as the first.</summary>
    public const int Growth = 8;

    /// <summary>Bytes of the keys of one look: they are sent to their owners in one message each.</summary>
    public const int MostBytes = 128 << 10;

    private const long PauseMs = 1000;

    private readonly IRecordStore _store;
    private readonly int _first;
    private Dictionary<Key, Version> _before = [];
    private HashSet<Key> _found = [];
    private int _size;
    private long _nextMs;

    /// <summary>Begins.</summary>
    /// <param name="store">The replica's store.</param>
    /// <param name="first">How many keys the first look finds at most.</param>
    public Tombstones(IRecordStore store, int first) => (_store, _first, _size) = (store, first, first);

    /// <summary>Keys whose tombstone is still the one of the last look, a pause ago.</summary>
    /// <param name="nowMs">Milliseconds of any clock that does not go back.</param>
    public IReadOnlyList<Key> Look(long nowMs)
    {
        if (nowMs < _nextMs) return [];
        _nextMs = nowMs + PauseMs;
        var now = Seen(_store.Tombstones(2 * _size));   // those of the next look as well, which have been seen before then
        List<Key> left = [.. now.Where(t => _before.TryGetValue(t.Key, out var version) && version == t.Value).Select(t => t.Key).Take(_size)];
        var stayed = now.Keys.Count(_found.Contains);
        if (stayed * 2 > _found.Count) _size = _first;
        else if (_found.Count > 0) _size = Math.Min(2 * _size, Growth * _first);
        (_before, _found) = (now, [.. left]);
        return left;
    }

    private static Dictionary<Key, Version> Seen(IReadOnlyList<(int Shard, Key Key, Version Version)> tombstones)
    {
        var seen = new Dictionary<Key, Version>();
        var bytes = 0;
        foreach (var (_, key, version) in tombstones)
        {
            bytes += key.Length;
            if (bytes > MostBytes && seen.Count > 0) break;
            seen[key] = version;
        }
        return seen;
    }
}
