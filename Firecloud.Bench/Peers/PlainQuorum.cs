using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers;

/// <summary>
/// The limit: plain datagrams, as many as one write takes. From a client to one of four nodes, from it to the three others and back, and at
/// two answers back to the client. No keys, no actors, no encoding, no repetition, nothing kept; each node is a thread of this process.
/// </summary>
/// <remarks>A datagram: kind, client's call (8 B), then the value on the way out. A lost one would leave its call under way; loopback loses none
/// while its buffers hold what is under way.</remarks>
internal sealed class PlainQuorum : IPeer
{
    private const int Nodes = 4;
    private const int Needed = 2;
    private const int Head = 9;
    private const int Buffer = 8 << 20;

    private enum Step : byte
    {
        Request,
        Question,
        Answer,
        Reply,
        Stop,
    }

    private readonly Socket[] _nodes = [.. Enumerable.Range(0, Nodes).Select(_ => Open())];
    private readonly Socket _client = Open();
    private readonly SocketAddress[] _addresses;
    private readonly SocketAddress _clientAddress;
    private readonly ConcurrentDictionary<long, Call> _underWay = [];
    private readonly List<Thread> _threads = [];
    private long _lastId;

    public PlainQuorum()
    {
        _addresses = [.. _nodes.Select(n => ((IPEndPoint)n.LocalEndPoint!).Serialize())];
        _clientAddress = ((IPEndPoint)_client.LocalEndPoint!).Serialize();
        for (var i = 0; i < Nodes; i++)
        {
            var self = i;
            _threads.Add(new Thread(() => Serve(self)) { IsBackground = true });
        }
        _threads.Add(new Thread(TakeReplies) { IsBackground = true });
        foreach (var thread in _threads) thread.Start();
    }

    public IReadOnlyList<ServerProcess> Servers => [];

    public Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data) => Task.FromResult<IReadOnlyList<IConnection>>(
        [.. Enumerable.Range(0, connections).Select(i => new Connection(this, i % Nodes, data))]);

    public ValueTask DisposeAsync()
    {
        foreach (var address in _addresses.Append(_clientAddress)) Send(_client, [(byte)Step.Stop, 0, 0, 0, 0, 0, 0, 0, 0], address);
        foreach (var thread in _threads) thread.Join();
        foreach (var socket in _nodes.Append(_client)) socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Serve(int self)
    {
        var (socket, bytes, from) = (_nodes[self], new byte[65536], new SocketAddress(AddressFamily.InterNetwork));
        var answers = new Dictionary<long, int>();
        while (true)
        {
            var count = socket.ReceiveFrom(bytes, SocketFlags.None, from);
            var id = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(1));
            switch ((Step)bytes[0])
            {
                case Step.Request:
                    answers[id] = 0;
                    bytes[0] = (byte)Step.Question;
                    for (var i = 1; i < Nodes; i++) Send(socket, bytes.AsSpan(0, count), _addresses[(self + i) % Nodes]);
                    break;
                case Step.Question:
                    bytes[0] = (byte)Step.Answer;
                    Send(socket, bytes.AsSpan(0, Head), from);
                    break;
                case Step.Answer:
                    var sum = answers.GetValueOrDefault(id) + 1;
                    if (sum < Nodes - 1) answers[id] = sum;
                    else answers.Remove(id);
                    if (sum != Needed) break;
                    bytes[0] = (byte)Step.Reply;
                    Send(socket, bytes.AsSpan(0, Head), _clientAddress);
                    break;
                default:
                    return;
            }
        }
    }

    private void TakeReplies()
    {
        var (bytes, from) = (new byte[Head], new SocketAddress(AddressFamily.InterNetwork));
        while (true)
        {
            _client.ReceiveFrom(bytes, SocketFlags.None, from);
            if ((Step)bytes[0] == Step.Stop) return;
            if (_underWay.TryRemove(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(1)), out var call)) call.End(done: true);
        }
    }

    private static void Send(Socket socket, ReadOnlySpan<byte> bytes, SocketAddress to) => socket.SendTo(bytes, SocketFlags.None, to);

    private static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = Buffer, SendBufferSize = Buffer };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private sealed class Connection(PlainQuorum quorum, int node, Dataset data) : IConnection
    {
        public void Begin(Call call)
        {
            Span<byte> bytes = stackalloc byte[Head + 8192];
            var id = Interlocked.Increment(ref quorum._lastId);
            quorum._underWay[id] = call;
            bytes[0] = (byte)Step.Request;
            BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], id);
            data.Value(call.Key).CopyTo(bytes[Head..]);
            Send(quorum._client, bytes[..(Head + data.Bytes)], quorum._addresses[node]);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
