// CongestionWindow.cs - bytes that may be in flight. Slow start and additive growth as in RFC 9002, section 7, but what shrinks it
// is not one lost packet: it is more than a share of all packets of a round trip. On a local network single packets are lost by
// chance, and halving for each holds a sender at a few packets per round trip (RFC 9002's NewReno at 5 %: 5; CUBIC's region of
// short round trips, RFC 9438, section 4.3, is hardly better), while an overflowing buffer loses every packet that is too much.
// After the loss threshold of BBR (draft-ietf-ccwg-bbr: 2 % of a round trip), set higher: see LossPercent. No pacing, no ECN.
namespace Firecloud.Actors.Transport;

/// <param name="initial">First window, bytes.</param>
/// <param name="max">Bound, bytes: what the receiver's kernel buffer can take.</param>
internal sealed class CongestionWindow(long initial, long max)
{
    /// <summary>The least window, bytes: the ten packets of 1,500 that RFC 9002 begins with. Hundreds of clients that overload
    /// one receiver are held down to it, and so many of it fit into its buffer.</summary>
    public const long Least = 16 * 1024;

    /// <summary>Packets lost out of a hundred above which the network counts as overloaded. 10 % by chance stays below it most of the
    /// time; of an overload it lets through at most so much in vain.</summary>
    public const int LossPercent = 15;

    /// <summary>Packets that make a sample: with fewer, chance would decide.</summary>
    public const int Sample = 48;

    /// <summary>Losses that need no full sample: a small window that loses so many is overloaded.</summary>
    public const int ManyLost = 10;

    /// <summary>Growth per round trip beyond slow start: this part of the bound.</summary>
    private const int GrowthPart = 256;

    private long _slowStartThreshold = long.MaxValue;
    private long _shrunkAt = -1;
    private long _roundStart = -1;
    private long _credit;
    private int _acked;
    private int _lost;

    /// <summary>The window, bytes.</summary>
    public long Bytes { get; private set; } = Math.Clamp(initial, Least, Math.Max(Least, max));

    private long Most { get; } = Math.Max(Least, max);

    /// <summary>A packet was acknowledged. Losses that the same frame showed must have been told before.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="sentAt">When it was sent, microseconds.</param>
    /// <param name="inFlight">Bytes in flight before the acknowledgement.</param>
    /// <param name="now">Microseconds.</param>
    public void OnAcked(int bytes, long sentAt, long inFlight, long now)
    {
        if (sentAt > _shrunkAt) _acked++;
        if (sentAt > _roundStart)
        {
            _roundStart = now;
            EndRound(now);
        }
        if (sentAt <= _shrunkAt || inFlight < Bytes / 2) return;  // shrunk just now, or limited by the application
        if (Bytes < _slowStartThreshold)
        {
            Bytes = Math.Min(Most, Bytes + bytes);
            return;
        }
        _credit += bytes * Math.Max(1, Most / GrowthPart);
        Bytes = Math.Min(Most, Bytes + (_credit / Bytes));
        _credit %= Bytes;
    }

    /// <summary>A packet was lost. Only one sent after the window last shrank counts.</summary>
    public void OnLost(long sentAt)
    {
        if (sentAt > _shrunkAt) _lost++;
    }

    /// <summary>Packets that were told as lost had arrived.</summary>
    public void OnSpurious(int packets) => _lost = Math.Max(0, _lost - packets);

    /// <summary>Nothing came through for long (RFC 9002, section 7.6.2): start again with the least window.</summary>
    public void OnPersistentCongestion()
    {
        Bytes = Least;
        (_credit, _acked, _lost) = (0, 0, 0);
    }

    private void EndRound(long now)
    {
        var all = _acked + _lost;
        if (all < Sample && _lost < ManyLost) return;
        if (100 * _lost > LossPercent * all)
        {
            // By what was lost, within CUBIC's and NewReno's factors.
            Bytes = Math.Max(Least, Bytes * Math.Clamp(100 - (100 * _lost / all), 50, 70) / 100);
            (_slowStartThreshold, _shrunkAt, _credit) = (Bytes, now, 0);
        }
        (_acked, _lost) = (0, 0);
    }
}
