// PeerLink.cs - all that this node has with one peer (one IPv4 address and port): the handshake, the session, who waits for an
// association. It owns the lock under which its session runs, and the pump that sends.
//
// PUMP     whoever has something to send asks for it; one thread at a time builds and sends datagrams until nothing is left.
//          Writers only queue a work item, so a burst of messages shares datagrams.
// LOCKS    link before handle. The node's tables are concurrent and need none.
using System.Collections.Concurrent;
using System.Net;
using Akka.Actor;
using Akka.Event;
using Akka.Remote.Transport;

namespace Firecloud.Actors.Transport;

internal sealed partial class PeerLink : ISessionOwner, IThreadPoolWorkItem
{
    /// <summary>Datagrams that a thread with other duties sends before a worker takes over.</summary>
    private const int InlineDatagrams = 16;

    /// <summary>How often rare things are looked at: unclaimed associations, idle sessions. Microseconds.</summary>
    private const long HousekeepingInterval = 500_000;

    private const int PumpIdle = 0;
    private const int PumpScheduled = 1;  // a work item is queued; any thread with its own time may take its place
    private const int PumpRunning = 2;
    private const int PumpAgain = 3;      // running, and asked for once more

    private readonly UdpNode _node;
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<Association> _toClose = new();
    private readonly List<UdpAssociationHandle> _unclaimed = [];
    private readonly SessionCounters _past = new();
    private Session? _session;
    private int _pump;
    private long _droppedWrites;
    private long _housekeepingAt;
    private long _idleSince;
    private long _deadline = long.MaxValue;
    private EchoWay _echo = new();

    public PeerLink(UdpNode node, ulong key, IPEndPoint remote, long now)
    {
        (_node, Key, Remote, _idleSince) = (node, key, remote, now);
        Target = remote.Serialize();
        _housekeepingAt = now + HousekeepingInterval;
    }

    public ulong Key { get; }

    public IPEndPoint Remote { get; }

    public SocketAddress Target { get; }

    /// <summary>When <see cref="OnTimer"/> must run next, microseconds. Readable from any thread.</summary>
    public long Deadline => Volatile.Read(ref _deadline);

    /// <summary>Accepts a message for an association; any thread. See <see cref="AssociationHandle.Write"/>.</summary>
    public bool Write(Association association, ReadOnlyMemory<byte> message)
    {
        if (association.Sender.IsClosed) return false;
        if (!association.Session.Reachable) return CountDropped();
        if (!association.Sender.TryWrite(message)) return false;
        RequestPump(inline: false);
        return true;
    }

    /// <summary>Counts a message that is dropped on purpose.</summary>
    /// <returns>True: to the layer above it is sent.</returns>
    public bool CountDropped()
    {
        Interlocked.Increment(ref _droppedWrites);
        return true;
    }

    /// <summary>Closes an association soon; any thread, under any lock.</summary>
    public void CloseLater(Association association)
    {
        _toClose.Enqueue(association);
        RequestPump(inline: false);
    }

    /// <summary>A datagram of this link's session.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="datagram">Still sealed; opened in place.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="from">Key of the address that it came from, or of the member that made it if it was relayed.</param>
    /// <param name="via">Member that relayed it; -1 if it came directly.</param>
    /// <param name="wants">Whether <see cref="SendWaiting"/> must be called, at the end of the pass.</param>
    /// <returns>Why it was dropped, if it was.</returns>
    public DatagramError OnData(in DatagramHeader header, Span<byte> datagram, long now, ulong from, int via, out bool wants)
    {
        wants = false;
        lock (_gate)
        {
            var error = Open(header, datagram, now, out var payload);
            if (payload.IsEmpty || _session is not { } session) return error;
            var copies = session.Counters.Duplicates;
            var sound = session.Receive(header.Number, payload, now);
            if (session.Counters.Duplicates == copies) NoteWay(now, from, via);
            if (!sound)
            {
                _node.Log.Warning("{0} broke the transport's limits; its session ends and a new one begins", Name);
                Retire(reconnect: true, now);
            }
            else if (session.PeerLeft) Retire(reconnect: true, now);
            wants = _session is { } still && still.WantsToSend(now);
            Rearm();
        }
        return DatagramError.None;
    }

