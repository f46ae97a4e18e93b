// CongestionWindow.cs - bytes that may be in flight: NewReno as in RFC 9002, section 7 (slow start, halving once per round
// trip, growth only while the window is used), bounded from above by the send window. No pacing and no ECN yet.
namespace Firecloud.Actors.Transport;

internal sealed class CongestionWindow
{
    private readonly int _datagram;
    private readonly long _max;
    private long _slowStartThreshold = long.MaxValue;
    private long _recoveryStart = -1;
    private long _credit;

    /// <summary>Creates the window.</summary>
    /// <param name="datagram">Largest datagram, bytes.</param>
    /// <param name="initial">First window, bytes.</param>
    /// <param name="max">Bound, bytes: what the receiver's kernel buffer can take.</param>
    public CongestionWindow(int datagram, long initial, long max)
    {
        _datagram = datagram;
        _max = Math.Max(max, 4L * datagram);
        Bytes = Math.Clamp(initial, 2L * datagram, _max);
    }

    /// <summary>The window, bytes; at least two datagrams (kMinimumWindow).</summary>
    public long Bytes { get; private set; }

    /// <summary>A packet was acknowledged.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="sentAt">When it was sent, microseconds.</param>
    /// <param name="inFlight">Bytes in flight before the acknowledgement.</param>
    public void OnAcked(int bytes, long sentAt, long inFlight)
    {
        if (sentAt <= _recoveryStart || inFlight < Bytes / 2) return;  // in recovery, or limited by the application
        if (Bytes < _slowStartThreshold)
        {
            Bytes = Math.Min(_max, Bytes + bytes);
            return;
        }
        _credit += bytes;
        if (_credit < Bytes) return;
        _credit -= Bytes;
        Bytes = Math.Min(_max, Bytes + _datagram);
    }

    /// <summary>A packet was lost. Only one sent after the current recovery began counts.</summary>
    public void OnLost(long sentAt, long now)
    {
        if (sentAt <= _recoveryStart) return;
        _recoveryStart = now;
        Bytes = Math.Max(2L * _datagram, Bytes / 2);
        _slowStartThreshold = Bytes;
        _credit = 0;
    }

    /// <summary>Nothing came through for long (RFC 9002, section 7.6.2): start again with the least window.</summary>
    public void OnPersistentCongestion()
    {
        Bytes = 2L * _datagram;
        _recoveryStart = -1;
        _credit = 0;
    }
}
