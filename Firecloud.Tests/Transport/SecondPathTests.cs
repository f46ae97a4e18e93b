// SecondPathTests.cs - what a session does by itself when its route is cut and another path is not, on virtual time.
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public sealed class SecondPathTests
{
    private const long Delay = 200;
    private const long Patience = 350_000;

    private readonly PriorityQueue<(End To, byte[] Bytes), long> _network = new();
    private readonly End _a;
    private readonly End _b;
    private long _now = 1_000_000;

    public SecondPathTests()
    {
        (_a, _b) = (new End(this, opensEven: true), new End(this, opensEven: false));
        _a.Open();
        for (var i = 0; i < 20; i++) _a.Write(Patience);
    }

    [Fact]
    public void One_probe_timeout_after_a_cut_everything_takes_the_second_path_that_works()
    {
        _a.RouteWorks = false;
        var first = _a.Write(Patience);
        Assert.InRange(first, 2 * Delay, 100_000);  // a probe time-out: 10 to 100 ms
        Run(5_000, () => false);  // until its acknowledgement is there
        // Without the move each of them would wait for a probe time-out of its own, 10 ms at least.
        for (var i = 0; i < 100; i++) Assert.InRange(_a.Write(Patience), Delay, 2 * Delay);
        Assert.Equal(SentWay.Second, _a.LastWay);
    }

    [Fact]
    public void It_comes_back_to_the_route_by_itself()
    {
        _a.RouteWorks = false;
        _a.Write(Patience);
        _a.RouteWorks = true;
        Run(400_000, () => false);  // longer than what moved data stays away
        _a.Write(Patience);
        Assert.Equal(SentWay.Route, _a.LastWay);
    }

    [Fact]
    public void A_peer_that_is_only_slow_moves_nothing()
    {
        // Both ways carry everything, late: what went by the route is acknowledged too.
        _b.ExtraDelay = 60_000;
        for (var i = 0; i < 5; i++) _a.Write(Patience);
        _b.ExtraDelay = 0;
        Run(200_000, () => false);
        _a.Write(Patience);
        Assert.Equal(SentWay.Route, _a.LastWay);
    }

    private bool Run(long micros, Func<bool> until)
    {
        for (var end = _now + micros; _now < end; _now += 50)
        {
            while (_network.TryPeek(out var next, out var due) && due <= _now)
            {
                _network.Dequeue();
                next.To.Receive(next.Bytes);
            }
            _a.Work();
            _b.Work();
            if (until()) return true;
        }
        return false;
    }

    private sealed class End : ISessionOwner, IAssociationSink
    {
        private readonly SecondPathTests _test;
        private readonly Session _session;
        private Association? _association;
        private int _written;
        private int _received;

        public End(SecondPathTests test, bool opensEven)
        {
            _test = test;
            var settings = MeshTests.SessionSettings with { Kept = true };
            _session = new Session(settings, 1, opensEven, settings.ReceiveWindow, ChecksumSeal.Instance, this, test._now);
        }

        public bool RouteWorks { get; set; } = true;

        public long ExtraDelay { get; set; }

        /// <summary>How the last datagram with a message went.</summary>
        public SentWay LastWay { get; private set; }

        private End Peer => this == _test._a ? _test._b : _test._a;

        public void Open()
        {
            _association = _session.Open(_test._now)!;
            Assert.True(_test.Run(Patience, () => _association.State == AssociationState.Open), "not opened");
        }

        /// <summary>Writes a message and waits until the peer has it.</summary>
        /// <returns>How long that took, microseconds.</returns>
        public long Write(long patience)
        {
            _written++;
            Assert.True(_association!.Sender.TryWrite(new byte[100]));
            var begin = _test._now;
            Assert.True(_test.Run(patience, () => Peer._received == _written), $"message {_written} did not arrive");
            return _test._now - begin;
        }

        public void Work()
        {
            _session.OnTimer(_test._now);
            var buffer = new byte[2_000];
            for (int length; (length = _session.Build(buffer, _test._now)) > 0;)
            {
                if (length > 100) LastWay = _session.Way;
                if (_session.Way == SentWay.Route && !RouteWorks) continue;
                _test._network.Enqueue((Peer, buffer[..length]), _test._now + Delay + ExtraDelay);
            }
        }

        public void Receive(byte[] datagram)
        {
            Assert.Equal(DatagramError.None, DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out var header, out var payload));
            Assert.True(_session.Receive(header.Number, payload, _test._now));
        }

        public IAssociationSink OnAccepted(Association association) => this;

        public void OnReachability(bool reachable, TimeSpan silentFor) => Assert.Fail($"reachable: {reachable}");

        public void OnBlackHole() => Assert.Fail("no datagram is large here");

        public void OnSuspicion(bool suspected) => Assert.Fail($"suspected: {suspected}");

        public bool MaySuspect() => true;

        public bool MayDeclareUnreachable(long silentMicros) => true;

        public void Deliver(ReadOnlyMemory<byte> message) => _received++;

        public void Closed() => Assert.Fail("closed");
    }
}