    /// <summary>Sends what waits.</summary>
    public void SendWaiting() => RequestPump(inline: true);

    private void NoteWay(long now, ulong from, int via)
    {
        var member = _node.MemberOf(Key);
        if (member < 0) return;
        if (via < 0)
        {
            if (from == Key) _node.OnHeard(member);
        }
        else _echo.OnRelayed(via, _node.Hears(member), now);
    }

    /// <summary>Datagrams to the peer take another route from now on.</summary>
    public void OnPathChanged()
    {
        lock (_gate) _session?.OnPathChanged();
    }

    /// <summary>Does what is due.</summary>
    /// <param name="now">Microseconds.</param>
    /// <param name="excuse">How long this process was stopped, microseconds; 0 normally.</param>
    public void OnTimer(long now, long excuse)
    {
        lock (_gate)
        {
            if (excuse > 0) _session?.Excuse(excuse);
            _session?.OnTimer(now);
            OnHandshakeTimer(now);
            if (now >= _housekeepingAt) Housekeep(now);
            Rearm();
        }
        RequestPump(inline: true);
    }

    /// <summary>Work item: sends what waits, unless another thread has taken its place.</summary>
    public void Execute()
    {
        if (Interlocked.CompareExchange(ref _pump, PumpRunning, PumpScheduled) == PumpScheduled) RunPump(int.MaxValue);
    }

    /// <summary>Begins a graceful end: all associations are closed, what they hold is flushed.</summary>
    public void BeginShutdown()
    {
        lock (_gate)
        {
            if (_session is not { } session) return;
            foreach (var association in session.Associations.ToArray()) session.Close(association, UdpNode.Now);
        }
        RequestPump(inline: false);
    }

    /// <summary>Whether nothing is left to flush, or the peer can't be reached.</summary>
    public bool IsFlushed
    {
        get
        {
            lock (_gate) return _session is not { Reachable: true } session || session.Associations.Count == 0;
        }
    }

    /// <summary>Ends the session on both sides and begins a new one: every association with the peer ends.</summary>
    public void Renew()
    {
        lock (_gate)
        {
            if (_session is not { } session) return;
            _node.SendBye(session, Target, Key);
            Retire(reconnect: true, UdpNode.Now);
            Rearm();
        }
        RequestPump(inline: false);
    }

    /// <summary>Says goodbye, so that the peer need not wait for the silence, and ends.</summary>
    public void EndShutdown()
    {
        lock (_gate)
        {
            if (_session is { } session) _node.SendBye(session, Target, Key);
            Retire(reconnect: false, UdpNode.Now);
        }
    }

    IAssociationSink? ISessionOwner.OnAccepted(Association association)
    {
        if (_node.Listener is not { } listener || _peerAddress is null) return null;
        var handle = NewHandle(association, _peerAddress, UdpNode.Now);
        listener.Notify(new InboundAssociation(handle));
        return handle;
    }

    void ISessionOwner.OnReachability(bool reachable, TimeSpan silentFor) => Publish(reachable, silentFor);

    void ISessionOwner.OnSuspicion(bool suspected)
    {
        if (_peerAddress is not null) _node.OnSuspicion(new PeerSuspected(_peerAddress.WithProtocol("akka." + UdpTransport.Scheme), suspected));
    }

    void ISessionOwner.OnBlackHole() => _node.Log.Info(
        "Large datagrams to {0} vanish while small ones come through; going on with {1} bytes", Name, PathMtu.Base);

    // Probes are small and pass where a link is full; to a client there are none.
    bool ISessionOwner.MaySuspect() => !_node.Hears(_node.MemberOf(Key));

    bool ISessionOwner.MayDeclareUnreachable(long silentMicros) =>
        !_node.HasDatagramsWaiting || silentMicros > 2 * _node.Settings.UnreachableAfter;

    private UdpAssociationHandle NewHandle(Association association, Address remote, long now)
    {
        var longest = _node.Settings.MaximumFrameSize + UdpSettings.FrameSlack;
        var handle = new UdpAssociationHandle(_node.LocalAddress, remote, this, association, longest, now, NewGuard());
        association.Sink = handle;
        _unclaimed.Add(handle);
        return handle;
    }

