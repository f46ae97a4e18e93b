// UdpNode.cs - the socket, the two threads and the tables of one transport.
// The receive thread only reads datagrams and hands them to their link; the timer thread runs what is due. Both are threads of
// their own, because a busy thread pool must not make peers look dead.
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Event;
using Akka.Remote.Transport;

namespace Firecloud.Actors.Transport;

internal sealed partial class UdpNode
{
    /// <summary>Lateness of the timer thread from which on the whole process counts as stopped, microseconds.</summary>
    private const long StoppedAfter = 50_000;

    private const long LongestSleep = 1_000_000;

    private readonly ActorSystem _system;
    private readonly UdpSocket _socket;
    private readonly LinkFaults _faults;
    private readonly ConcurrentDictionary<ulong, PeerLink> _byToken = new();
    private readonly ConcurrentDictionary<ulong, PeerLink> _byKey = new();
    private readonly byte[] _cookieKey = RandomNumberGenerator.GetBytes(32);
    private readonly Refusals _refusals;
    private readonly object _timerGate = new();
    private readonly string _addressText;
    private readonly KernelDrops _drops;
    private readonly int _grantedReceive;
    private readonly int _grantedSend;
    private long _armed = long.MaxValue;
    private volatile bool _stopped;
    private volatile bool _closing;

    [ThreadStatic]
    private static byte[]? _threadBuffer;

    /// <summary>Binds and starts to receive; no association comes in before <see cref="Listener"/> is set.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The address can't be bound.</exception>
    public UdpNode(UdpSettings settings, ActorSystem system, IPAddress bind, ILoggingAdapter log)
    {
        (Settings, _system, Log) = (settings, system, log);
        _refusals = new Refusals(log, settings.Ring is not null);
        Seal = settings.Ring is null ? ChecksumSeal.Instance : new HandshakeSeal(settings.Ring);
        _socket = new UdpSocket(new IPEndPoint(bind, settings.Port), settings.ReceiveBuffer, settings.SendBuffer);
        _faults = new LinkFaults(settings.FaultSeed);
        LocalAddress = new Address(UdpTransport.Scheme, system.Name, settings.Hostname, _socket.Local.Port);
        _members = Members.Of(settings.Members, $"{LocalAddress.Host}:{LocalAddress.Port}");
        if (_members is not null)
        {
            // Addresses need no waiting; names are looked up by the timer.
            _ = _members.ResolveAsync(heard: 0);
            _relay = new RelayRule(_members.Self, settings.RelayRate);
            _router = new Router(_members.Self, _members.Count, settings.Routes, (ulong)DateTime.UtcNow.Ticks,
                new Random(unchecked((int)Boot)), Now);
        }
        _addressText = LocalAddress.WithProtocol("akka." + UdpTransport.Scheme).ToString();
        (_grantedReceive, _grantedSend) = (_socket.ReceiveBuffer, _socket.SendBuffer);
        _drops = new KernelDrops(_socket.Local);
        new Thread(ReceiveLoop) { IsBackground = true, Name = "firecloud-udp-receive" }.Start();
        new Thread(TimerLoop) { IsBackground = true, Name = "firecloud-udp-timer" }.Start();
        log.Info("UDP transport on {0}, {3}, kernel buffers {1} KiB to receive and {2} KiB to send", LocalAddress,
            _grantedReceive / 1024, _grantedSend / 1024, settings.Ring is null ? "not sealed" : "sealed");
        if (_grantedReceive < settings.ReceiveBuffer) log.Warning(UdpSocket.TooSmall(_grantedReceive, settings.ReceiveBuffer));
    }

    public UdpSettings Settings { get; }

    public ILoggingAdapter Log { get; }

    /// <summary>For everything that belongs to no session; any thread.</summary>
    public ISeal Seal { get; }

    public Refusals Refusals => _refusals;

    public Address LocalAddress { get; }

    /// <summary>This process's incarnation.</summary>
    public ulong Boot { get; } = RandomNumber();

    public IAssociationEventListener? Listener { get; set; }

    public DatagramTextHandler? TextHandler { get; set; }

    /// <summary>Microseconds of a monotonic clock.</summary>
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    /// <summary>Whether datagrams are never fragmented, so that probes can find out what a path carries.</summary>
    public bool MayProbeSizes => _socket.NeverFragments;

    public bool IsStopped => _stopped || _closing;

    /// <summary>A buffer for one datagram, per thread; used between building and sending it.</summary>
    public static byte[] ThreadBuffer => _threadBuffer ??= GC.AllocateUninitializedArray<byte>(65_536, pinned: true);

    public static ulong RandomNumber()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    /// <summary>IPv4 address and port as one number.</summary>
    public static ulong KeyOf(SocketAddress address)
    {
        var bytes = address.Buffer.Span;
        return ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
    }

