// UdpNode.Datagrams.cs - datagrams in and out. Whatever comes in is checked, counted and, if it is no good, dropped; nothing is
// answered with more bytes than it had, and what has no session costs no memory.
using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Akka.Event;

namespace Firecloud.Actors.Transport;

internal sealed partial class UdpNode
{
    private const int MaxResetsPerSecond = 1_000;

    /// <summary>A cookie is good for once to twice this time, microseconds.</summary>
    private const long CookieLife = 10_000_000;

    private long _datagramsIn;
    private long _datagramsOut;
    private long _bytesIn;
    private long _bytesOut;
    private long _unknownSession;
    private long _textDatagrams;
    private long _textHandlerErrors;
    private long _internalErrors;
    private long _resetSecond;
    private int _resets;

    /// <summary>Sends a datagram to a peer, through injected faults if there are any.</summary>
    public void Send(ReadOnlySpan<byte> datagram, SocketAddress to, ulong key)
    {
        Interlocked.Increment(ref _datagramsOut);
        Interlocked.Add(ref _bytesOut, datagram.Length);
        if (!_faults.Any)
        {
            Hand(datagram, to);
            return;
        }
        for (var copies = _faults.Leaving(key, datagram, to, Now); copies > 0; copies--) Hand(datagram, to);
        Arm(_faults.NextDue);
    }

    /// <summary>Sends a handshake datagram. Boot, window and address are filled in; a Hello is padded.</summary>
    /// <param name="kind">Hello, Retry or HelloAck.</param>
    /// <param name="hello">What it says.</param>
    /// <param name="keyId">Which secret seals it; 0 for the first.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="key">The same as a number.</param>
    /// <param name="way">How it is to go.</param>
    /// <param name="echo">Member that relayed what this answers; -1 for none.</param>
    public void SendHello(DatagramKind kind, Hello hello, byte keyId, SocketAddress to, ulong key,
        SentWay way = SentWay.Route, int echo = -1)
    {
        Span<byte> datagram = stackalloc byte[DatagramHeader.Size + Hello.PaddedSize + Seal.Overhead];
        (DatagramHeader.Between(IdsTo(MemberOf(key)), kind, 0, 0) with { KeyId = keyId }).Write(datagram);
        var payload = datagram[DatagramHeader.Size..];
        payload.Clear();
        var length = (hello with { Boot = Boot, Window = Settings.ReceiveWindow, Address = _addressText }).Write(payload);
        if (kind == DatagramKind.Hello) length = Hello.PaddedSize;
        datagram = datagram[..(DatagramHeader.Size + length + Seal.Overhead)];
        Seal.Close(datagram);
        SendRouted(datagram, to, key, way, echo);
    }

    /// <summary>Tells the other side of a session goodbye.</summary>
    public void SendBye(Session session, SocketAddress to, ulong key)
    {
        Span<byte> datagram = stackalloc byte[DatagramHeader.Size + Session.MinPayload + session.Seal.Overhead];
        SendRouted(datagram[..session.BuildBye(datagram)], to, key);
    }

