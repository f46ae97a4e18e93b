using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Storage;

/// <summary>The records of keys that were used lately: whoever writes a key looks at its record first. Of four places for keys alike in a part of their
/// hash the one not used for longest goes.</summary>
/// <param name="sets">Places, in fours; a power of two.</param>
internal sealed class RecordCache(int sets)
{
    private const int Ways = 4;

    /// <summary>Larger records are not kept, so that all of them take some tens of MiB at most.</summary>
    private const int MostBytes = 1024;

    private readonly (Key Key, StoredRecord Stored)[] _places = new (Key, StoredRecord)[sets * Ways];

    /// <summary>Finds a key's newest record.</summary>
    public bool TryGet(Key key, out StoredRecord stored)
    {
        var set = SetOf(key);
        for (var i = 0; i < Ways; i++)
        {
            if (set[i].Key != key) continue;
            var found = set[i];
            set[..i].CopyTo(set[1..]);
            (set[0], stored) = (found, found.Stored);
            return true;
        }
        stored = default;
        return false;
    }

    /// <summary>Notes a key's newest record.</summary>
    /// <returns>False when it is too large: none is held then.</returns>
    public bool TrySet(Key key, in StoredRecord stored)
    {
        var set = SetOf(key);
        var at = 0;
        while (at < Ways - 1 && set[at].Key != key) at++;
        var fits = key.Length + (stored.Record.Value?.Length ?? 0) + (stored.Record.Previous?.Length ?? 0) <= MostBytes;
        if (!fits)
        {
            if (set[at].Key == key) set[at] = default;
            return false;
        }
        set[..at].CopyTo(set[1..]);
        set[0] = (key, stored);
        return true;
    }

    // Other bits than those that choose shard and leaf, or the keys of one would share a few places.
    private Span<(Key Key, StoredRecord Stored)> SetOf(Key key) => _places.AsSpan((int)(key.Hash >> 14 & (uint)(sets - 1)) * Ways, Ways);
}
