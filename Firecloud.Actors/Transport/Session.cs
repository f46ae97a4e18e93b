// Session.cs - one pair of running nodes: packets, acknowledgements, retransmission, associations, liveness. Without I/O, locks
// or clocks: the owner (PeerLink in production, a mesh in the tests) locks, passes time in and carries datagrams.
//
// INPUTS   Receive, OnTimer, Open, Close. Time is microseconds of one monotonic clock.
// OUTPUTS  Build fills one datagram at a time; sinks get messages; NextDeadline says when OnTimer must run.
// LIVENESS a round trip (an acknowledgement of something not acknowledged before) at least each UnreachableAfter, else the
//          link is dead: associations stay, new messages are dropped, one probe goes out each probe time-out. Hearing the
//          peer is not enough: it may not hear us. Sooner, from SuspectAfter on, the peer is suspected, which only steers.
// WATCH    packet numbers are never used twice; what is lost goes again in new packets. After RFC 9000 and 9002.
namespace Firecloud.Actors.Transport;

internal sealed partial class Session
{
    private const int MaxIdleProbes = 20;

    /// <summary>Probes in vain that a suspicion takes: one may be lost, and without any the peer had nothing to answer.</summary>
    private const int SuspectProbes = 2;

    /// <summary>A suspicion that was wrong doubles the patience before the next one, and this much time halves it again (Chandra and Toueg 1996 let a
    /// detector learn so), microseconds.</summary>
    private const long PatienceHalves = 5_000_000;

    /// <summary>When a link looks dead but datagrams wait to be read: time until the next look, microseconds.</summary>
    private const long LookAgainAfter = 5_000;

    private readonly SessionSettings _settings;
    private readonly ISeal _seal;
    private readonly ISessionOwner _owner;
    private readonly RttEstimator _rtt = new();
    private readonly LossDetection _loss;
    private readonly CongestionWindow _congestion;
    private readonly PathMtu _mtu;
    private readonly AckRanges _received = new();
    private readonly ReceiveSlab _slab = new();
    private readonly Dictionary<long, Association> _byId = [];
    private readonly List<Association> _associations = [];
    private readonly Queue<FrameRecord> _control = new();
    private readonly RangeSet _peerOpened = new();  // ids halved, so that they merge
    private readonly List<SentPacket> _ackedNow = [];
    private readonly List<SentPacket> _lostNow = [];
    private readonly long _parity;
    private long _nextId;
    private long _lastRoundTrip;
    private long _lastPing;
    private SentWay _detour = SentWay.Route;
    private long _detourUntil = long.MinValue;
    private long _lastLook = long.MinValue / 2;
    private long _suspectAfter;
    private long _patienceSince;

    /// <summary>Starts a session that the handshake has agreed on.</summary>
    /// <param name="settings">Limits and times.</param>
    /// <param name="token">Written to every datagram; both sides derive the same one.</param>
    /// <param name="opensEven">Which association ids are ours: exactly one side has true.</param>
    /// <param name="peerWindow">Bytes of a stream that the peer takes beyond what we know acknowledged.</param>
    /// <param name="seal">Trailer of datagrams.</param>
    /// <param name="owner">Gets incoming associations and changes of reachability.</param>
    /// <param name="now">Microseconds.</param>
    public Session(SessionSettings settings, ulong token, bool opensEven, long peerWindow, ISeal seal, ISessionOwner owner,
        long now)
    {
        (_settings, Token, _seal, _owner, PeerWindow) = (settings, token, seal, owner, peerWindow);
        _parity = opensEven ? 0 : 1;
        _nextId = _parity;
        _loss = new LossDetection(_rtt, settings.AckDelay, settings.InitialProbe, settings.MinProbe, settings.MaxProbe);
        _congestion = new CongestionWindow(settings.InitialWindow, settings.SendWindow);
        _mtu = new PathMtu(settings.Datagram);
        (_lastRoundTrip, _lastPing, LastUsed, _suspectAfter) = (now, now, now, settings.SuspectAfter);
    }

    public ulong Token { get; }

    /// <summary>Ids of both sides for the header. May change: a member's address may be found out after the handshake.</summary>
    public (ushort Origin, ushort Destination) Ids { get; set; } = (DatagramHeader.Unnumbered, DatagramHeader.Unnumbered);

    public long PeerWindow { get; }

    /// <summary>False from <see cref="SessionSettings.UnreachableAfter"/> without a round trip until the next one.</summary>
    public bool Reachable { get; private set; } = true;