    /// <summary>A snapshot of all counters.</summary>
    public TransportStatistics Snapshot() => new(
        LocalAddress.WithProtocol("akka." + UdpTransport.Scheme), [.. _byKey.Values.Select(link => WithRoute(link.Snapshot(), link.Key))])
    {
        DatagramsIn = Interlocked.Read(ref _datagramsIn),
        DatagramsOut = Interlocked.Read(ref _datagramsOut),
        BytesIn = Interlocked.Read(ref _bytesIn),
        BytesOut = Interlocked.Read(ref _bytesOut),
        Malformed = _refusals.Of(DatagramError.Malformed),
        WrongChecksum = _refusals.Of(DatagramError.Checksum),
        WrongKey = _refusals.Of(DatagramError.WrongKey),
        Forged = _refusals.Of(DatagramError.Forged),
        Replayed = _refusals.Of(DatagramError.Replayed),
        Unsealed = _refusals.Of(DatagramError.Unsealed),
        MessagesRefused = _refusals.Messages,
        UnknownSession = Interlocked.Read(ref _unknownSession),
        TextDatagrams = Interlocked.Read(ref _textDatagrams),
        TextHandlerErrors = Interlocked.Read(ref _textHandlerErrors),
        SendErrors = _socket.SendErrors,
        SendCalls = _socket.SendCalls,
        ReceiveCalls = _socket.ReceiveCalls,
        Relayed = Interlocked.Read(ref _relayed),
        RelayRefused = Interlocked.Read(ref _relayRefused),
        RelayOverRate = Interlocked.Read(ref _relayOverRate),
        ArrivedByRelay = Interlocked.Read(ref _arrivedByRelay),
        SentByRelay = Interlocked.Read(ref _sentByRelay),
        SecondPaths = Interlocked.Read(ref _secondPaths),
        RouteChanges = Interlocked.Read(ref _routeChanges),
        InternalErrors = Interlocked.Read(ref _internalErrors),
        KernelDrops = _drops.Read(),
        ReceiveBuffer = _grantedReceive,
        SendBuffer = _grantedSend,
    };

    private void WarnOfDrops(long now)
    {
        if (_drops.NewSince(now) is not (> 0 and var dropped)) return;
        Log.Warning("The kernel dropped {0} datagrams, because the receive buffer of {1} KiB was full; they are sent again, which "
            + "takes time. Raise net.core.rmem_max and receive-buffer, or lower send-window", dropped, _grantedReceive / 1024);
    }

    private void OnDatagram(Span<byte> datagram, SocketAddress from)
    {
        _datagramsIn++;  // only this thread writes it
        _bytesIn += datagram.Length;
        if (_faults.Any && _faults.DropsIncoming(KeyOf(from))) return;
        if (datagram.StartsWith("GET ["u8) || datagram.StartsWith("PUT ["u8))
        {
            // They have no seal. Nobody else can send from a loopback address.
            if (Settings.Ring is null || Settings.AllowInsecure || from[4] == 127) OnText(datagram, from);
            else _refusals.Count(DatagramError.Unsealed, from, Now);
            return;
        }
        if (!TakeRouted(datagram, ref from, out var via)) return;
        if (!DatagramHeader.TryParse(datagram, out var header))
        {
            _refusals.Count(DatagramError.Malformed, from, Now);
            return;
        }
        if (header.Kind == DatagramKind.Data)
        {
            OnData(header, datagram, from, via);
            return;
        }
        var error = DatagramHeader.TryRead(datagram, Seal, out header, out var payload);
        if (error != DatagramError.None) _refusals.Count(error, from, Now);
        else if (header.Kind == DatagramKind.Reset) OnReset(header);
        else if (header.Kind == DatagramKind.Probe) OnProbe(header, payload, from);
        else OnHandshake(header, payload, from, via);
    }

    private void OnData(in DatagramHeader header, Span<byte> datagram, SocketAddress from, int via)
    {
        if (!_byToken.TryGetValue(header.Token, out var link))
        {
            OnUnknownSession(header, datagram.Length, from, via);
            return;
        }
        try
        {
            var error = link.OnData(header, datagram, Now, KeyOf(from), via, out var wants);
            if (wants) _wanting.Add(link);
            if (error != DatagramError.None) _refusals.Count(error, from, Now);
        }
        catch (Exception e)
        {
            link.Fail(e);
        }
    }

