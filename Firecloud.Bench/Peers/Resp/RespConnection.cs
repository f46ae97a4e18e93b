using System.Net;
using System.Net.Sockets;
using System.Text;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers.Resp;

/// <summary>One TCP connection that speaks the Redis protocol. What is begun while answers are read goes in one system call.</summary>
internal sealed class RespConnection : IConnection
{
    private readonly RespLoop _loop;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly RespCommands _commands;
    private readonly RespDialect _dialect;
    private readonly int _bytes;
    private readonly Lock _lock = new();
    private readonly Queue<Call> _underWay = [];
    private readonly List<(Call Call, bool Done)> _ended = [];
    private byte[] _in = new byte[16 << 10];
    private int _inCount;
    private int _sent;
    private bool _wantsRoom;
    private int _repliesLeft;
    private bool _good = true;
    private bool _broken;

    public RespConnection(RespLoop loop, int port, RespDialect dialect, Dataset data)
    {
        (_loop, _dialect, _bytes, _commands) = (loop, dialect, data.Bytes, new RespCommands(dialect, data));
        _repliesLeft = 0;
        _socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        _socket.Blocking = false;
        _loop.Register(this);
    }

    public int Handle => (int)_socket.Handle;

    public void Begin(Call call)
    {
        bool broken;
        lock (_lock)
        {
            broken = _broken;
            if (!broken)
            {
                _commands.Write(call);
                _underWay.Enqueue(call);
                if (!_loop.IsCurrent) Flush();
            }
        }
        if (broken) call.End(done: false);
    }

    /// <summary>Takes what has come, on the loop's thread.</summary>
    public void Ready(uint events)
    {
        const uint errors = 0x018;
        lock (_lock)
        {
            if ((events & ~4u) != 0 && (!Receive() || (events & errors) != 0)) Break();
        }
        foreach (var (call, done) in _ended) call.End(done);
        _ended.Clear();
        lock (_lock) Flush();
    }

    public ValueTask DisposeAsync()
    {
        _loop.Forget(this);
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private bool Receive()
    {
        var count = _socket.Receive(_in.AsSpan(_inCount), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock) return true;
        if (error != SocketError.Success || count == 0) return false;
        _inCount += count;
        var at = 0;
        while (RespReplies.TryRead(_in.AsSpan(at, _inCount - at), out var reply))
        {
            at += reply.Length;
            if (_underWay.Count == 0) return false;
            if (reply.Type == '-') _underWay.Peek().Why = Encoding.UTF8.GetString(_in, at - reply.Length, reply.Length).Trim();
            Take(reply);
        }
        if (at > 0) _in.AsSpan(at, _inCount - at).CopyTo(_in);
        _inCount -= at;
        if (_inCount == _in.Length) Array.Resize(ref _in, 2 * _in.Length);
        return true;
    }

    // The answers of one call: of a get one; of a write, where replicas are waited for, a second one with their number.
    private void Take(in RespReply reply)
    {
        var call = _underWay.Peek();
        if (_repliesLeft == 0)
        {
            (_repliesLeft, _good) = (call.Kind == Kind.Get || _dialect.Replicas == 0 ? 1 : 2, true);
            _good &= call.Kind == Kind.Get ? reply.Type == '$' && reply.Number == _bytes : reply.Type == '+';
        }
        else
        {
            _good &= reply.Type == ':' && reply.Number >= _dialect.Replicas;
        }
        if (--_repliesLeft > 0) return;
        _underWay.Dequeue();
        _ended.Add((call, _good));
    }

    private void Flush()
    {
        while (!_broken && _sent < _commands.Count)
        {
            _sent += _socket.Send(_commands.Bytes[_sent..], SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                Want(true);
                return;
            }
            if (error != SocketError.Success) return;   // reading says so too
        }
        _commands.Clear();
        _sent = 0;
        Want(false);
    }

    private void Want(bool room)
    {
        if (room == _wantsRoom || _broken) return;
        _wantsRoom = room;
        _loop.WantRoom(this, room);
    }

    private void Break()
    {
        _broken = true;
        _loop.Forget(this);
        while (_underWay.TryDequeue(out var call)) _ended.Add((call, false));
    }
}
