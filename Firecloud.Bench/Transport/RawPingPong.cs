using System.Net;
using System.Net.Sockets;

namespace Firecloud.Bench.Transport;

/// <summary>
/// Datagrams between two sockets, a thread on each side, no serialization, no actors, no acknowledgements: what the kernel alone
/// takes. A datagram that is lost is not missed before a pause, when a new one takes its place.
/// </summary>
internal sealed class RawPingPong : IPingPong
{
    private const int Buffer = 8 << 20;

    private readonly Socket _left = Open();
    private readonly Socket _right = Open();
    private readonly Thread[] _threads;
    private readonly int _size;
    private readonly int _underWay;
    private long _messages;
    private volatile bool _stopped;

    public RawPingPong(int size, Load load)
    {
        (_size, _underWay) = (size, Math.Min(load.Pairs * load.Depth, Buffer / 4 / (size + 1024)));
        _left.Connect(_right.LocalEndPoint!);
        _right.Connect(_left.LocalEndPoint!);
        _threads = [new Thread(() => Bounce(_left, begins: true)), new Thread(() => Bounce(_right, begins: false))];
        foreach (var thread in _threads) thread.Start();
    }

    public string Name => "plain UDP";

    public long Messages => Interlocked.Read(ref _messages);

    public ValueTask DisposeAsync()
    {
        _stopped = true;
        foreach (var thread in _threads) thread.Join();
        _left.Dispose();
        _right.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveTimeout = 100,
            ReceiveBufferSize = Buffer,
            SendBufferSize = Buffer,
        };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private void Bounce(Socket socket, bool begins)
    {
        var buffer = new byte[_size];
        for (var i = 0; begins && i < _underWay; i++) socket.Send(buffer);
        while (!_stopped)
        {
            try
            {
                socket.Receive(buffer);
                Interlocked.Increment(ref _messages);
                socket.Send(buffer);
            }
            catch (SocketException)
            {
                if (begins && !_stopped) socket.Send(buffer);
            }
        }
    }
}
