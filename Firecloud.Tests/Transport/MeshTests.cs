// MeshTests.cs - two sessions over a network in memory with virtual time: loss, reordering, duplicates, cuts, all from a seed.
// Safety: each message exactly once, in order, with its boundaries. Liveness: once the network is whole, everything arrives.
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public class MeshTests
{
    internal static SessionSettings SessionSettings { get; } = new()
    {
        Datagram = 1_200, InitialWindow = 12_000, SendWindow = 100_000, ReceiveWindow = 64 * 1024, QueueCap = 1 << 20,
        MaxMessage = 100_000, MaxAssociations = 8, AckDelay = 2_000, InitialProbe = 50_000, MinProbe = 10_000, MaxProbe = 100_000,
        Keepalive = 100_000, SuspectAfter = 150_000, UnreachableAfter = 350_000, Linger = 5_000_000, Kept = false,
    };

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Everything_arrives_once_and_in_order(int block)
    {
        for (var seed = block * 6; seed < (block + 1) * 6; seed++)
        {
            var mesh = new Mesh(seed);
            mesh.Run(micros: 400_000, write: true);
            mesh.Heal();
            mesh.Run(micros: 3_000_000, write: false);
            Assert.True(mesh.Violation is null, $"seed {seed}: {mesh.Violation}");
            Assert.True(mesh.AllArrived, $"seed {seed}: {mesh.Missing}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cut_is_noticed_in_time_and_probes_stay_few_and_memory_bounded(bool oneWay)
    {
        var mesh = new Mesh(1, lossless: true);
        mesh.Run(100_000, write: true);
        mesh.Cut(oneWay);
        mesh.Run(400_000, write: true);
        Assert.False(mesh.A.Session.Reachable);
        Assert.False(mesh.B.Session.Reachable);
        var (sent, queued) = (mesh.Sent, mesh.A.Queued);
        mesh.Run(60_000_000, write: false);
        Assert.InRange(mesh.Sent - sent, 60_000 / 100, 60_000 / 10);  // at least each 100 ms and side, and not many more
        Assert.True(mesh.A.Queued <= queued);
        mesh.Heal();
        mesh.Run(200_000, write: false);
        Assert.True(mesh.A.Session.Reachable && mesh.B.Session.Reachable);
        mesh.Run(1_000_000, write: false);
        Assert.True(mesh.Violation is null && mesh.AllArrived, mesh.Violation ?? mesh.Missing);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_silent_peer_is_suspected_before_it_is_unreachable_and_only_until_it_answers(bool oneWay)
    {
        var mesh = new Mesh(1, lossless: true);
        mesh.Run(1_000_000, write: true);
        Assert.Equal((0, false), (mesh.A.Suspicions, mesh.A.Session.Suspected));
        mesh.Cut(oneWay);
        mesh.Hears = true;
        mesh.Run(140_000, write: true);
        Assert.False(mesh.A.Session.Suspected);
        mesh.Run(20_000, write: true);
        Assert.False(mesh.A.Session.Suspected);
        mesh.Hears = false;
        mesh.Run(20_000, write: true);
        Assert.True(mesh.A.Session is { Suspected: true, Reachable: true });
        mesh.Heal();
        mesh.Run(150_000, write: true);
        Assert.True(mesh.A.Session is { Suspected: false, Reachable: true });
        // It was wrong, so the next one waits twice as long; and after a while as long as the first.
        mesh.Cut(oneWay);
        mesh.Run(200_000, write: true);
        Assert.False(mesh.A.Session.Suspected);
        mesh.Run(130_000, write: true);
        Assert.True(mesh.A.Session is { Suspected: true, Reachable: true });
        mesh.Run(80_000, write: true);
        Assert.True(mesh.A.Session is { Suspected: false, Reachable: false });
        Assert.Equal(2, mesh.A.Suspicions);
        mesh.Heal();
        mesh.Run(11_000_000, write: true);
        mesh.Cut(oneWay);
        mesh.Run(180_000, write: true);
        Assert.True(mesh.A.Session.Suspected);
    }

    [Fact]
    public void An_idle_link_costs_a_few_small_datagrams_per_interval()
    {
        var mesh = new Mesh(1, lossless: true);
        mesh.Run(10_000_000, write: false);
        Assert.True(mesh.Sent < 10 * 10 * 5, $"{mesh.Sent} datagrams in 10 s");
        Assert.True(mesh.A.Session.Reachable && mesh.B.Session.Reachable);
    }

    [Fact]
    public void Random_frames_never_throw()
    {
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var mesh = i % 100 == 0 ? new Mesh(i, lossless: true) : null;
            mesh ??= _reused ??= new Mesh(1, lossless: true);
            _reused = mesh;
            var payload = new byte[random.Next(0, 200)];
            random.NextBytes(payload);
            for (var at = 0; at < payload.Length; at += random.Next(1, 9)) payload[at] = (byte)random.Next(0, 8);
            if (!mesh.B.Session.Receive(1_000_000 + i, payload, mesh.Now)) _reused = null;
        }
    }

    private Mesh? _reused;

    private sealed class Mesh
    {
        private readonly Random _random;
        private readonly PriorityQueue<(Node To, byte[] Bytes), long> _network = new();
        private double _loss;
        private double _duplicate;
        private double _late;
        private bool _cutAB;
        public bool Hears { get; set; }   // other signs of life than round trips
        private bool _cutBA;
        private long _writeAt;

        public Mesh(int seed, bool lossless = false)
        {
            _random = new Random(seed);
            if (!lossless) (_loss, _duplicate, _late) = (_random.NextDouble() * 0.3, _random.NextDouble() * 0.2, _random.NextDouble() * 0.3);
            A = new Node(this, true);
            B = new Node(this, false);
            A.OpenOne();
            Run(lossless ? 10_000 : 200_000, write: false);
            A.OpenOne();
            B.OpenOne();
        }

        public Node A { get; }
        public Node B { get; }
        public long Now { get; private set; } = 1_000_000;
        public long Sent { get; private set; }
        public string? Violation { get; set; }
        public bool AllArrived => A.AllArrived && B.AllArrived;
        public string Missing => $"{A.Missing} {B.Missing}";

        public void Heal() => (_loss, _duplicate, _late, _cutAB, _cutBA) = (0, 0, 0, false, false);

        public void Cut(bool oneWay) => (_cutAB, _cutBA) = (true, !oneWay);

        public void Run(long micros, bool write)
        {
            var end = Now + micros;
            while (Now < end && Violation is null)
            {
                if (write && Now >= _writeAt)
                {
                    _writeAt = Now + _random.Next(1, 800);
                    (_random.Next(2) == 0 ? A : B).WriteSomething(_random);
                }
                A.Pump(B, end);
                B.Pump(A, end);
                var next = Math.Min(end, Math.Min(A.Session.NextDeadline(), B.Session.NextDeadline()));
                if (_network.TryPeek(out _, out var due)) next = Math.Min(next, due);
                if (write) next = Math.Min(next, _writeAt);
                Now = Math.Max(Now + 1, next);
                while (_network.TryPeek(out var datagram, out due) && due <= Now)
                {
                    _network.Dequeue();
                    datagram.To.Receive(datagram.Bytes);
                }
                A.Session.OnTimer(Now);
                B.Session.OnTimer(Now);
            }
        }

        public void Carry(Node from, Node to, ReadOnlySpan<byte> datagram)
        {
            Sent++;
            if ((from == A ? _cutAB : _cutBA) || _random.NextDouble() < _loss) return;
            var copies = _random.NextDouble() < _duplicate ? 2 : 1;
            for (var i = 0; i < copies; i++)
            {
                var delay = 100 + _random.Next(100) + (_random.NextDouble() < _late ? _random.Next(20_000) : 0);
                _network.Enqueue((to, datagram.ToArray()), Now + delay);
            }
        }
    }

    private sealed class Node : ISessionOwner
    {
        private readonly Mesh _mesh;
        private readonly byte[] _buffer = new byte[2_000];
        private readonly Dictionary<long, List<string>> _written = [];
        private readonly Dictionary<long, Sink> _sinks = [];
        private readonly List<Association> _open = [];
        private int _count;

        public Node(Mesh mesh, bool even)
        {
            _mesh = mesh;
            Session = new Session(Settings, 99, even, Settings.ReceiveWindow, ChecksumSeal.Instance, this, mesh.Now);
        }

        private static SessionSettings Settings => SessionSettings;

        public Session Session { get; }
        public Node Peer => _mesh.A == this ? _mesh.B : _mesh.A;
        public long Queued => _open.Sum(a => a.Sender.QueuedBytes);
        public bool AllArrived => _written.All(w => Peer._sinks.TryGetValue(w.Key, out var sink) && sink.Received >= w.Value.Count);
        public string Missing => string.Join(", ", _written.Select(w => $"{w.Key}: {Peer._sinks.GetValueOrDefault(w.Key)?.Received} of {w.Value.Count}"));

        public void OpenOne()
        {
            var association = Session.Open(_mesh.Now)!;
            Add(association);
            association.Opened = accepted => { if (!accepted) _mesh.Violation = "refused"; };
        }

        public void WriteSomething(Random random)
        {
            if (_open.Count == 0) return;
            var association = _open[random.Next(_open.Count)];
            if (!Session.Reachable) return;
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                var text = $"{_count++} " + new string('x', random.Next(10) == 0 ? random.Next(20_000) : random.Next(200));
                if (!association.Sender.TryWrite(System.Text.Encoding.ASCII.GetBytes(text))) return;
                if (!_written.TryGetValue(association.Id, out var list)) _written[association.Id] = list = [];
                list.Add(text);
            }
        }

        public void Pump(Node to, long _)
        {
            for (int length; (length = Session.Build(_buffer, _mesh.Now)) > 0;) _mesh.Carry(this, to, _buffer.AsSpan(0, length));
        }

        public void Receive(byte[] datagram)
        {
            var error = DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out var header, out var payload);
            if (error != DatagramError.None || !Session.Receive(header.Number, payload, _mesh.Now)) _mesh.Violation ??= $"{error} {header}";
            if (Session.Counters.Malformed > 0) _mesh.Violation ??= "malformed frames";
        }

        public IAssociationSink OnAccepted(Association association) => Add(association);

        public void OnReachability(bool reachable, TimeSpan silentFor)
        {
            if (reachable) return;
            // What was not begun is dropped now; the rest must arrive.
            foreach (var association in _open)
            {
                if (_written.TryGetValue(association.Id, out var list)) Trim(list, association.Sender.End);
            }
        }

        public void OnBlackHole() => _mesh.Violation ??= "no datagram is larger than the base";

        public void OnSuspicion(bool suspected) => Suspicions += suspected ? 1 : 0;

        public int Suspicions { get; private set; }

        public bool MaySuspect() => !_mesh.Hears;

        public bool MayDeclareUnreachable(long silentMicros) => true;

        private static void Trim(List<string> list, long end)
        {
            var at = 0L;
            for (var i = 0; i < list.Count; i++)
            {
                if (at >= end)
                {
                    list.RemoveRange(i, list.Count - i);
                    return;
                }
                at += Varint.Size((ulong)list[i].Length) + list[i].Length;
            }
        }

        private Sink Add(Association association)
        {
            var sink = new Sink(this, association.Id);
            association.Sink = sink;
            _sinks.Add(association.Id, sink);
            _open.Add(association);
            return sink;
        }

        private sealed class Sink(Node node, long id) : IAssociationSink
        {
            public int Received { get; private set; }

            public void Deliver(ReadOnlyMemory<byte> message)
            {
                var text = System.Text.Encoding.ASCII.GetString(message.Span);
                var expected = node.Peer._written.GetValueOrDefault(id)?.ElementAtOrDefault(Received);
                if (text != expected) node._mesh.Violation ??= $"association {id}, message {Received}: {text.Length} bytes, {expected?.Length} expected";
                Received++;
            }

            public void Closed() => node._mesh.Violation ??= $"association {id} closed";
        }
    }
}
