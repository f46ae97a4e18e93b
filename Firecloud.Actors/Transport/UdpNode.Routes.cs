// UdpNode.Routes.cs - the routes of a node that is a member: probes, datagrams by way of relays, and those it relays for others.
// The router has a lock of its own, which only the receive thread and the timer thread take; senders read its table.
using System.Net;
using Akka.Event;

namespace Firecloud.Actors.Transport;

internal sealed partial class UdpNode
{
    /// <summary>How often names of members that are not heard are looked up again, microseconds.</summary>
    private const long ResolveInterval = 5_000_000;

    private readonly Lock _routeGate = new();
    private readonly Members? _members;
    private readonly Router? _router;
    private readonly RelayRule? _relay;
    private long _resolveAt;
    private long _relayed;
    private long _relayRefused;
    private long _relayOverRate;
    private long _arrivedByRelay;
    private long _sentByRelay;
    private long _secondPaths;
    private long _routeChanges;

    /// <summary>The member of an address; -1 for none, or when this node is none itself.</summary>
    public int MemberOf(ulong key) => _members?.ByKey(key) ?? -1;

    /// <summary>This node's id for the header of datagrams to a member.</summary>
    /// <param name="member">Its number; -1 for somebody else.</param>
    public (ushort Origin, ushort Destination) IdsTo(int member) => _members is null || member < 0
        ? (DatagramHeader.Unnumbered, DatagramHeader.Unnumbered)
        : (_members.IdOf(_members.Self), _members.IdOf(member));

    /// <summary>Whether a member's datagrams arrive here directly, as far as is known.</summary>
    public bool Hears(int member) => member >= 0 && (_router?.Table.Hears(member) ?? false);

    /// <summary>A datagram of a session came directly from a member, and was no copy.</summary>
    public void OnHeard(int member) => _router?.OnHeard(member, Now);

    /// <summary>Sends a datagram to a peer: a member by its route, others directly.</summary>
    /// <param name="datagram">Sealed; its hops are set here.</param>
    /// <param name="to">The peer's address.</param>
    /// <param name="key">The same.</param>
    /// <param name="way">How it is to go, if the peer is a member.</param>
    /// <param name="echo">Member by which to send it too; -1 for none.</param>
    public void SendRouted(Span<byte> datagram, SocketAddress to, ulong key, SentWay way = SentWay.Route, int echo = -1)
    {
        var member = MemberOf(key);
        if (member < 0 || _router is null || DatagramHeader.IsUnnumbered(datagram))
        {
            Send(datagram, to, key);
            return;
        }
        Span<RoutePath> paths = stackalloc RoutePath[RouteTable.MaxPaths];
        paths = paths[.._router.Table.PathsFor(paths, member, way, datagram.Length, echo)];
        if (paths.Length > 1) Interlocked.Add(ref _secondPaths, paths.Length - 1);
        foreach (var path in paths) SendAlong(path, member, datagram);
    }

    private void SendAlong(RoutePath path, int member, Span<byte> datagram)
    {
        if (!_members!.TryGet(path.FirstHop(member), out _, out var target, out var key)) return;
        if (path.HasRelays) Interlocked.Increment(ref _sentByRelay);
        datagram[DatagramHeader.HopsAt] = path.Hops;
        Send(datagram, target, key);
    }

    /// <summary>Sees to datagrams that came by way of a relay, or are for somebody else.</summary>
    /// <param name="datagram">As it came, unopened.</param>
    /// <param name="from">Its source; becomes the address of the member that made it.</param>
    /// <param name="via">The member that relayed it, -1 if it came directly.</param>
    /// <returns>False when it ends here.</returns>
    private bool TakeRouted(Span<byte> datagram, ref SocketAddress from, out int via)
    {
        via = -1;
        if (!DatagramHeader.TryPeek(datagram, out var kind, out var hops, out var originId, out var destinationId)) return true;
        if (_members is null || originId == DatagramHeader.Unnumbered) return hops == RoutePath.Arrived || RefuseRelay();
        var (source, origin, destination) = (_members.ByKey(KeyOf(from)), _members.ById(originId), _members.ById(destinationId));
        if (hops == RoutePath.Arrived)
        {
            // Somebody with another list of members is a stranger: his address counts.
            if (origin < 0 || origin == source) return true;
            if (source < 0 || destination != _members.Self || origin == _members.Self || kind == DatagramKind.Probe) return RefuseRelay();
            via = source;
            _arrivedByRelay++;
            return _members.TryGet(origin, out _, out from!, out _) || RefuseRelay();
        }
        switch (_relay!.Judge(kind, hops, source, origin, destination, _members.Count, datagram.Length, Now))
        {
            case RelayVerdict.Refused: return RefuseRelay();
            case RelayVerdict.OverRate:
                _relayOverRate++;
                return false;
        }
        if (!_members.TryGet(RelayRule.Next(hops, destination), out _, out var next, out var key)) return RefuseRelay();
        datagram[DatagramHeader.HopsAt] = RelayRule.HopsAfter(hops);
        _relayed++;
        Send(datagram, next, key);
        return false;
    }

