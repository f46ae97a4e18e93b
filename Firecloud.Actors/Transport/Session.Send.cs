// Session.Send.cs - building datagrams: an acknowledgement if one is due, control frames, then pieces of every association's
// stream by turns, as long as the congestion window or a probe allows.
namespace Firecloud.Actors.Transport;

internal sealed partial class Session
{
    /// <summary>Probes of a dead link that are remembered, to recognise their acknowledgement.</summary>
    private const int MaxDeadProbes = 8;

    /// <summary>Payloads are filled up to this: then no datagram is shorter than the Reset that may answer it.</summary>
    public const int MinPayload = Gcm.NonceSize + Gcm.TagSize;

    /// <summary>Less room than this is not worth a STREAM frame, unless a message ends in it.</summary>
    private const int MinStreamRoom = FrameWriter.StreamOverhead + 16;

    /// <summary>Percent of packets lost from which on the last of a burst goes twice.</summary>
    private const double RepeatFromPercent = 1;

    private readonly LossRate _lossRate = new();
    private bool _repeating;
    private long _nextPacket;
    private int _probes;
    private bool _pingDue;
    private int _turn;

    /// <summary>How the datagram built last is to go.</summary>
    public SentWay Way { get; private set; }

    /// <summary>Whether <see cref="Build"/> would give a datagram now.</summary>
    /// <param name="now">Microseconds.</param>
    public bool WantsToSend(long now) => AckIsDue(now) || (MaySendData && HasData) || MtuProbeIsDue;

    // A dead link gets probes only, and a session without credit too; each lets one datagram through.
    private bool MaySendData => _probes > 0 || (_pingDue && !Reachable) || (Reachable && _loss.BytesInFlight < _congestion.Bytes);

    // Only on a link that works and is used: the probe is large.
    private bool MtuProbeIsDue => _mtu.ProbeSize > 0 && Reachable && KeepsAlive && _rtt.HasSample && _probes == 0
        && _loss.BytesInFlight < _congestion.Bytes;

    // Probes that stay without an answer get small: perhaps only the large ones vanish.
    private int DatagramLimit => _loss.ProbeCount < 2 ? _mtu.Size : PathMtu.Base;

    private bool HasData
    {
        get
        {
            if (_probes > 0 || _pingDue || _control.Count > 0) return true;
            foreach (var association in _associations)
            {
                if (association.Sender.HasData && association.State != AssociationState.Opening) return true;
            }
            return false;
        }
    }

    /// <summary>Fills one datagram.</summary>
    /// <param name="datagram">Room for <see cref="SessionSettings.Datagram"/> bytes, at least <see cref="PathMtu.Base"/>.</param>
    /// <param name="now">Microseconds.</param>
    /// <returns>Its length; 0 when there is nothing to send.</returns>
    public int Build(Span<byte> datagram, long now)
    {
        if (!WantsToSend(now)) return 0;
        var probeSize = MtuProbeIsDue ? _mtu.ProbeSize : 0;
        Way = probeSize > 0 ? SentWay.Route : NextWay(now);
        var room = datagram[DatagramHeader.Size..((probeSize > 0 ? probeSize : DatagramLimit) - _seal.Overhead)];
        var writer = new FrameWriter(room);
        // The acknowledgement sent before may be lost as well, and a probe gets through where others don't.
        if (_ackPending || (Way is SentWay.Both or SentWay.All && _received.Largest >= 0)) WriteAck(ref writer, now);
        if (probeSize > 0) WriteMtuProbe(ref writer, now);
        else if (MaySendData && HasData) WriteData(ref writer, now);
        if (writer.Length == 0) return 0;
        writer.PadTo(MinPayload);
        var length = DatagramHeader.Size + writer.Length + _seal.Overhead;
        return Finish(datagram, length);
    }

    /// <summary>Fills one datagram that says goodbye. It is not repeated if it is lost: then the silence tells.</summary>
    /// <param name="datagram">Room for <see cref="MinPayload"/>, header and trailer.</param>
    /// <returns>Its length.</returns>
    public int BuildBye(Span<byte> datagram)
    {
        var writer = new FrameWriter(datagram[DatagramHeader.Size..]);
        writer.Bye();
        writer.PadTo(MinPayload);
        return Finish(datagram, DatagramHeader.Size + MinPayload + _seal.Overhead);
    }

    private int Finish(Span<byte> datagram, int length)
    {
        DatagramHeader.Between(Ids, DatagramKind.Data, Token, _nextPacket++).Write(datagram);
        _seal.Close(datagram[..length]);
        Counters.PacketsOut++;
        Counters.BytesOut += length;
        return length;
    }

    private SentWay NextWay(long now)
    {
        var detour = now < _detourUntil ? _detour : SentWay.Route;
        if (MaySendData && (_probes > 0 || !Reachable))
        {
            return _loss.ProbeCount > 1 || detour == SentWay.All ? SentWay.All : SentWay.Both;
        }
        // Copies of everything over all paths would make an overload worse: there only the probes get through, two at a time.
        return detour == SentWay.All ? SentWay.Route : detour;
    }

