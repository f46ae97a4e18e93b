// RoutedMesh.cs - four members with routers and a session for each pair, over a network in memory with virtual time. Requests go
// from each to each and are answered, so that what a cut costs can be read off exactly.
using Firecloud.Actors.Transport;

namespace Firecloud.Tests.Transport;

internal sealed class RoutedMesh
{
    private const int Count = 4;
    private readonly Random _random;
    private readonly int _size;
    private readonly PriorityQueue<(int From, int To, byte[] Bytes), long> _network = new();
    private readonly bool[,] _up = new bool[Count, Count];
    private readonly Member[] _nodes;

    /// <param name="seed">Of the delays.</param>
    /// <param name="size">Bytes of a request and of an answer, from 9.</param>
    public RoutedMesh(int seed, int size = 9)
    {
        (_random, _size) = (new Random(seed), size);
        Restore();
        _nodes = [.. Enumerable.Range(0, Count).Select(i => new Member(this, i))];
        foreach (var node in _nodes) node.Open();
    }

    public long Now { get; private set; } = 1_000_000;
    public string? Violation { get; set; }
    public long Worst { get; private set; }
    public string WorstPair { get; private set; } = "";
    public long Answered { get; private set; }
    public long Relayed { get; private set; }
    public long Refused { get; private set; }
    public int Unreachable { get; set; }
    public bool IsDone => _nodes.All(n => n.IsDone);

    public void Cut(int from, int to) => _up[from, to] = false;

    public void Restore()
    {
        for (var i = 0; i < Count * Count; i++) _up[i / Count, i % Count] = true;
    }

    public bool AllDirect => _nodes.All(n => Enumerable.Range(0, Count).All(m => m == n.Number || n.Router.Table.Routes[m] == RoutePath.Direct));

    public void ForgetWorst() => (Worst, WorstPair) = (0, "");

    /// <summary>Runs; with <paramref name="ask"/> every member asks every other one each 5 ms.</summary>
    public void Run(long micros, bool ask, Func<bool>? until = null)
    {
        var end = Now + micros;
        while (Now < end && Violation is null && until?.Invoke() != true)
        {
            foreach (var node in _nodes) node.Work(ask);
            var next = Math.Min(end, _nodes.Min(n => n.Deadline(ask)));
            if (_network.TryPeek(out _, out var due)) next = Math.Min(next, due);
            Now = Math.Max(Now + 1, next);
            while (_network.TryPeek(out var datagram, out due) && due <= Now)
            {
                _network.Dequeue();
                _nodes[datagram.To].Receive(datagram.From, datagram.Bytes);
            }
        }
    }

    private void Carry(int from, int to, ReadOnlySpan<byte> bytes)
    {
        if (!_up[from, to]) return;
        _network.Enqueue((from, to, bytes.ToArray()), Now + 100 + _random.Next(200));
    }

    private void OnAnswer(int from, int to, long askedAt)
    {
        Answered++;
        if (Now - askedAt <= Worst) return;
        (Worst, WorstPair) = (Now - askedAt, $"{from} to {to}, asked at {askedAt}");
    }

    private sealed class Member
    {
        private readonly RoutedMesh _mesh;
        private readonly Peer?[] _peers;
        private readonly RelayRule _rule;
        private long _askAt;

        public Member(RoutedMesh mesh, int number)
        {
            (_mesh, Number) = (mesh, number);
            Router = new Router(number, Count, RouterMesh.Settings, 1, new Random(number), mesh.Now);
            _rule = new RelayRule(number, 1 << 30);
            _peers = [.. Enumerable.Range(0, Count).Select(m => m == number ? null : new Peer(this, m))];
        }

        public int Number { get; }
        public Router Router { get; }
        public bool IsDone => _peers.All(p => p is null || p.Asked == p.Answers);

        public void Open()
        {
            foreach (var peer in _peers) peer?.Open();
        }

        public long Deadline(bool ask)
        {
            var next = Math.Min(Router.Deadline, ask ? _askAt : long.MaxValue);
            foreach (var peer in _peers) next = Math.Min(next, peer?.Session.NextDeadline() ?? long.MaxValue);
            return next;
        }

        public void Work(bool ask)
        {
            var now = _mesh.Now;
            var buffer = new byte[2_000];
            if (Router.Deadline <= now && Router.OnTimer(now))
            {
                var length = Router.WriteProbe(buffer.AsSpan(DatagramHeader.Size), now);
                DatagramHeader.Between(((ushort)Number, 0), DatagramKind.Probe, 0, 0).Write(buffer);
                for (var to = 0; to < Count; to++)
                {
                    if (to != Number) _mesh.Carry(Number, to, buffer.AsSpan(0, DatagramHeader.Size + length));
                }
            }
            var due = ask && now >= _askAt;
            if (due) _askAt = now + 5_000;
            foreach (var peer in _peers) peer?.Work(due, buffer);
        }