    private void RequestPump(bool inline)
    {
        while (true)
        {
            var state = Volatile.Read(ref _pump);
            switch (state)
            {
                case PumpAgain:
                case PumpScheduled when !inline:
                    return;
                case PumpRunning:
                    if (Interlocked.CompareExchange(ref _pump, PumpAgain, PumpRunning) == PumpRunning) return;
                    break;
                // A busy thread pool must not delay acknowledgements and signs of life: the network's threads don't wait for it.
                default:
                    var next = inline ? PumpRunning : PumpScheduled;
                    if (Interlocked.CompareExchange(ref _pump, next, state) != state) break;
                    if (inline) RunPump(InlineDatagrams);
                    else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    return;
            }
        }
    }

    // The caller has set PumpRunning.
    private void RunPump(int limit)
    {
        try
        {
            do
            {
                Volatile.Write(ref _pump, PumpRunning);
                if (SendSome(limit)) continue;
                Volatile.Write(ref _pump, PumpScheduled);
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                return;
            }
            while (Interlocked.CompareExchange(ref _pump, PumpIdle, PumpRunning) != PumpRunning);
        }
        catch (Exception e)
        {
            Volatile.Write(ref _pump, PumpIdle);
            Fail(e);
        }
    }

    /// <summary>Sends until nothing is left (true) or the limit is reached (false).</summary>
    private bool SendSome(int limit)
    {
        var pass = _node.BeginPass();
        try
        {
            return SendSome(UdpNode.ThreadBuffer, limit);
        }
        finally
        {
            // Also within a greater pass: another thread may send for this peer next, and must not overtake.
            _node.EndPass(pass);
        }
    }

    private bool SendSome(byte[] buffer, int limit)
    {
        for (var sent = 0; sent < limit; sent++)
        {
            int length;
            SentWay way;
            int echo;
            lock (_gate)
            {
                var now = UdpNode.Now;
                while (_toClose.TryDequeue(out var association)) association.Session.Close(association, now);
                length = _session?.Build(buffer, now) ?? 0;
                way = _session?.Way ?? SentWay.Route;
                echo = _echo.For(length, now);
                if (length == 0) Rearm();
            }
            if (length == 0) return true;
            _node.SendRouted(buffer.AsSpan(0, length), Target, Key, way, echo);
        }
        lock (_gate) Rearm();
        return false;
    }

    /// <summary>A bug showed itself in this link: it starts anew, the others go on.</summary>
    public void Fail(Exception cause)
    {
        _node.OnInternalError(cause, Name);
        lock (_gate) Retire(reconnect: true, UdpNode.Now);
    }

    private void Rearm()
    {
        var next = Math.Min(_housekeepingAt, _session?.NextDeadline() ?? long.MaxValue);
        next = Math.Min(next, HandshakeDeadline);
        Volatile.Write(ref _deadline, next);
        _node.Arm(next);
    }

    private void Housekeep(long now)
    {
        _housekeepingAt = now + HousekeepingInterval;
        ForgetOldCandidates(now);
        if (_session is not null) _session.Ids = _node.IdsTo(_node.MemberOf(Key));
        _unclaimed.RemoveAll(handle => handle.IsClaimed || CloseIfUnclaimed(handle, now));
        if (IsKept) return;
        var reap = _node.Settings.IdleReap;
        if (_session is { } session)
        {
            var unused = session.Associations.Count == 0 ? now - session.LastUsed : 0;
            if (Math.Max(unused, session.Reachable ? 0 : now - session.LastRoundTrip) < reap) return;
            _node.SendBye(session, Target, Key);
            Retire(reconnect: false, now);
            _node.Log.Info("Session with {0} forgotten after {1} s without use", Name, reap / 1_000_000);
        }
        else if (!IsConnecting && now - _idleSince >= reap) _node.Forget(this);
    }

    private bool CloseIfUnclaimed(UdpAssociationHandle handle, long now)
    {
        if (now - handle.OpenedAt < _node.Settings.UnclaimedAfter) return false;
        CloseUnheard(handle);
        return true;
    }

    private static void CloseUnheard(UdpAssociationHandle handle) =>
        handle.Disassociate("Akka never listened to it", NoLogger.Instance);
}