    /// <summary>The link to a peer, made if there is none.</summary>
    /// <returns>Null when there are max-peers already.</returns>
    public PeerLink? LinkTo(IPEndPoint remote)
    {
        var key = KeyOf(remote.Serialize());
        if (_byKey.TryGetValue(key, out var link)) return link;
        return _byKey.Count >= Settings.MaxPeers ? null : _byKey.GetOrAdd(key, new PeerLink(this, key, remote, Now));
    }

    public void Register(ulong token, PeerLink link) => _byToken[token] = link;

    public void Unregister(ulong token) => _byToken.TryRemove(token, out _);

    public void Forget(PeerLink link) => _byKey.TryRemove(new KeyValuePair<ulong, PeerLink>(link.Key, link));

    /// <summary>Whether a peer is one of <c>members</c>, whatever they prove.</summary>
    public bool IsKept(Address? peer, IPEndPoint remote) =>
        Settings.Members.Count > 0
        && ((peer is not null && Settings.Members.Contains($"{peer.Host}:{peer.Port}")) || Settings.Members.Contains(remote.ToString()));

    public void OnReachability(object change)
    {
        if (_stopped) return;
        if (change is PeerUnreachable { Peer: var peer, SilentFor: var silent })
        {
            Log.Warning("UDP to {0} is dead: no round trip for {1:0} ms", peer, silent.TotalMilliseconds);
        }
        else Log.Info("UDP to {0} works", ((PeerReachable)change).Peer);
        _system.EventStream.Publish(change);
    }

    public void OnSuspicion(PeerSuspected change)
    {
        if (!_stopped) _system.EventStream.Publish(change);
    }

    public void OnInternalError(Exception cause, string where)
    {
        Interlocked.Increment(ref _internalErrors);
        Log.Error(cause, "A bug in the UDP transport, at {0}; the session with it starts anew. Please report it", where);
    }

    /// <summary>Makes sure that the timer thread wakes by a time, microseconds.</summary>
    public void Arm(long deadline)
    {
        if (deadline >= Volatile.Read(ref _armed)) return;
        lock (_timerGate)
        {
            if (deadline >= _armed) return;
            _armed = deadline;
            Monitor.Pulse(_timerGate);
        }
    }

    public void SetFault(IPEndPoint peer, LinkFault? fault) => _faults.Set(KeyOf(peer.Serialize()), fault);

    public void Inject(IPEndPoint peer, ReadOnlySpan<byte> datagram) => _socket.Send(datagram, peer.Serialize());

    /// <summary>Ends the session with a peer and begins a new one; nothing where there is none.</summary>
    public void Renew(IPEndPoint peer)
    {
        if (_byKey.TryGetValue(KeyOf(peer.Serialize()), out var link)) link.Renew();
    }

    /// <summary>Flushes for a bounded time, says goodbye, closes.</summary>
    public async Task ShutdownAsync()
    {
        _closing = true;
        foreach (var link in _byKey.Values) link.BeginShutdown();
        var until = Now + Settings.ShutdownFlush;
        while (Now < until && !_stopped && _byKey.Values.Any(link => !link.IsFlushed)) await Task.Delay(2);
        foreach (var link in _byKey.Values) link.EndShutdown();
        Stop();
    }

    /// <summary>Closes the socket at once.</summary>
    public void Stop()
    {
        _stopped = true;
        _socket.Dispose();
        lock (_timerGate) Monitor.Pulse(_timerGate);
    }

    private void TimerLoop()
    {
        while (!_stopped)
        {
            var (due, excuse) = Sleep();
            if (_stopped) return;
            try
            {
                RunTimers(due, excuse);
            }
            catch (Exception e)
            {
                OnInternalError(e, "timer");
            }
        }
    }

    /// <summary>Sleeps until the armed time.</summary>
    /// <returns>Now, and by how much the sleep was too long because this process was stopped; microseconds.</returns>
    private (long Now, long Excuse) Sleep()
    {
        lock (_timerGate)
        {
            var begin = Now;
            var now = begin;
            var excuse = 0L;
            while (!_stopped && now < _armed && now < begin + LongestSleep)
            {
                var planned = Math.Min(_armed, begin + LongestSleep);
                Monitor.Wait(_timerGate, (int)((planned - now + 999) / 1_000));
                now = Now;
                if (now - planned > StoppedAfter) excuse = now - planned;
            }
            _armed = long.MaxValue;  // whoever arms from now on is not missed: the scan below only lowers it again
            return (now, excuse);
        }
    }

    private void RunTimers(long now, long excuse)
    {
        _faults.Flush(_socket, now);
        WarnOfDrops(now);
        var next = Math.Min(_faults.NextDue, RunRouter(now, excuse));
        foreach (var (_, link) in _byKey)
        {
            if (excuse > 0 || link.Deadline <= now)
            {
                try
                {
                    link.OnTimer(now, excuse);
                }
                catch (Exception e)
                {
                    link.Fail(e);
                }
            }
            next = Math.Min(next, link.Deadline);
        }
        Arm(next);
    }
}
