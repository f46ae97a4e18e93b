// RttEstimator.cs - smoothed round trip and its variation (RFC 9002, section 5). Pure: times are passed in, in microseconds.
namespace Firecloud.Actors.Transport;

internal sealed class RttEstimator
{
    /// <summary>Resolution of our timers, microseconds (kGranularity of RFC 9002, section 6.1.2).</summary>
    public const long Granularity = 1_000;

    public bool HasSample { get; private set; }

    /// <summary>Latest sample, microseconds; 0 before the first one.</summary>
    public long Latest { get; private set; }

    /// <summary>Least sample ever, microseconds. Not adjusted by the peer's delay.</summary>
    public long Min { get; private set; }

    /// <summary>Smoothed round trip, microseconds; 0 before the first sample.</summary>
    public long Smoothed { get; private set; }

    /// <summary>Mean deviation, microseconds.</summary>
    public long Variation { get; private set; }

    /// <summary>Takes one sample.</summary>
    /// <param name="sample">From sending a packet to its acknowledgement, microseconds.</param>
    /// <param name="ackDelay">How long the peer says that it held the acknowledgement back, microseconds.</param>
    /// <param name="maxAckDelay">The longest delay that is believed, microseconds.</param>
    public void OnSample(long sample, long ackDelay, long maxAckDelay)
    {
        Latest = Math.Max(sample, 1);
        if (!HasSample)
        {
            (HasSample, Min, Smoothed, Variation) = (true, Latest, Latest, Latest / 2);
            return;
        }
        Min = Math.Min(Min, Latest);
        ackDelay = Math.Clamp(ackDelay, 0, maxAckDelay);
        var adjusted = Latest >= Min + ackDelay ? Latest - ackDelay : Latest;
        Variation = ((3 * Variation) + Math.Abs(Smoothed - adjusted)) / 4;
        Smoothed = ((7 * Smoothed) + adjusted) / 8;
    }
}
