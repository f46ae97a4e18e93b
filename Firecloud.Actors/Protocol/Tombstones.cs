using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Finds tombstones that nobody dropped though they are old: owners that changed, drops that were lost (section 8).</summary>
/// <param name="store">The replica's store.</param>
/// <param name="most">How many to look at in one go.</param>
internal sealed class Tombstones(IRecordStore store, int most)
{
    private const long PauseMs = 1000;

    private Dictionary<Key, Version> _before = [];
    private long _nextMs;

    /// <summary>Keys whose tombstone is still the one of the last look, a pause ago.</summary>
    /// <param name="nowMs">Milliseconds of any clock that does not go back.</param>
    public IReadOnlyList<Key> Look(long nowMs)
    {
        if (nowMs < _nextMs) return [];
        _nextMs = nowMs + PauseMs;
        var now = store.Tombstones(most);
        List<Key> left = [.. now.Where(t => _before.TryGetValue(t.Key, out var version) && version == t.Version).Select(t => t.Key)];
        _before = now.ToDictionary(t => t.Key, t => t.Version);
        return left;
    }
}