    /// <summary>Says that this node knows no such session, with as many bytes as came at most.</summary>
    private void OnUnknownSession(in DatagramHeader header, int length, SocketAddress from, int via)
    {
        if (!MayAnswer(header.KeyId))
        {
            _refusals.Count(header.KeyId == 0 ? DatagramError.Unsealed : DatagramError.WrongKey, from, Now);
            return;
        }
        _unknownSession++;
        var key = KeyOf(from);
        if (_byKey.TryGetValue(key, out var connecting) && connecting.HurryHandshake(Now)) return;
        Span<byte> reset = stackalloc byte[DatagramHeader.Size + Seal.Overhead];
        var second = Now / 1_000_000;
        if (second != _resetSecond) (_resetSecond, _resets) = (second, 0);
        if (reset.Length > length || _resets++ >= MaxResetsPerSecond) return;
        (DatagramHeader.Between(IdsTo(MemberOf(key)), DatagramKind.Reset, header.Token, header.Number) with { KeyId = header.KeyId }).Write(reset);
        Seal.Close(reset);
        SendRouted(reset, from, key, echo: via);
    }

    private bool MayAnswer(byte keyId) => Settings.Ring is { } ring ? ring.Find(keyId) is not null : keyId == 0;

    private void OnReset(in DatagramHeader header)
    {
        if (!_byToken.TryGetValue(header.Token, out var link) || !link.OnReset(header, Now)) _unknownSession++;
    }

    private void OnHandshake(in DatagramHeader header, ReadOnlySpan<byte> payload, SocketAddress from, int via)
    {
        if (!Hello.TryRead(payload, out var hello) || hello.Boot == Boot
            || (header.Kind == DatagramKind.Hello && payload.Length < Hello.PaddedSize))
        {
            _refusals.Count(DatagramError.Malformed, from, Now);
            return;
        }
        var key = KeyOf(from);
        if (header.Kind == DatagramKind.Hello)
        {
            if (Listener is null || IsStopped) return;  // the peer asks again
            if (!IsCookie(hello, key))
            {
                SendHello(DatagramKind.Retry, new Hello(0, 0, hello.Number, Cookie(hello, key, Now), 0, ""), header.KeyId, from, key, echo: via);
            }
            else LinkTo((IPEndPoint)new IPEndPoint(IPAddress.Any, 0).Create(from))?.OnHello(hello, header.KeyId, Now, via);
        }
        else if (_byKey.TryGetValue(key, out var link))
        {
            if (header.Kind == DatagramKind.HelloAck) link.OnHelloAck(hello, header.KeyId, Now);
            else link.OnRetry(hello, header.KeyId);
        }
    }

    private bool IsCookie(in Hello hello, ulong from) =>
        hello.Cookie != 0 && (hello.Cookie == Cookie(hello, from, Now) || hello.Cookie == Cookie(hello, from, Now - CookieLife));

    /// <summary>Proves that a Hello's sender gets what is sent to its address: bound to address, boot, number and time.</summary>
    private ulong Cookie(in Hello hello, ulong from, long now)
    {
        Span<byte> input = stackalloc byte[32];
        BinaryPrimitives.WriteUInt64LittleEndian(input, from);
        BinaryPrimitives.WriteUInt64LittleEndian(input[8..], hello.Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(input[16..], hello.Number);
        BinaryPrimitives.WriteInt64LittleEndian(input[24..], now / CookieLife);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_cookieKey, input, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash) | 1;
    }

    private void OnText(ReadOnlySpan<byte> text, SocketAddress from)
    {
        _textDatagrams++;
        if (TextHandler is not { } handler) return;
        try
        {
            handler(text, new Reply(this, from));
        }
        catch (Exception e)
        {
            // The first one is worth a line; a flood of them is only counted.
            if (_textHandlerErrors++ > 0) return;
            Log.Error(e, "The handler of text datagrams failed; further failures are only counted");
        }
    }

    private sealed class Reply : IDatagramReply
    {
        private readonly UdpNode _node;
        private readonly SocketAddress _to;

        public Reply(UdpNode node, SocketAddress from)
        {
            _node = node;
            From = (IPEndPoint)new IPEndPoint(IPAddress.Any, 0).Create(from);
            _to = From.Serialize();  // a copy: the receive thread uses its own again
        }

        public IPEndPoint From { get; }

        public void Send(ReadOnlySpan<byte> text) => _node.Send(text, _to, KeyOf(_to));
    }
}
