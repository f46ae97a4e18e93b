// Reordering.cs - how long a missing packet may merely be late. Starts with the thresholds of RFC 9002, section 6.1; whenever a
// packet that was called lost turns out to have arrived, they grow (sections 6.1.1 and 6.1.2 allow it; as RACK does, RFC 8985,
// section 6.2, step 4), and go back when that has not happened for a while. Pure.
namespace Firecloud.Actors.Transport;

internal sealed class Reordering
{
    /// <summary>kPacketThreshold.</summary>
    public const int LeastPackets = 3;

    /// <summary>The most it grows to. When packets are later than that, only the time decides, as with RACK.</summary>
    public const int MostPackets = 64;

    /// <summary>kTimeThreshold in eighths of a round trip, and the most it grows to: two round trips.</summary>
    public const int LeastEighths = 9;
    public const int MostEighths = 16;

    /// <summary>Acknowledged packets without an error after which the thresholds are the least again.</summary>
    public const int ForgetAfter = 4_096;

    /// <summary>Lost packets remembered. An error among older ones is not noticed, which only costs speed.</summary>
    private const int Remembered = 32;

    private readonly long[] _lost = new long[Remembered];  // packet numbers; -1 for none
    private int _next;
    private int _count;
    private int _ackedSinceError;

    public Reordering() => _lost.AsSpan().Fill(-1);

    /// <summary>Packets acknowledged above one before it counts as lost.</summary>
    public int Packets { get; private set; } = LeastPackets;

    /// <summary>Eighths of a round trip after which it counts as lost, once a later one was acknowledged.</summary>
    public int Eighths { get; private set; } = LeastEighths;

    public void OnLost(long number)
    {
        if (_lost[_next] < 0) _count++;
        _lost[_next] = number;
        _next = (_next + 1) % Remembered;
    }

    /// <summary>Takes an ACK frame.</summary>
    /// <param name="ack">The frame.</param>
    /// <param name="acked">Packets that it newly acknowledged, not counting those called lost.</param>
    /// <returns>How many packets were called lost in error.</returns>
    public int OnAck(AckFrame ack, int acked)
    {
        var errors = 0;
        for (var i = 0; i < Remembered && _count > 0; i++)
        {
            if (_lost[i] < 0 || !Contains(ack.Ranges, _lost[i])) continue;
            var late = ack.Largest - _lost[i] + 1;
            Packets = late > MostPackets ? int.MaxValue : Math.Max(Packets, (int)late);
            Eighths = Math.Min(MostEighths, Eighths + 2);
            _lost[i] = -1;
            _count--;
            errors++;
        }
        _ackedSinceError = errors > 0 ? 0 : _ackedSinceError + acked;
        if (_ackedSinceError > ForgetAfter) (Packets, Eighths, _ackedSinceError) = (LeastPackets, LeastEighths, 0);
        return errors;
    }

    private static bool Contains(ReadOnlySpan<Span64> ranges, long number)
    {
        foreach (var range in ranges)
        {
            if (number >= range.Start) return number < range.End;  // newest first
        }
        return false;
    }
}
