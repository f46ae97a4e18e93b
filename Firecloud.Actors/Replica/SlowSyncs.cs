using System.Globalization;

namespace Firecloud.Actors.Replica;

/// <summary>What to say of a disk that takes long to sync: writes wait for it, and whoever looks for the reason of slow answers should find it in the log.</summary>
internal sealed class SlowSyncs
{
    /// <summary>A sync of so many ms or more is slow: hundreds of times what a healthy disk takes, and a good part of what clients wait for an answer.</summary>
    public const long SlowMs = 100;

    /// <summary>It is said this often at most, ms.</summary>
    public const long SaidEveryMs = 10_000;

    private long? _saidMs;
    private int _count;
    private long _longestMs;

    /// <summary>Notes how long a sync took.</summary>
    /// <param name="tookMs">Milliseconds.</param>
    /// <param name="nowMs">Of a clock that only goes forward.</param>
    /// <returns>What to log; null where there is nothing, or something was said a short while ago: the next words count it.</returns>
    public string? Note(long tookMs, long nowMs)
    {
        if (tookMs < SlowMs) return null;
        _count++;
        _longestMs = Math.Max(_longestMs, tookMs);
        if (_saidMs is { } said && nowMs - said < SaidEveryMs) return null;
        var words = string.Create(
            CultureInfo.InvariantCulture,
            $"The disk is slow: {_count} syncs since this was said last took {SlowMs} ms or more, the longest {_longestMs} ms. Every write waits for them. Look for what else uses the disk.");
        (_saidMs, _count, _longestMs) = (nowMs, 0, 0);
        return words;
    }
}
