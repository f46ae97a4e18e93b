// PeerLink.Handshake.cs - how a link gets a session, loses it, and who waits for it. See Hello.cs for the messages.
//
// WATCH    a Hello with another number than the session's says that the peer lost the session, but it may be an old one that
//          somebody sends again. Ours ends only when a packet of the new session has proved it: PeerLink.Candidates.cs.
//          Numbers of ended sessions are remembered for a while, so that late duplicates cost nothing.
using Akka.Actor;
using Akka.Remote.Transport;

namespace Firecloud.Actors.Transport;

internal sealed partial class PeerLink
{
    private const int RememberedNumbers = 16;

    private sealed class Opening(Address remote, long deadline)
    {
        public Address Remote { get; } = remote;
        public long Deadline { get; } = deadline;
        public TaskCompletionSource<AssociationHandle> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public Association? Association { get; set; }
    }

    private readonly List<Opening> _openings = [];
    private readonly Queue<ulong> _oldNumbers = new();
    private ulong _number;
    private ulong _peerNumber;
    private SecretKey? _key;
    private ulong _cookie;
    private long _helloAt = long.MaxValue;
    private long _connectUntil;
    private long _hurriedAt;
    private int _sessions;
    private bool _retiring;
    private Address? _peerAddress;

    public string Name => _peerAddress is { } peer ? $"{peer.Host}:{peer.Port} ({Remote})" : Remote.ToString();

    private bool IsConnecting => _helloAt != long.MaxValue;

    private bool IsKept => _node.IsKept(_peerAddress, Remote);

    private long HandshakeDeadline
    {
        get
        {
            var next = _helloAt;
            foreach (var opening in _openings) next = Math.Min(next, opening.Deadline);
            return next;
        }
    }

    /// <summary>Opens an association, after a handshake if there is no session.</summary>
    /// <returns>The handle; faults within connect-timeout.</returns>
    public Task<AssociationHandle> Associate(Address remote, long now)
    {
        Opening opening;
        lock (_gate)
        {
            opening = new Opening(remote, now + _node.Settings.ConnectTimeout);
            _openings.Add(opening);
            if (_session is not null) Open(opening, now);
            else StartConnecting(now);
            Rearm();
        }
        RequestPump(inline: false);
        return opening.Done.Task;
    }

    /// <summary>The peer agreed to our Hello.</summary>
    /// <param name="hello">Its answer.</param>
    /// <param name="keyId">The secret that sealed it.</param>
    /// <param name="now">Microseconds.</param>
    public void OnHelloAck(in Hello hello, byte keyId, long now)
    {
        lock (_gate)
        {
            if (!IsConnecting || hello.Echo != _number || _oldNumbers.Contains(hello.Number)) return;
            if (!IsOurs(keyId) || !MayAgree(hello, keyId)) return;
            Establish(NewCandidate(hello, _number, keyId, now), now);
            _session!.Confirm();
            Rearm();
        }
        RequestPump(inline: true);
    }

    /// <summary>The peer wants our Hello again, with its cookie.</summary>
    public void OnRetry(in Hello hello, byte keyId)
    {
        lock (_gate)
        {
            if (!IsConnecting || hello.Echo != _number || _cookie == hello.Cookie || !IsOurs(keyId)) return;
            (_cookie, _key) = (hello.Cookie, _node.Settings.Ring?.Find(keyId));
            SendHello();
        }
    }

    /// <summary>The peer knows nothing of our session.</summary>
    /// <returns>Whether it was about our session, and about a packet that nobody answered yet.</returns>
    public bool OnReset(in DatagramHeader header, long now)
    {
        lock (_gate)
        {
            if (_session?.Token != header.Token || !_session.IsUnanswered(header.Number) || !IsOurs(header.KeyId)) return false;
            Retire(reconnect: true, now);
            Rearm();
            return true;
        }
    }

    /// <summary>Data came whose token we don't know yet. If our handshake is under way, it is asked again at once instead of
    /// denying the session; not too often, as whoever sent the data proved nothing.</summary>
    /// <returns>Whether a handshake is under way.</returns>
    public bool HurryHandshake(long now)
    {
        lock (_gate)
        {
            if (!IsConnecting) return false;
            if (now < _hurriedAt + _node.Settings.MinProbe) return true;
            _hurriedAt = now;
            SendHello();
            return true;
        }
    }

    private void StartConnecting(long now)
    {
        _connectUntil = now + _node.Settings.ConnectTimeout;
        if (IsConnecting) return;
        (_number, _cookie, _helloAt) = (UdpNode.RandomNumber(), 0, now + _node.Settings.InitialProbe);
        _key = OwnKeys is { } keys ? keys.Contains(_key) ? _key : keys[0] : null;
        SendHello();
    }

    private void SendHello(SentWay way = SentWay.Route) =>
        _node.SendHello(DatagramKind.Hello, new Hello(0, _number, 0, _cookie, 0, ""), _key?.Id ?? 0, Target, Key, way);

    private void OnHandshakeTimer(long now)
    {
        for (var i = _openings.Count - 1; i >= 0; i--)
        {
            var opening = _openings[i];
            if (now < opening.Deadline) continue;
            _openings.RemoveAt(i);
            if (opening.Association is { } late) late.Session.Close(late, now);
            Fault(opening, $"no answer within {_node.Settings.ConnectTimeout / 1_000} ms; is it running, is UDP to it open, and has it the same secret?");
        }
        if (!IsConnecting || now < _helloAt) return;
        if (now < _connectUntil || IsKept)
        {
            _helloAt = now + (now < _connectUntil ? _node.Settings.InitialProbe : _node.Settings.MaxProbe);
            TryNextKey();
            SendHello(SentWay.All);  // it was asked before, without an answer
            return;
        }
        (_helloAt, _idleSince) = (long.MaxValue, now);
        if (_peerAddress is null && _openings.Count == 0) _node.Forget(this);
    }