    /// <summary>True from <see cref="SessionSettings.SuspectAfter"/> without a round trip until the next one, or until the peer is unreachable:
    /// others are asked rather than it, and it still counts.</summary>
    public bool Suspected { get; private set; }

    /// <summary>When an association last opened, closed or carried a message, microseconds.</summary>
    public long LastUsed { get; private set; }

    /// <summary>Since when no round trip was seen, microseconds.</summary>
    public long LastRoundTrip => _lastRoundTrip;

    /// <summary>The peer said goodbye: the session must end.</summary>
    public bool PeerLeft { get; private set; }

    /// <summary>Checks and opens the session's datagrams.</summary>
    public ISeal Seal => _seal;

    public IReadOnlyList<Association> Associations => _associations;

    public SessionCounters Counters { get; } = new();

    public RttEstimator Rtt => _rtt;

    public long BytesInFlight => _loss.BytesInFlight;

    public long CongestionBytes => _congestion.Bytes;

    /// <summary>Largest datagram that goes out now, bytes.</summary>
    public int DatagramSize => _mtu.Size;

    private bool KeepsAlive => _settings.Kept || _associations.Count > 0;

    /// <summary>Opens an association; the peer's answer completes <see cref="Association.Opened"/>.</summary>
    /// <param name="now">Microseconds.</param>
    /// <returns>Null when there are too many.</returns>
    public Association? Open(long now)
    {
        if (_associations.Count >= _settings.MaxAssociations) return null;
        // A session that nothing used for long had no keepalives: silence until now says nothing about the link.
        if (!KeepsAlive && Reachable) _lastRoundTrip = now;
        var association = Add(_nextId, AssociationState.Opening, now);
        _nextId += 2;
        _control.Enqueue(new FrameRecord(FrameType.Open, association.Id, association, 0, 0));
        return association;
    }

    /// <summary>Closes an association: what was written is flushed first. Idempotent.</summary>
    /// <param name="association">One of this session.</param>
    /// <param name="now">Microseconds.</param>
    public void Close(Association association, long now)
    {
        if (association.State is AssociationState.Closing or AssociationState.Closed) return;
        association.Sender.Close();
        (association.State, association.ClosedAt, LastUsed) = (AssociationState.Closing, now, now);
        _control.Enqueue(new FrameRecord(FrameType.Close, association.Id, association, association.Sender.End, 0));
        TakeOpened(association)?.Invoke(false);
    }

    /// <summary>Ends the session: every association is told, once. Nothing may be called afterwards.</summary>
    public void End()
    {
        foreach (var association in _associations.ToArray()) EndByPeer(association);
        _control.Clear();
    }

    /// <summary>When <see cref="OnTimer"/> must run next, microseconds; long.MaxValue for never.</summary>
    public long NextDeadline()
    {
        var next = Math.Min(_loss.Deadline, _ackDeadline);
        if (!KeepsAlive) return next;
        next = Math.Min(Math.Min(next, _mtu.Deadline), _lastPing + _settings.Keepalive);
        if (!Reachable) return next;
        var patience = Suspected ? _settings.UnreachableAfter : _suspectAfter;
        return Math.Min(next, Math.Max(_lastLook + LookAgainAfter, _lastRoundTrip + patience));
    }

    /// <summary>Does what is due. The owner calls <see cref="Build"/> afterwards.</summary>
    /// <param name="now">Microseconds.</param>
    public void OnTimer(long now)
    {
        if (now >= _loss.LossTime) DetectLost(now);
        if (now >= _loss.Deadline) Probe(now);
        if (!KeepsAlive) return;
        _mtu.OnTimer(now);
        if (now >= _lastPing + _settings.Keepalive) (_pingDue, _lastPing) = (true, now);
        if (Reachable) JudgeSilence(now);
        AbandonSlowClosers(now);
    }

    /// <summary>Asks for a sign of life at once: the first packet proves to the peer that this side is no replay.</summary>
    public void Confirm() => _pingDue = true;

    /// <summary>A packet came again.</summary>
    public void CountDuplicate() => Counters.Duplicates++;

    /// <summary>Whether a packet of ours may be one that the peer answers just now: sent and not yet acknowledged.</summary>
    public bool IsUnanswered(long number) => number > _loss.LargestAcked && number < _nextPacket;

    /// <summary>The owner was stopped for a while, so silence in that time means nothing.</summary>
    /// <param name="micros">For how long, microseconds.</param>
    public void Excuse(long micros) => _lastRoundTrip += micros;