    private bool RefuseRelay()
    {
        _relayRefused++;
        return false;
    }

    private void OnProbe(in DatagramHeader header, ReadOnlySpan<byte> payload, SocketAddress from)
    {
        var sender = MemberOf(KeyOf(from));
        // A client may send from a member's address when the member is down.
        var isClient = Settings.Ring?.Find(header.KeyId) is { IsClients: true };
        if (isClient || sender < 0 || sender != _members!.ById(header.Origin) || sender == _members.Self)
        {
            _relayRefused++;
            return;
        }
        bool sensible;
        lock (_routeGate)
        {
            sensible = _router!.OnProbe(sender, payload, Now);
            Arm(_router.Deadline);
        }
        if (!sensible) _refusals.Count(DatagramError.Malformed, from, Now);
        else TellChanges();
    }

    /// <summary>Does what the router has to do.</summary>
    /// <returns>When it wants to run next, microseconds.</returns>
    private long RunRouter(long now, long excuse)
    {
        if (_router is null) return long.MaxValue;
        Span<byte> datagram = stackalloc byte[DatagramHeader.Size + ProbePayload.MaxSize + Seal.Overhead];
        var length = 0;
        long sequence = 0;
        lock (_routeGate)
        {
            if (_router.Deadline > now && excuse == 0) return _router.Deadline;
            if (_router.OnTimer(now, excuse, HasDatagramsWaiting)) length = _router.WriteProbe(datagram[DatagramHeader.Size..], now);
            sequence = _router.Sequence;
        }
        if (length > 0) SendProbesTogether(datagram[..(DatagramHeader.Size + length + Seal.Overhead)], sequence);
        TellChanges();
        if (now >= _resolveAt)
        {
            _resolveAt = now + ResolveInterval;
            _ = _members!.ResolveAsync(_router.Table.Heard | 1u << _members.Self);
        }
        return _router.Deadline;
    }

    private void SendProbesTogether(Span<byte> datagram, long sequence)
    {
        var pass = BeginPass();
        try
        {
            SendProbes(datagram, sequence);
        }
        finally
        {
            EndPass(pass);
        }
    }

    private void SendProbes(Span<byte> datagram, long sequence)
    {
        // The seal may work in place, and each has another destination: every one from the plain payload.
        Span<byte> plain = stackalloc byte[datagram.Length];
        datagram.CopyTo(plain);
        for (var member = 0; member < _members!.Count; member++)
        {
            if (member == _members.Self || !_members.TryGet(member, out _, out var target, out var key)) continue;
            plain.CopyTo(datagram);
            var (origin, destination) = IdsTo(member);
            new DatagramHeader(DatagramKind.Probe, RoutePath.Arrived, ProbeKeyId(key, sequence), origin, destination, 0, sequence).Write(datagram);
            Seal.Close(datagram);
            Send(datagram, target, key);
        }
    }

    // While secrets are changed a member may have another one than this node's first: its session tells which; until there is one,
    // all take turns.
    private byte ProbeKeyId(ulong key, long sequence)
    {
        if (Settings.Ring is not { } ring) return Seal.KeyId;
        var agreed = _byKey.TryGetValue(key, out var link) ? link.AgreedKeyId : (byte)0;
        return agreed != 0 ? agreed : ring.Members[(int)(sequence % ring.Members.Count)].Id;
    }

    private void TellChanges()
    {
        while (true)
        {
            RouteChange change;
            lock (_routeGate)
            {
                if (!_router!.TryTakeChange(out change)) return;
            }
            if (_stopped) return;
            Interlocked.Increment(ref _routeChanges);
            if (_members!.TryGet(change.Member, out _, out _, out var key) && _byKey.TryGetValue(key, out var link)) link.OnPathChanged();
            var told = new RouteChanged(_members.Names[_members.Self], _members.Names[change.Member], RelaysOf(change.Path));
            if (told.Relays.Count > 0) Log.Warning("{0}", told.ToString());
            else Log.Info("{0}", told.ToString());
            _system.EventStream.Publish(told);
        }
    }

    private string[] RelaysOf(RoutePath path) => path switch
    {
        { HasRelays: false } => [],
        { Second: < 0 } => [_members!.Names[path.First]],
        _ => [_members!.Names[path.First], _members.Names[path.Second]],
    };

    private PeerStatistics WithRoute(PeerStatistics peer, ulong key)
    {
        var member = MemberOf(key);
        if (member < 0 || _router is null) return peer;
        var path = _router.Table.Routes[member];
        return peer with { Member = member, RouteKnown = path.IsKnown, Relays = RelaysOf(path), Heard = Hears(member) };
    }
}
