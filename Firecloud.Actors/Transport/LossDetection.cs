// LossDetection.cs - packets in flight, what acknowledgements say about them, when to probe (RFC 9002, section 6).
// Pure: times in microseconds are passed in; acknowledged and lost packets come out in two lists of the caller.
namespace Firecloud.Actors.Transport;

/// <summary>What a packet carried and must be repeated if it is lost. A struct: a packet holds a list of them.</summary>
internal readonly record struct FrameRecord(FrameType Type, long Id, Association? Association, long Offset, int Length);

/// <summary>How a datagram is to go, where there is more than one path.</summary>
internal enum SentWay
{
    Route,      // as the routes say
    Second,     // over the second path: only what went there is acknowledged
    Both,       // over both: something seems lost
    All,        // over whatever path there might be: that was not enough
}

/// <summary>One ack-eliciting packet in flight. Pooled by its session.</summary>
internal sealed class SentPacket
{
    public long Number { get; set; }
    public long SentAt { get; set; }
    public int Bytes { get; set; }
    public List<FrameRecord> Frames { get; } = [];

    /// <summary>It only asks whether the path carries its size.</summary>
    public bool IsMtuProbe { get; set; }

    /// <summary>Its frames were queued again by a probe, so a later loss must not queue them a second time.</summary>
    public bool Requeued { get; set; }

    /// <summary>How it went.</summary>
    public SentWay Way { get; set; }

    /// <summary>Acknowledged or lost; it only waits to leave the list.</summary>
    public bool Done { get; set; }
}

internal sealed class LossDetection(RttEstimator rtt, long maxAckDelay, long initialProbe, long minProbe, long maxProbe)
{
    private readonly Reordering _reordering = new();
    private readonly List<SentPacket> _sent = [];  // ascending numbers; the first _head are gone
    private int _head;
    private long _waitingSince;

    /// <summary>Packets to use again. Whoever got one in a list of acknowledged or lost packets must be done with it before the
    /// next packet is built.</summary>
    public Stack<SentPacket> Spare { get; } = new();

    public long LargestAcked { get; private set; } = -1;

    public long BytesInFlight { get; private set; }

    public int PacketsInFlight { get; private set; }

    /// <summary>Probes since the last acknowledgement.</summary>
    public int ProbeCount { get; private set; }

    /// <summary>When a packet will be lost by time, microseconds; long.MaxValue for never.</summary>
    public long LossTime { get; private set; } = long.MaxValue;

    /// <summary>Time to a probe, doubled with each one, microseconds. Unlike in RFC 9002, section 6.2.1, it does not run from the last
    /// packet sent but from the last progress, or from the first packet after it: else a steady stream of small messages, none
    /// of which arrives, would put the probe off for ever.</summary>
    public long ProbeTimeout
    {
        get
        {
            var basis = rtt.HasSample
                ? rtt.Smoothed + Math.Max(4 * rtt.Variation, RttEstimator.Granularity) + maxAckDelay
                : initialProbe;
            return Math.Min(maxProbe, Math.Max(minProbe, basis) << Math.Min(ProbeCount, 16));
        }
    }

    /// <summary>When the timer must fire, microseconds; long.MaxValue for never.</summary>
    public long Deadline => PacketsInFlight == 0 ? long.MaxValue : Math.Min(LossTime, _waitingSince + ProbeTimeout);

    public void OnSent(SentPacket packet)
    {
        Invariant.That(_sent.Count == _head || _sent[^1].Number < packet.Number);
        _sent.Add(packet);
        if (PacketsInFlight == 0) _waitingSince = packet.SentAt;
        BytesInFlight += packet.Bytes;
        PacketsInFlight++;
    }

