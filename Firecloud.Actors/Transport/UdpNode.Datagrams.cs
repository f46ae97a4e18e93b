// UdpNode.Datagrams.cs - datagrams in and out. Whatever comes in is checked, counted and, if it is no good, dropped; nothing is
// answered with more bytes than it had, and what has no session costs no memory.
using System.Net;
using Akka.Event;

namespace Firecloud.Actors.Transport;

internal sealed partial class UdpNode
{
    private const int MaxResetsPerSecond = 1_000;

    private long _datagramsIn;
    private long _datagramsOut;
    private long _bytesIn;
    private long _bytesOut;
    private long _malformed;
    private long _wrongChecksum;
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
            _socket.Send(datagram, to);
            return;
        }
        _faults.Send(key, datagram, to, _socket, Now);
        Arm(_faults.NextDue);
    }

    /// <summary>Sends a handshake datagram. Boot, window and address are filled in; a Hello is padded.</summary>
    public void SendHello(DatagramKind kind, Hello hello, SocketAddress to, ulong key)
    {
        Span<byte> datagram = stackalloc byte[DatagramHeader.Size + Hello.PaddedSize + Seal.Overhead];
        DatagramHeader.Direct(kind, 0, 0).Write(datagram);
        var payload = datagram[DatagramHeader.Size..];
        payload.Clear();
        var length = (hello with { Boot = Boot, Window = Settings.ReceiveWindow, Address = _addressText }).Write(payload);
        if (kind == DatagramKind.Hello) length = Hello.PaddedSize;
        datagram = datagram[..(DatagramHeader.Size + length + Seal.Overhead)];
        Seal.Close(datagram);
        Send(datagram, to, key);
    }

    /// <summary>Tells somebody that this node knows no session with a token.</summary>
    public void SendReset(ulong token, SocketAddress to)
    {
        Span<byte> datagram = stackalloc byte[DatagramHeader.Size + Seal.Overhead];
        DatagramHeader.Direct(DatagramKind.Reset, token, 0).Write(datagram);
        Seal.Close(datagram);
        Send(datagram, to, KeyOf(to));
    }

    /// <summary>A snapshot of all counters.</summary>
    public TransportStatistics Snapshot() => new(
        LocalAddress.WithProtocol("akka." + UdpTransport.Scheme), [.. _byKey.Values.Select(link => link.Snapshot())])
    {
        DatagramsIn = Interlocked.Read(ref _datagramsIn),
        DatagramsOut = Interlocked.Read(ref _datagramsOut),
        BytesIn = Interlocked.Read(ref _bytesIn),
        BytesOut = Interlocked.Read(ref _bytesOut),
        Malformed = Interlocked.Read(ref _malformed),
        WrongChecksum = Interlocked.Read(ref _wrongChecksum),
        UnknownSession = Interlocked.Read(ref _unknownSession),
        TextDatagrams = Interlocked.Read(ref _textDatagrams),
        TextHandlerErrors = Interlocked.Read(ref _textHandlerErrors),
        SendErrors = _socket.SendErrors,
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

    private void ReceiveLoop()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(65_536, pinned: true);
        var from = new SocketAddress(System.Net.Sockets.AddressFamily.InterNetwork);
        while (!_socket.IsClosed)
        {
            var length = _socket.Receive(buffer, from);
            if (length < 0)
            {
                // An error of the network layer: rare, but if it lasts it must not take a whole core.
                if (!_socket.IsClosed) Thread.Sleep(1);
                continue;
            }
            try
            {
                OnDatagram(buffer.AsSpan(0, length), from);
            }
            catch (Exception e)
            {
                OnInternalError(e, "receive");
            }
        }
    }

    private void OnDatagram(Span<byte> datagram, SocketAddress from)
    {
        _datagramsIn++;  // only this thread writes it
        _bytesIn += datagram.Length;
        if (_faults.Any && _faults.DropsIncoming(KeyOf(from))) return;
        if (datagram.StartsWith("GET ["u8) || datagram.StartsWith("PUT ["u8))
        {
            OnText(datagram, from);
            return;
        }
        switch (DatagramHeader.TryRead(datagram, Seal, out var header, out var payload))
        {
            case DatagramError.Malformed:
                _malformed++;
                return;
            case DatagramError.Checksum:
                _wrongChecksum++;
                return;
        }
        if (header.Kind == DatagramKind.Data) OnData(header, payload, from);
        else if (header.Kind == DatagramKind.Reset) OnReset(header);
        else OnHandshake(header.Kind, payload, from);
    }

    private void OnData(in DatagramHeader header, ReadOnlySpan<byte> payload, SocketAddress from)
    {
        if (_byToken.TryGetValue(header.Token, out var link))
        {
            try
            {
                link.OnData(header, payload, Now);
            }
            catch (Exception e)
            {
                link.Fail(e);
            }
            return;
        }
        _unknownSession++;
        if (_byKey.TryGetValue(KeyOf(from), out var connecting) && connecting.HurryHandshake()) return;
        var second = Now / 1_000_000;
        if (second != _resetSecond) (_resetSecond, _resets) = (second, 0);
        if (_resets++ < MaxResetsPerSecond) SendReset(header.Token, from);
    }

    private void OnReset(in DatagramHeader header)
    {
        if (!_byToken.TryGetValue(header.Token, out var link) || !link.OnReset(header.Token, Now)) _unknownSession++;
    }

    private void OnHandshake(DatagramKind kind, ReadOnlySpan<byte> payload, SocketAddress from)
    {
        if (!Hello.TryRead(payload, out var hello) || hello.Boot == Boot
            || (kind == DatagramKind.Hello && payload.Length < Hello.PaddedSize))
        {
            _malformed++;
            return;
        }
        var key = KeyOf(from);
        if (kind == DatagramKind.Hello)
        {
            if (Listener is null || IsStopped) return;  // the peer asks again
            var cookie = Hello.Mix(Hello.Mix(_secret ^ key) ^ hello.Number) | 1;
            if (hello.Cookie != cookie) SendHello(DatagramKind.Retry, new Hello(0, 0, hello.Number, cookie, 0, ""), from, key);
            else LinkTo((IPEndPoint)new IPEndPoint(IPAddress.Any, 0).Create(from))?.OnHello(hello, Now);
        }
        else if (_byKey.TryGetValue(key, out var link))
        {
            if (kind == DatagramKind.HelloAck) link.OnHelloAck(hello, Now);
            else link.OnRetry(hello);
        }
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
