using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>
/// Finds values that expired a while ago and are still held, because nobody asked for them: their owners take them away (section 11).
/// </summary>
/// <param name="store">The replica's store.</param>
/// <param name="most">How many to look at in one go.</param>
internal sealed class Expiries(IRecordStore store, int most)
{
    /// <summary>Milliseconds after its expiry that a value is reported: who asks for it first, and clocks that differ, need no report.</summary>
    public const long GraceMs = 1000;

    private const long PauseMs = 250;

    private long _nextMs;

    /// <summary>Keys to report.</summary>
    /// <param name="nowMs">Milliseconds of any clock that does not go back.</param>
    /// <param name="wallMs">This replica's wall clock, in milliseconds since 1970. Begins a look only; the owner's clock judges.</param>
    public IReadOnlyList<Key> Look(long nowMs, long wallMs)
    {
        if (nowMs < _nextMs) return [];
        _nextMs = nowMs + PauseMs;
        return store.Expired(wallMs - GraceMs, most);
    }
}