    /// <summary>Datagrams to the peer take another route from now on: small ones, until one round trip shows what it carries.
    /// The owner calls <see cref="Build"/> afterwards.</summary>
    public void OnPathChanged() => _mtu.OnPathChanged();

    private void JudgeSilence(long now)
    {
        var silent = now - _lastRoundTrip;
        var dead = silent >= _settings.UnreachableAfter;
        if (!dead && (Suspected || silent < _suspectAfter)) return;
        // The sign of life that is missing may wait in the socket; a suspicion also takes probes in vain.
        if ((!dead && (_loss.ProbeCount < SuspectProbes || !_owner.MaySuspect())) || !_owner.MayDeclareUnreachable(silent))
        {
            _lastLook = now;
            return;
        }
        if (dead)
        {
            BecomeUnreachable(now);
            return;
        }
        Suspected = true;
        _owner.OnSuspicion(true);
    }

    private void BecomeUnreachable(long now)
    {
        (Reachable, Suspected) = (false, false);
        _mtu.OnPathChanged();  // who knows which way the link will come back
        _loss.GiveUp(0, _lostNow);
        OnLost(now);
        _congestion.OnPersistentCongestion();
        foreach (var association in _associations) Counters.Dropped += association.Sender.DropWaiting();
        _pingDue = true;
        _owner.OnReachability(false, TimeSpan.FromMicroseconds(now - _lastRoundTrip));
    }

    private void OnRoundTrip(long now)
    {
        _lastRoundTrip = now;
        if (Suspected)
        {
            Suspected = false;
            (_suspectAfter, _patienceSince) = (Math.Min(2 * _suspectAfter, _settings.UnreachableAfter), now);
            _owner.OnSuspicion(false);
        }
        else if (_suspectAfter > _settings.SuspectAfter && now - _patienceSince > PatienceHalves)
        {
            (_suspectAfter, _patienceSince) = (Math.Max(_suspectAfter / 2, _settings.SuspectAfter), now);
        }
        if (Reachable) return;
        Reachable = true;
        _owner.OnReachability(true, TimeSpan.Zero);
    }

    private void Probe(long now)
    {
        _lostNow.Clear();
        if (!KeepsAlive && _loss.ProbeCount >= MaxIdleProbes)
        {
            // Nobody waits for an answer: the last CLOSE of a peer that is gone is not repeated for ever.
            _loss.GiveUp(0, _lostNow);
            foreach (var packet in _lostNow) packet.Frames.Clear();
            _lostNow.Clear();
            _control.Clear();
            return;
        }
        _loss.OnProbe(now, _lostNow, 2);
        foreach (var packet in _lostNow)
        {
            packet.Requeued = true;
            Requeue(packet);
        }
        _lostNow.Clear();
        _probes = Reachable ? 2 : 1;
        if (Reachable) return;
        _loss.GiveUp(MaxDeadProbes, _lostNow);
        OnLost(now);
    }

    private void AbandonSlowClosers(long now)
    {
        for (var i = _associations.Count - 1; i >= 0; i--)
        {
            var association = _associations[i];
            if (association.State != AssociationState.Closing || now < association.ClosedAt + _settings.Linger) continue;
            association.Sender.Abandon();
            _control.Enqueue(new FrameRecord(FrameType.Close, association.Id, null, 0, 1));
            Remove(association);
        }
    }

    private Association Add(long id, AssociationState state, long now)
    {
        var sender = new StreamSender(_settings.QueueCap, Math.Min(PeerWindow, _settings.ReceiveWindow));
        var receiver = new StreamReceiver(_settings.ReceiveWindow, _settings.MaxMessage, _slab);
        var association = new Association(id, this, sender, receiver) { State = state };
        _byId.Add(id, association);
        _associations.Add(association);
        LastUsed = now;
        return association;
    }

    private void Remove(Association association)
    {
        association.State = AssociationState.Closed;
        association.Sender.Abandon();
        association.Receiver.ReleaseRing();
        _byId.Remove(association.Id);
        _associations.Remove(association);
    }

    private void EndByPeer(Association association)
    {
        var ours = association.State == AssociationState.Closing;
        Remove(association);
        var opened = TakeOpened(association);
        if (opened is not null) opened(false);
        else if (!ours) association.Sink?.Closed();
    }

    private static Action<bool>? TakeOpened(Association association)
    {
        var opened = association.Opened;
        association.Opened = null;
        return opened;
    }
}