        public void Receive(int source, Span<byte> datagram)
        {
            DatagramHeader.TryPeek(datagram, out var kind, out var hops, out var origin, out var destination);
            if (kind == DatagramKind.Probe)
            {
                if (!Router.OnProbe(source, datagram[DatagramHeader.Size..], _mesh.Now)) _mesh.Violation = "a probe makes no sense";
                return;
            }
            if (destination == Number)
            {
                _peers[origin]!.Receive(source, datagram);
                return;
            }
            if (_rule.Judge(kind, hops, source, origin, destination, Count, datagram.Length, _mesh.Now) != RelayVerdict.Forward)
            {
                _mesh.Violation ??= $"{Number} refused {source} for {origin} to {destination}";
                return;
            }
            datagram[DatagramHeader.HopsAt] = RelayRule.HopsAfter(hops);
            _mesh.Relayed++;
            _mesh.Carry(Number, RelayRule.Next(hops, destination), datagram);
        }

        public void Send(int to, Span<byte> datagram, SentWay way, int echo)
        {
            Span<RoutePath> paths = stackalloc RoutePath[RouteTable.MaxPaths];
            foreach (var path in paths[..Router.Table.PathsFor(paths, to, way, datagram.Length, echo)])
            {
                datagram[DatagramHeader.HopsAt] = path.Hops;
                _mesh.Carry(Number, path.FirstHop(to), datagram);
            }
        }

        // Both ask: a message is "q" or "a" and the time of asking.
        private sealed class Peer : ISessionOwner, IAssociationSink
        {
            private readonly Member _owner;
            private readonly int _number;
            private readonly RoutedMesh _mesh;
            private EchoWay _echo = new();
            private Association? _way;

            public Peer(Member owner, int number)
            {
                (_owner, _number, _mesh) = (owner, number, owner._mesh);
                var settings = MeshTests.SessionSettings with { Kept = true };
                Session = new Session(settings, 1, owner.Number < number, settings.ReceiveWindow, ChecksumSeal.Instance, this, _mesh.Now)
                {
                    Ids = ((ushort)owner.Number, (ushort)number),
                };
            }

            public Session Session { get; }
            public long Asked { get; private set; }
            public long Answers { get; private set; }

            public void Open()
            {
                if (_owner.Number > _number) return;
                _way = Session.Open(_mesh.Now)!;
                _way.Sink = this;
                _way.Opened = accepted => _mesh.Violation ??= accepted ? null : "refused";
            }

            public void Work(bool ask, byte[] buffer)
            {
                Session.OnTimer(_mesh.Now);
                if (ask && _way is { State: AssociationState.Open } && Session.Reachable)
                {
                    Asked++;
                    Write('q', _mesh.Now);
                }
                for (int length; (length = Session.Build(buffer, _mesh.Now)) > 0;)
                {
                    _owner.Send(_number, buffer.AsSpan(0, length), Session.Way, _echo.For(length, _mesh.Now));
                }
            }

            public void Receive(int source, Span<byte> datagram)
            {
                if (DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out var header, out var payload) != DatagramError.None)
                {
                    _mesh.Violation ??= "a datagram was damaged by relays";
                }
                var copies = Session.Counters.Duplicates;
                if (!Session.Receive(header.Number, payload, _mesh.Now)) _mesh.Violation ??= "a session broke";
                if (Session.Counters.Duplicates != copies) return;
                if (source == _number) _owner.Router.OnHeard(_number, _mesh.Now);
                else _echo.OnRelayed(source, _owner.Router.Table.Hears(_number), _mesh.Now);
            }

            public IAssociationSink OnAccepted(Association association)
            {
                _way = association;
                return this;
            }

            public void OnReachability(bool reachable, TimeSpan silentFor) => _mesh.Unreachable += reachable ? 0 : 1;

            public void OnBlackHole()
            {
            }

            public void OnSuspicion(bool suspected) { }

            public bool MaySuspect() => true;

            public bool MayDeclareUnreachable(long silentMicros) => true;

            public void Deliver(ReadOnlyMemory<byte> message)
            {
                var at = BitConverter.ToInt64(message.Span[1..]);
                if (message.Span[0] == 'q')
                {
                    Write('a', at);
                    return;
                }
                Answers++;
                _mesh.OnAnswer(_owner.Number, _number, at);
            }

            public void Closed() => _mesh.Violation ??= "an association closed";

            private void Write(char kind, long at)
            {
                var message = new byte[_mesh._size];
                message[0] = (byte)kind;
                BitConverter.TryWriteBytes(message.AsSpan(1), at);
                _way!.Sender.TryWrite(message);
            }
        }
    }
}
