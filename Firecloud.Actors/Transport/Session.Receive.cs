// Session.Receive.cs - taking datagrams in: duplicates out, frames to where they belong, acknowledgements noted (RFC 9000, 13.2).
namespace Firecloud.Actors.Transport;

internal sealed partial class Session
{
    /// <summary>Ack-eliciting packets after which an acknowledgement goes at once (RFC 9000, section 13.2.2).</summary>
    private const int PacketsPerAck = 2;

    /// <summary>For how long datagrams go over the second path, microseconds: until the routes tell.</summary>
    private const long DetourTime = 300_000;

    private const int MaxControlFrames = 4_096;

    private readonly AckFrame _ackFrame = new();
    private readonly List<ReadOnlyMemory<byte>> _completed = [];
    private bool _ackPending;
    private bool _ackNow;
    private int _elicitingSinceAck;
    private long _ackDeadline = long.MaxValue;
    private long _largestReceivedAt;

    /// <summary>Takes a datagram that was opened and whose token is this session's.</summary>
    /// <param name="number">Its packet number.</param>
    /// <param name="payload">Its frames.</param>
    /// <param name="now">Microseconds.</param>
    /// <returns>False when the peer broke the protocol's limits: the session must end.</returns>
    public bool Receive(long number, ReadOnlySpan<byte> payload, long now)
    {
        Counters.PacketsIn++;
        Counters.BytesIn += payload.Length + DatagramHeader.Size + _seal.Overhead;
        var outOfOrder = number != _received.Largest + 1;
        if (!_received.Add(number))
        {
            Counters.Duplicates++;
            // Perhaps our acknowledgement was lost: repeat it, at leisure.
            NoteForAck(now, atOnce: false);
            return true;
        }
        if (number == _received.Largest) _largestReceivedAt = now;
        var eliciting = false;
        while (!payload.IsEmpty)
        {
            var type = (FrameType)payload[0];
            payload = payload[1..];
            eliciting |= type is not (FrameType.Ack or FrameType.Padding);
            switch (ReadFrame(type, ref payload, now))
            {
                case FrameResult.Ok: continue;
                case FrameResult.Malformed:
                    Counters.Malformed++;
                    return true;
                default:
                    Counters.Malformed++;
                    return false;
            }
        }
        if (!eliciting) return true;
        _elicitingSinceAck++;
        NoteForAck(now, outOfOrder || _elicitingSinceAck >= PacketsPerAck);
        return true;
    }

    private bool AckIsDue(long now) => _ackPending && (_ackNow || now >= _ackDeadline);

    private void NoteForAck(long now, bool atOnce)
    {
        if (!_ackPending) _ackDeadline = now + _settings.AckDelay;
        _ackPending = true;
        _ackNow |= atOnce;
    }

    private enum FrameResult
    {
        Ok,
        Malformed,
        Violation,
    }

    private FrameResult ReadFrame(FrameType type, ref ReadOnlySpan<byte> from, long now)
    {
        switch (type)
        {
            case FrameType.Ack:
                if (!_ackFrame.TryRead(ref from)) return FrameResult.Malformed;
                return OnAck(now);
            case FrameType.Padding:
                from = from.TrimStart((byte)FrameType.Padding);
                return FrameResult.Ok;
            case FrameType.Ping:
                return FrameResult.Ok;
            case FrameType.Bye:
                PeerLeft = true;
                return FrameResult.Ok;
            case FrameType.Open:
                return Varint.TryRead(ref from, out var opened) ? OnOpen(opened, now) : FrameResult.Malformed;
            case FrameType.OpenOk:
                if (!Varint.TryRead(ref from, out var accepted)) return FrameResult.Malformed;
                if (_byId.TryGetValue(accepted, out var association)) OnOpenOk(association);
                return FrameResult.Ok;
            case FrameType.Close:
                return ReadClose(ref from, now);
            case FrameType.Stream:
                return ReadStream(ref from, now);
            default:
                return FrameResult.Malformed;
        }
    }

    private FrameResult OnAck(long now)
    {
        if (_ackFrame.Largest >= _nextPacket) return FrameResult.Violation;  // acknowledges what was never sent
        var inFlight = _loss.BytesInFlight;
        // A late acknowledgement of a packet given up is a sign of life too.
        var progress = _ackFrame.Largest > _loss.LargestAcked;
        var spurious = _loss.OnAck(_ackFrame, now, _ackedNow, _lostNow);
        _congestion.OnSpurious(spurious);
        _lossRate.OnSpurious(spurious);
        Counters.Spurious += spurious;
        ChooseWay(now);
        OnLost(now);
        foreach (var packet in _ackedNow)
        {
            _congestion.OnAcked(packet.Bytes, packet.SentAt, inFlight, now);
            _lossRate.OnAcked();
            _mtu.OnAcked(packet.Bytes, packet.IsMtuProbe, now);
            foreach (var frame in packet.Frames) OnFrameAcked(frame);
            packet.Frames.Clear();
        }
        progress |= _ackedNow.Count > 0;
        _ackedNow.Clear();
        if (_mtu.FellIntoBlackHole()) _owner.OnBlackHole();
        if (progress) OnRoundTrip(now);
        return FrameResult.Ok;
    }

