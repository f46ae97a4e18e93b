using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

/// <summary>Senders with more to say than fits, and one receiver behind one queue that overflows, on virtual time. Loss, lateness
/// and the queue concern both directions alike, except that acknowledgements don't wait in the queue.</summary>
internal sealed class FlowMesh
{
    private static readonly byte[] Message = new byte[16 * 1024];

    private readonly Random _random;
    private readonly PriorityQueue<(End To, byte[] Bytes), long> _network = new();
    private readonly byte[] _buffer = new byte[65_536];
    private readonly List<End> _ends = [];
    private double _busyUntil;

    public FlowMesh(int seed, int senders, int datagram = 1_472, long sendWindow = 1 << 20)
    {
        _random = new Random(seed);
        for (var i = 0; i < senders; i++)
        {
            var (sender, receiver) = (new End(this, true, datagram, sendWindow), new End(this, false, datagram, sendWindow));
            (sender.Peer, receiver.Peer) = (receiver, sender);
            _ends.AddRange([sender, receiver]);
            sender.Association = sender.Session.Open(Now)!;
        }
    }

    public long Now { get; private set; } = 1_000_000;

    /// <summary>Microseconds there and back.</summary>
    public long RoundTrip { get; set; } = 200;

    /// <summary>Share of datagrams lost by chance, each way.</summary>
    public double Loss { get; set; }

    /// <summary>Share of datagrams that come later than the next ones, by up to <see cref="LateBy"/> microseconds.</summary>
    public double Late { get; set; }

    public int LateBy { get; set; } = 1_000;

    /// <summary>Bytes per microsecond through the queue.</summary>
    public double Rate { get; set; } = 125;

    /// <summary>Bytes that wait in it at most.</summary>
    public long Queue { get; set; } = 4 << 20;

    /// <summary>Larger datagrams vanish, both ways.</summary>
    public int PathMtu { get; set; } = 65_507;

    public bool Writes { get; set; } = true;

    public long Delivered { get; private set; }

    public long DatagramsSent { get; private set; }

    public long Overflowed { get; private set; }

    public int BlackHoles { get; private set; }

    public int Unreachables { get; private set; }

    public Session Sender(int index = 0) => _ends[2 * index].Session;

    /// <summary>Writes one small message.</summary>
    /// <param name="index">By which sender.</param>
    public void Write(int index = 0) => Assert.True(_ends[2 * index].Association!.Sender.TryWrite(Message.AsMemory(0, 100)));

    public long DeliveredBy(int index) => _ends[(2 * index) + 1].Delivered;

    /// <summary>Runs for a time.</summary>
    /// <returns>Bytes per microsecond of stream data that arrived in it.</returns>
    public double Run(long micros)
    {
        var (end, before) = (Now + micros, Delivered);
        foreach (var one in _ends) Pump(one);
        while (Now < end)
        {
            var next = end;
            foreach (var one in _ends) next = Math.Min(next, one.Deadline);
            if (_network.TryPeek(out _, out var due)) next = Math.Min(next, due);
            Now = Math.Max(Now, next);
            while (_network.TryPeek(out var datagram, out due) && due <= Now)
            {
                _network.Dequeue();
                datagram.To.Receive(datagram.Bytes);
                Pump(datagram.To);
            }
            foreach (var one in _ends)
            {
                if (one.Deadline > Now) continue;
                one.Session.OnTimer(Now);
                Pump(one);
            }
        }
        return (Delivered - before) / (double)micros;
    }

    private void Pump(End from)
    {
        if (Writes && from.Association is { State: AssociationState.Open, Sender: var sender })
        {
            while (sender.QueuedBytes < 4 << 20) sender.TryWrite(Message);
        }
        for (int length; (length = from.Session.Build(_buffer, Now)) > 0;) Carry(from, _buffer.AsSpan(0, length));
        from.Deadline = Math.Max(Now + 1, from.Session.NextDeadline());
    }

    private void Carry(End from, ReadOnlySpan<byte> datagram)
    {
        DatagramsSent++;
        if (datagram.Length > PathMtu || _random.NextDouble() < Loss) return;
        var delay = (RoundTrip / 2) + (_random.NextDouble() < Late ? _random.Next(LateBy) : 0);
        if (from.Association is not null)
        {
            _busyUntil = Math.Max(_busyUntil, Now);
            if (((_busyUntil - Now) * Rate) + datagram.Length > Queue)
            {
                Overflowed++;
                return;
            }
            _busyUntil += datagram.Length / Rate;
            delay += (long)(_busyUntil - Now);
        }
        else delay += _random.NextInt64(RoundTrip / 2);  // or those whose slot was freed last would always find one
        _network.Enqueue((from.Peer, datagram.ToArray()), Now + delay);
    }

    private sealed class End : ISessionOwner, IAssociationSink
    {
        private readonly FlowMesh _mesh;

        public End(FlowMesh mesh, bool even, int datagram, long sendWindow)
        {
            _mesh = mesh;
            var settings = new SessionSettings
            {
                Datagram = datagram, InitialWindow = 64 * 1024, SendWindow = sendWindow, ReceiveWindow = 2 << 20,
                QueueCap = 64 << 20, MaxMessage = 100_000, MaxAssociations = 8, AckDelay = 2_000, InitialProbe = 50_000,
                MinProbe = 10_000, MaxProbe = 100_000, Keepalive = 100_000, SuspectAfter = 150_000, UnreachableAfter = 350_000, Linger = 5_000_000,
                Kept = false,
            };
            Session = new Session(settings, 99, even, settings.ReceiveWindow, ChecksumSeal.Instance, this, mesh.Now);
        }

        public Session Session { get; }
        public End Peer { get; set; } = null!;
        public Association? Association { get; set; }
        public long Deadline { get; set; }
        public long Delivered { get; private set; }

        public void Receive(byte[] datagram)
        {
            var error = DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out var header, out var payload);
            Assert.Equal(DatagramError.None, error);
            Assert.True(Session.Receive(header.Number, payload, _mesh.Now));
            Assert.Equal(0, Session.Counters.Malformed);
        }

        public IAssociationSink OnAccepted(Association association) => this;

        public void OnReachability(bool reachable, TimeSpan silentFor) => _mesh.Unreachables += reachable ? 0 : 1;

        public void OnBlackHole() => _mesh.BlackHoles++;

        public void OnSuspicion(bool suspected) { }

        public bool MaySuspect() => true;

        public bool MayDeclareUnreachable(long silentMicros) => true;

        public void Deliver(ReadOnlyMemory<byte> message)
        {
            Delivered += message.Length;
            _mesh.Delivered += message.Length;
        }

        public void Closed() => throw new InvalidOperationException("an association closed");
    }
}
