// PeerLink.Handshake.cs - how a link gets a session, loses it, and who waits for it. See Hello.cs for the messages.
//
// WATCH    a Hello with another number than the session's means that the peer lost the session: ours ends too. Numbers of ended
//          sessions are remembered for a while, so that a late duplicate of an old Hello can't end a new session.
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
    private ulong _peerBoot;
    private ulong _cookie;
    private long _helloAt = long.MaxValue;
    private long _connectUntil;
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

    /// <summary>A Hello whose cookie proves its source.</summary>
    public void OnHello(in Hello hello, long now)
    {
        lock (_gate)
        {
            if (_oldNumbers.Contains(hello.Number)) return;
            if (_session is not null && _peerNumber != hello.Number) Retire(reconnect: false, now);
            if (_session is null)
            {
                if (!IsConnecting) _number = UdpNode.RandomNumber();
                Establish(hello, now);
            }
            _node.SendHello(DatagramKind.HelloAck, new Hello(0, _number, hello.Number, 0, 0, ""), Target, Key);
            Rearm();
        }
        RequestPump(inline: true);
    }

    /// <summary>The peer agreed to our Hello.</summary>
    public void OnHelloAck(in Hello hello, long now)
    {
        lock (_gate)
        {
            if (!IsConnecting || hello.Echo != _number || _oldNumbers.Contains(hello.Number)) return;
            Establish(hello, now);
            Rearm();
        }
        RequestPump(inline: true);
    }

    /// <summary>The peer wants our Hello again, with its cookie.</summary>
    public void OnRetry(in Hello hello)
    {
        lock (_gate)
        {
            if (!IsConnecting || hello.Echo != _number || _cookie == hello.Cookie) return;
            _cookie = hello.Cookie;
            SendHello();
        }
    }

    /// <summary>The peer knows nothing of our session.</summary>
    /// <returns>Whether it was about our session.</returns>
    public bool OnReset(ulong token, long now)
    {
        lock (_gate)
        {
            if (_session?.Token != token) return false;
            Retire(reconnect: true, now);
            Rearm();
            return true;
        }
    }

    /// <summary>Data came whose token we don't know yet. If our handshake is under way, it is asked again at once instead of
    /// denying the session.</summary>
    /// <returns>Whether a handshake is under way.</returns>
    public bool HurryHandshake()
    {
        lock (_gate)
        {
            if (!IsConnecting) return false;
            SendHello();
            return true;
        }
    }

    private void StartConnecting(long now)
    {
        _connectUntil = now + _node.Settings.ConnectTimeout;
        if (IsConnecting) return;
        (_number, _cookie, _helloAt) = (UdpNode.RandomNumber(), 0, now + _node.Settings.InitialProbe);
        SendHello();
    }

    private void SendHello() => _node.SendHello(DatagramKind.Hello, new Hello(0, _number, 0, _cookie, 0, ""), Target, Key);

    private void OnHandshakeTimer(long now)
    {
        for (var i = _openings.Count - 1; i >= 0; i--)
        {
            var opening = _openings[i];
            if (now < opening.Deadline) continue;
            _openings.RemoveAt(i);
            if (opening.Association is { } late) late.Session.Close(late, now);
            Fault(opening, $"no answer within {_node.Settings.ConnectTimeout / 1_000} ms; is it running, and is UDP to it open?");
        }
        if (!IsConnecting || now < _helloAt) return;
        if (now < _connectUntil || IsKept)
        {
            _helloAt = now + (now < _connectUntil ? _node.Settings.InitialProbe : _node.Settings.MaxProbe);
            SendHello();
            return;
        }
        (_helloAt, _idleSince) = (long.MaxValue, now);
        if (_peerAddress is null && _openings.Count == 0) _node.Forget(this);
    }

    private void Establish(in Hello hello, long now)
    {
        (_peerNumber, _peerBoot, _helloAt) = (hello.Number, hello.Boot, long.MaxValue);
        _peerAddress = ActorPath.TryParseAddress(hello.Address, out var address) ? address : null;
        var token = Hello.Token(_node.Boot, _number, _peerBoot, _peerNumber);
        var settings = _node.Settings.ForPeer(Remote.Address, IsKept, _node.MayProbeSizes);
        _session = new Session(settings, token, opensEven: _number < _peerNumber, hello.Window, _node.Seal, this, now);
        _node.Register(token, this);
        Publish(reachable: true, TimeSpan.Zero);
        foreach (var opening in _openings.ToArray()) Open(opening, now);
    }

    private void Retire(bool reconnect, long now)
    {
        if (_session is not { } session) return;
        var (inUse, wasReachable) = (IsKept || session.Associations.Count > 0, session.Reachable);
        _node.Unregister(session.Token);
        _past.Add(session.Counters);
        _session = null;
        _idleSince = now;
        _oldNumbers.Enqueue(_peerNumber);
        if (_oldNumbers.Count > RememberedNumbers) _oldNumbers.Dequeue();
        _retiring = true;
        session.End();
        _retiring = false;
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