    private void WriteAck(ref FrameWriter writer, long now)
    {
        writer.Ack(_received, now - _largestReceivedAt);
        (_ackPending, _ackNow, _elicitingSinceAck, _ackDeadline) = (false, false, 0, long.MaxValue);
    }

    private void WriteData(ref FrameWriter writer, long now)
    {
        var packet = _loss.Spare.TryPop(out var spare) ? spare : new SentPacket();
        var before = writer.Length;
        if (_pingDue || _probes > 0)
        {
            writer.Ping();
            _pingDue = false;
            _lastPing = now;
        }
        while (writer.Left >= FrameWriter.MaxControlSize && _control.TryDequeue(out var frame))
        {
            WriteControl(ref writer, frame, packet);
        }
        WriteStreams(ref writer, packet);
        _probes = Math.Max(0, _probes - 1);
        if (writer.Length == before)
        {
            _loss.Spare.Push(packet);
            return;
        }
        NoteSent(packet, writer.Length, isMtuProbe: false, now);
        RepeatLastOfBurst(packet);
    }

    // When the last packet of a burst is lost, nothing behind it shows that, and its messages wait for a probe time-out: many
    // round trips. On a link that loses by chance it goes twice. Not on one that loses because a buffer overflows, which also
    // fills it: there round trips are long, and repeating would make it worse.
    private void RepeatLastOfBurst(SentPacket packet)
    {
        if (HasData) return;
        if (_repeating || packet.Frames.Count == 0 || !LosesByChance)
        {
            _repeating = false;
            return;
        }
        (_repeating, packet.Requeued) = (true, true);
        Counters.Repeated++;
        Requeue(packet);
    }

    private bool LosesByChance => _lossRate.Percent is >= RepeatFromPercent and <= CongestionWindow.LossPercent && Reachable
        && _rtt.Smoothed <= (2 * _rtt.Min) + RttEstimator.Granularity && _loss.BytesInFlight < CongestionWindow.Least;

    // Nothing but a PING: its loss is likely and must not delay anything.
    private void WriteMtuProbe(ref FrameWriter writer, long now)
    {
        writer.Ping();
        writer.PadTo(writer.Length + writer.Left);
        var packet = _loss.Spare.TryPop(out var spare) ? spare : new SentPacket();
        NoteSent(packet, writer.Length, isMtuProbe: true, now);
        _mtu.OnProbeSent(packet.Bytes);
    }

    private void NoteSent(SentPacket packet, int payload, bool isMtuProbe, long now)
    {
        (packet.Number, packet.SentAt, packet.Requeued, packet.Done, packet.Way) = (_nextPacket, now, false, false, Way);
        (packet.Bytes, packet.IsMtuProbe) = (DatagramHeader.Size + payload + _seal.Overhead, isMtuProbe);
        _loss.OnSent(packet);
    }

    private static void WriteControl(ref FrameWriter writer, FrameRecord frame, SentPacket packet)
    {
        switch (frame.Type)
        {
            // A question whose asker has left is not asked again; its CLOSE follows.
            case FrameType.Open when frame.Association is { State: AssociationState.Closed }: return;
            case FrameType.Close:
                writer.Close(frame.Id, frame.Offset, atOnce: frame.Length == 1);
                break;
            default:
                writer.Open(frame.Type, frame.Id);
                break;
        }
        packet.Frames.Add(frame);
    }

    private void WriteStreams(ref FrameWriter writer, SentPacket packet)
    {
        for (var i = 0; i < _associations.Count && writer.Left >= MinStreamRoom; i++)
        {
            var association = _associations[(_turn + i) % _associations.Count];
            if (association.State == AssociationState.Opening) continue;
            // Lost pieces come one range at a time, so ask until the association has no more or the datagram is full.
            while (writer.Left >= MinStreamRoom && association.Sender.HasData)
            {
                var count = writer.Stream(association.Id, association.Sender, out var offset);
                if (count == 0) break;
                packet.Frames.Add(new FrameRecord(FrameType.Stream, association.Id, association, offset, count));
            }
        }
        if (_associations.Count > 0) _turn = (_turn + 1) % _associations.Count;
    }

    private void DetectLost(long now)
    {
        _loss.DetectLost(now, _lostNow);
        OnLost(now);
    }

    private void OnLost(long now)
    {
        foreach (var packet in _lostNow)
        {
            _mtu.OnLost(packet.Bytes, packet.IsMtuProbe, now);
            if (packet.IsMtuProbe) continue;  // RFC 8899, section 3, item 7: no sign of congestion
            Counters.Lost++;
            _lossRate.OnLost();
            _congestion.OnLost(packet.SentAt);
            if (!packet.Requeued) Requeue(packet);
            packet.Frames.Clear();
        }
        _lostNow.Clear();
    }

    private void Requeue(SentPacket packet)
    {
        foreach (var frame in packet.Frames)
        {
            Counters.Retransmitted++;
            if (frame.Type == FrameType.Stream) frame.Association!.Sender.OnLost(frame.Offset, frame.Length);
            else _control.Enqueue(frame);
        }
    }
}