    /// <summary>Takes an ACK frame.</summary>
    /// <param name="ack">The frame; its numbers must have been sent.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="acked">Newly acknowledged packets are added.</param>
    /// <param name="lost">Packets found lost are added.</param>
    /// <returns>How many packets that were found lost before had arrived after all.</returns>
    public int OnAck(AckFrame ack, long now, List<SentPacket> acked, List<SentPacket> lost)
    {
        var before = acked.Count;
        foreach (var range in ack.Ranges)
        {
            for (var i = IndexOf(range.Start); i < _sent.Count && _sent[i].Number < range.End; i++)
            {
                if (!_sent[i].Done) Finish(_sent[i], acked);
            }
        }
        LargestAcked = Math.Max(LargestAcked, ack.Largest);
        if (acked.Count > before) Sample(ack, now, acked, before);
        var spurious = _reordering.OnAck(ack, acked.Count - before);
        DetectLost(now, lost);
        Trim();
        return spurious;
    }

    /// <summary>Finds packets that are lost by now, by number or by time (RFC 9002, section 6.1).</summary>
    public void DetectLost(long now, List<SentPacket> lost)
    {
        LossTime = long.MaxValue;
        var delay = Math.Max(_reordering.Eighths * Math.Max(rtt.Smoothed, rtt.Latest) / 8, RttEstimator.Granularity);
        for (var i = _head; i < _sent.Count && _sent[i].Number < LargestAcked; i++)
        {
            var packet = _sent[i];
            if (packet.Done) continue;
            if (packet.Number <= LargestAcked - _reordering.Packets || packet.SentAt + delay <= now)
            {
                _reordering.OnLost(packet.Number);
                Finish(packet, lost);
            }
            else LossTime = Math.Min(LossTime, packet.SentAt + delay);
        }
        Trim();
    }

    /// <summary>The probe time-out fired: the oldest packets in flight, whose frames are to be sent again.</summary>
    /// <param name="now">Microseconds.</param>
    /// <param name="oldest">Up to <paramref name="count"/> packets are added; they stay in flight.</param>
    /// <param name="count">How many.</param>
    public void OnProbe(long now, List<SentPacket> oldest, int count)
    {
        (ProbeCount, _waitingSince) = (ProbeCount + 1, now);
        // Probes before this one hold what is oldest, though their own numbers are not: what comes later in a stream is of no use
        // without it.
        for (var i = _head; i < _sent.Count && oldest.Count < count; i++)
        {
            if (_sent[i] is { Done: false, Requeued: false, Way: SentWay.Both or SentWay.All }) oldest.Add(_sent[i]);
        }
        for (var i = _head; i < _sent.Count && oldest.Count < count; i++)
        {
            if (_sent[i] is { Done: false, Requeued: false, Way: SentWay.Route or SentWay.Second }) oldest.Add(_sent[i]);
        }
    }

    /// <summary>Gives up the oldest packets until at most <paramref name="keep"/> are in flight: that bounds the memory of a
    /// dead link.</summary>
    public void GiveUp(int keep, List<SentPacket> lost)
    {
        for (var i = _head; i < _sent.Count && PacketsInFlight > keep; i++)
        {
            if (!_sent[i].Done) Finish(_sent[i], lost);
        }
        Trim();
    }

    private void Sample(AckFrame ack, long now, List<SentPacket> acked, int first)
    {
        (ProbeCount, _waitingSince) = (0, now);
        for (var i = first; i < acked.Count; i++)
        {
            // Only the largest acknowledged packet gives a sample, and only when it is new (RFC 9002, section 5.1).
            if (acked[i].Number == ack.Largest) rtt.OnSample(now - acked[i].SentAt, ack.DelayMicros, maxAckDelay);
        }
    }

    private void Finish(SentPacket packet, List<SentPacket> to)
    {
        packet.Done = true;
        BytesInFlight -= packet.Bytes;
        PacketsInFlight--;
        Invariant.That(BytesInFlight >= 0 && PacketsInFlight >= 0);
        to.Add(packet);
    }

    private void Trim()
    {
        while (_head < _sent.Count && _sent[_head].Done) Spare.Push(_sent[_head++]);
        if (_head < 256 && _head < _sent.Count) return;
        if (_head * 2 < _sent.Count) return;
        _sent.RemoveRange(0, _head);
        _head = 0;
    }

    private int IndexOf(long number)
    {
        var (low, high) = (_head, _sent.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_sent[middle].Number >= number) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