    private void Establish(Candidate candidate, long now)
    {
        var hello = candidate.Hello;
        _candidates.Remove(candidate);
        DropCandidates();
        (_number, _peerNumber, _helloAt) = (candidate.Number, hello.Number, long.MaxValue);
        _key = candidate.Key;
        _agreed = IsClient ? (byte)0 : _key?.Id ?? 0;
        _peerAddress = ActorPath.TryParseAddress(hello.Address, out var address) ? address : null;
        var settings = _node.Settings.ForPeer(Remote.Address, IsKept, _node.MayProbeSizes);
        _session = new Session(settings, candidate.Token, opensEven: _number < _peerNumber, hello.Window, candidate.Seal, this, now)
        {
            Ids = _node.IdsTo(_node.MemberOf(Key)),
        };
        _node.Register(candidate.Token, this);
        _sessions++;
        Publish(reachable: true, TimeSpan.Zero);
        foreach (var opening in _openings.ToArray()) Open(opening, now);
    }

    private void Retire(bool reconnect, long now)
    {
        if (_session is not { } session) return;
        var (inUse, wasReachable) = (IsKept || session.Associations.Count > 0, session.Reachable);
        _node.Unregister(session.Token);
        _past.Add(session.Counters);
        (_session, _agreed) = (null, 0);
        _idleSince = now;
        _oldNumbers.Enqueue(_peerNumber);
        if (_oldNumbers.Count > RememberedNumbers) _oldNumbers.Dequeue();
        _retiring = true;
        session.End();
        _retiring = false;
        (session.Seal as IDisposable)?.Dispose();
        if (wasReachable) Publish(reachable: false, TimeSpan.FromMicroseconds(Math.Max(0, now - session.LastRoundTrip)));
        if (reconnect && (inUse || _openings.Count > 0)) StartConnecting(now);
    }

    private void Open(Opening opening, long now)
    {
        // Akka compares addresses letter by letter and would drop every message to another spelling.
        if (_peerAddress?.WithProtocol(opening.Remote.Protocol).Equals(opening.Remote) != true)
        {
            _openings.Remove(opening);
            Fault(opening, $"it calls itself {_peerAddress?.ToString() ?? "nothing"}; use that very address");
            return;
        }
        var association = _session!.Open(now);
        if (association is null)
        {
            _openings.Remove(opening);
            Fault(opening, $"already {_node.Settings.MaxAssociations} associations with it (max-associations)");
            return;
        }
        opening.Association = association;
        var handle = NewHandle(association, opening.Remote, now);
        association.Opened = accepted => OnOpened(opening, handle, accepted);
    }

    private void OnOpened(Opening opening, UdpAssociationHandle handle, bool accepted)
    {
        if (!accepted) _unclaimed.Remove(handle);
        if (!accepted && _retiring)
        {
            opening.Association = null;  // waits for the next session until its deadline
            return;
        }
        _openings.Remove(opening);
        if (!accepted) Fault(opening, "it refused the association");
        else if (!opening.Done.TrySetResult(handle)) CloseUnheard(handle);
    }

    private void Fault(Opening opening, string reason) => opening.Done.TrySetException(
        new InvalidAssociationException($"No association with {opening.Remote} over UDP ({Remote}): {reason}"));

    private void Publish(bool reachable, TimeSpan silentFor)
    {
        if (_peerAddress is null) return;
        var peer = _peerAddress.WithProtocol("akka." + UdpTransport.Scheme);
        _node.OnReachability(reachable ? new PeerReachable(peer) : new PeerUnreachable(peer, silentFor));
    }

    /// <summary>A snapshot of this peer's numbers.</summary>
    public PeerStatistics Snapshot()
    {
        lock (_gate)
        {
            var sum = new SessionCounters();
            sum.Add(_past);
            if (_session is not null) sum.Add(_session.Counters);
            return new PeerStatistics(_peerAddress?.WithProtocol("akka." + UdpTransport.Scheme), Remote.ToString())
            {
                Connected = _session is not null,
                Sessions = _sessions,
                Reachable = _session?.Reachable ?? false,
                DatagramsIn = sum.PacketsIn,
                DatagramsOut = sum.PacketsOut,
                BytesIn = sum.BytesIn,
                BytesOut = sum.BytesOut,
                Malformed = sum.Malformed,
                Duplicates = sum.Duplicates,
                Retransmitted = sum.Retransmitted,
                Lost = sum.Lost,
                LostInError = sum.Spurious,
                DatagramSize = _session?.DatagramSize ?? 0,
                MessagesIn = sum.MessagesIn,
                MessagesDropped = sum.Dropped + Interlocked.Read(ref _droppedWrites),
                RoundTripMicros = _session?.Rtt.Smoothed ?? 0,
                BytesInFlight = _session?.BytesInFlight ?? 0,
                CongestionWindow = _session?.CongestionBytes ?? 0,
                Associations = _session?.Associations.Count ?? 0,
                QueuedBytes = _session?.Associations.Sum(a => a.Sender.QueuedBytes) ?? 0,
            };
        }
    }
}