    // Only what went over a second path arrives: until the routes tell, everything goes there. If it took all paths, the next probe
    // takes them at once. Anything that arrived by the route ends it: a peer that is only busy acknowledges that too.
    private void ChooseWay(long now)
    {
        var best = SentWay.All;
        foreach (var packet in _ackedNow)
        {
            if (packet.Way < best) best = packet.Way;
        }
        if (_ackedNow.Count == 0) return;
        if (best == SentWay.Route) _detourUntil = long.MinValue;
        else if (_lostNow.Exists(packet => packet is { IsMtuProbe: false, Way: SentWay.Route or SentWay.Second }))
        {
            (_detour, _detourUntil) = (best == SentWay.All ? SentWay.All : SentWay.Second, now + DetourTime);
        }
    }

    private void OnFrameAcked(FrameRecord frame)
    {
        if (frame.Association is not { } association || association.State == AssociationState.Closed) return;
        if (frame.Type == FrameType.Stream) association.Sender.OnAcked(frame.Offset, frame.Length);
        else if (frame.Type == FrameType.Close) association.CloseAcked = true;
        if (association.IsFinished) Remove(association);
    }

    private FrameResult OnOpen(long id, long now)
    {
        // Answers wait in the control queue: a peer that asks without taking answers must not grow it.
        if ((id & 1) == _parity || _control.Count > MaxControlFrames) return FrameResult.Violation;
        if (_byId.ContainsKey(id))
        {
            _control.Enqueue(new FrameRecord(FrameType.OpenOk, id, null, 0, 0));
            return FrameResult.Ok;
        }
        var fresh = _peerOpened.Add(id >> 1, (id >> 1) + 1) > 0;
        if (_peerOpened.Count > AckRanges.MaxKept) return FrameResult.Violation;
        if (fresh && _associations.Count < _settings.MaxAssociations)
        {
            var association = Add(id, AssociationState.Open, now);
            association.Sink = _owner.OnAccepted(association);
            if (association.Sink is not null)
            {
                _control.Enqueue(new FrameRecord(FrameType.OpenOk, id, null, 0, 0));
                return FrameResult.Ok;
            }
            Remove(association);
        }
        _control.Enqueue(new FrameRecord(FrameType.Close, id, null, 0, 1));
        return FrameResult.Ok;
    }

    private static void OnOpenOk(Association association)
    {
        if (association.State != AssociationState.Opening) return;
        association.State = AssociationState.Open;
        TakeOpened(association)?.Invoke(true);
    }

    private FrameResult ReadClose(ref ReadOnlySpan<byte> from, long now)
    {
        if (!Varint.TryRead(ref from, out var id) || !Varint.TryRead(ref from, out var end) || from.IsEmpty)
        {
            return FrameResult.Malformed;
        }
        var atOnce = from[0] != 0;
        from = from[1..];
        if (!_byId.TryGetValue(id, out var association)) return FrameResult.Ok;
        association.PeerEnd = atOnce ? association.Receiver.Next : end;
        LastUsed = now;
        EndIfComplete(association);
        return FrameResult.Ok;
    }

    private FrameResult ReadStream(ref ReadOnlySpan<byte> from, long now)
    {
        if (!Varint.TryRead(ref from, out var id) || !Varint.TryRead(ref from, out var offset)
            || !Varint.TryRead(ref from, out var length) || length > from.Length)
        {
            return FrameResult.Malformed;
        }
        var data = from[..(int)length];
        from = from[(int)length..];
        if (!_byId.TryGetValue(id, out var association)) return FrameResult.Ok;  // closed before: late bytes
        OnOpenOk(association);  // whoever writes has accepted; the OPEN_OK was lost or comes later
        if (!association.Receiver.TryReceive(offset, data, _completed)) return FrameResult.Violation;
        LastUsed = now;
        Counters.MessagesIn += _completed.Count;
        if (association.State == AssociationState.Open)
        {
            foreach (var message in _completed) association.Sink?.Deliver(message);
        }
        _completed.Clear();
        EndIfComplete(association);
        return FrameResult.Ok;
    }

    private void EndIfComplete(Association association)
    {
        if (association.PeerEnd >= 0 && association.Receiver.Next >= association.PeerEnd) EndByPeer(association);
    }
}
