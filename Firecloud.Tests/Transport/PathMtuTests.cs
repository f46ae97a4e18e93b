// PathMtuTests.cs - sessions over paths that carry no datagram above some size, a size that changes included; on virtual time.
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public class PathMtuTests
{
    [Theory]
    [InlineData(65_507)]
    [InlineData(20_000)]
    [InlineData(8_972)]
    [InlineData(8_868)]
    [InlineData(1_472)]
    [InlineData(1_400)]
    [InlineData(1_372)]
    [InlineData(1_210)]
    [InlineData(1_200)]
    public void The_size_that_the_path_carries_is_found(int size)
    {
        var mesh = new FlowMesh(1, 1, datagram: 65_507) { PathMtu = size, Writes = false };
        mesh.Run(4_000_000);
        Assert.InRange(mesh.Sender().DatagramSize, size - 16, size);
        Assert.Equal((0, 0), (mesh.Sender().Counters.Lost, mesh.Unreachables));  // probes are not counted as lost
        var sent = mesh.DatagramsSent;
        mesh.Run(10_000_000);
        Assert.True(mesh.DatagramsSent - sent < 1_000, "the search ends");
    }

    [Fact]
    public void A_larger_size_than_configured_is_never_sent()
    {
        var mesh = new FlowMesh(1, 1, datagram: 5_000) { PathMtu = 8_972 };
        mesh.Run(300_000);
        Assert.Equal(5_000, mesh.Sender().DatagramSize);
        mesh.PathMtu = 5_000;
        var before = mesh.Sender().Counters.Lost;
        mesh.Run(300_000);
        Assert.Equal(before, mesh.Sender().Counters.Lost);
    }

    [Fact]
    public void The_search_does_not_shrink_the_window()
    {
        var mesh = new FlowMesh(1, 1, datagram: 65_507) { PathMtu = 1_372 };
        Assert.True(mesh.Run(300_000) > 0.8 * mesh.Rate);
        Assert.Equal((1 << 20, 0), (mesh.Sender().CongestionBytes, mesh.Sender().Counters.Lost));
    }

    [Theory]
    [InlineData(65_507, 1_472, true)]
    [InlineData(65_507, 8_972, true)]
    [InlineData(8_972, 1_200, true)]
    [InlineData(65_507, 1_472, false)]
    public void A_path_that_carries_less_from_now_on_is_noticed_at_once(int first, int then, bool busy)
    {
        var mesh = new FlowMesh(1, 1, datagram: 65_507) { PathMtu = first };
        mesh.Run(2_000_000);
        mesh.Writes = busy;
        mesh.Run(100_000);
        mesh.PathMtu = then;
        mesh.Writes = true;
        var before = mesh.Delivered;
        mesh.Run(200_000);
        Assert.True(mesh.Delivered > before + (1 << 20), $"{mesh.Delivered - before} bytes in 200 ms");
        Assert.Equal((1, 0), (mesh.BlackHoles, mesh.Unreachables));
        mesh.Run(3_000_000);
        Assert.InRange(mesh.Sender().DatagramSize, then - 16, then);
        Assert.True(mesh.Run(100_000) > 0.8 * mesh.Rate);
    }

    [Fact]
    public void Loss_by_chance_is_no_black_hole()
    {
        var mesh = new FlowMesh(1, 1, datagram: 8_972) { Loss = 0.05 };
        mesh.Run(1_000_000);
        Assert.True(mesh.Sender().Counters.Lost > 100);
        Assert.Equal((8_972, 0), (mesh.Sender().DatagramSize, mesh.BlackHoles));
    }

    [Fact]
    public void Another_route_begins_small_and_the_same_size_is_back_within_some_round_trips()
    {
        var mesh = new FlowMesh(1, 1, datagram: 65_507) { PathMtu = 8_972, Writes = false };
        mesh.Run(4_000_000);
        mesh.Sender().OnPathChanged();
        Assert.Equal(PathMtu.Base, mesh.Sender().DatagramSize);
        mesh.Run(5_000);
        Assert.Equal(8_972, mesh.Sender().DatagramSize);
    }

    [Fact]
    public void A_path_that_carries_more_is_noticed_after_ten_minutes()
    {
        var mesh = new FlowMesh(1, 1, datagram: 8_972) { PathMtu = 1_472, Writes = false };
        mesh.Run(4_000_000);
        mesh.PathMtu = 8_972;
        mesh.Run(PathMtu.RaiseAfter - 10_000_000);
        Assert.InRange(mesh.Sender().DatagramSize, 1_456, 1_472);
        mesh.Run(11_000_000);
        Assert.Equal(8_972, mesh.Sender().DatagramSize);
    }

    [Fact]
    public void A_cut_link_comes_back_with_small_datagrams()
    {
        var mesh = new FlowMesh(1, 1, datagram: 8_972);
        mesh.Run(100_000);
        mesh.Loss = 1;
        mesh.Run(1_000_000);
        Assert.Equal(PathMtu.Base, mesh.Sender().DatagramSize);
        (mesh.Loss, mesh.PathMtu) = (0, 1_472);
        var before = mesh.Delivered;
        mesh.Run(300_000);
        Assert.True(mesh.Sender().Reachable && mesh.Delivered > before + (1 << 20), $"{mesh.Delivered - before} bytes");
    }

    [Fact]
    public void Old_news_of_probes_and_a_single_probe_lost_change_nothing()
    {
        var mtu = new PathMtu(9_000);
        Assert.Equal(9_000, mtu.ProbeSize);
        mtu.OnProbeSent(9_000);
        Assert.Equal(0, mtu.ProbeSize);  // one at a time
        mtu.OnLost(9_000, isProbe: true, 1);
        Assert.Equal(9_000, mtu.ProbeSize);
        mtu.OnProbeSent(9_000);
        mtu.OnPathChanged();
        mtu.OnAcked(9_000, isProbe: true, 2);
        Assert.Equal(PathMtu.Base, mtu.Size);
        for (var i = 0; i < PathMtu.MaxProbes; i++)
        {
            Assert.Equal(9_000, mtu.ProbeSize);
            mtu.OnProbeSent(9_000);
            mtu.OnLost(9_000, isProbe: true, 3);
        }
        Assert.Equal(8_972, mtu.ProbeSize);
    }

    [Fact]
    public void Large_datagrams_that_come_through_in_between_or_silence_make_no_black_hole()
    {
        var mtu = new PathMtu(9_000);
        mtu.OnProbeSent(9_000);
        mtu.OnAcked(9_000, isProbe: true, 1);
        for (var i = 0; i < PathMtu.BlackHoleLosses; i++)
        {
            mtu.OnLost(9_000, isProbe: false, 2);
            mtu.OnAcked(9_000, isProbe: false, 2);
            mtu.OnAcked(500, isProbe: false, 2);
        }
        Assert.False(mtu.FellIntoBlackHole());
        for (var i = 0; i < PathMtu.BlackHoleLosses; i++) mtu.OnLost(9_000, isProbe: false, 3);
        Assert.False(mtu.FellIntoBlackHole());  // nothing comes through at all: a cut
        mtu.OnAcked(500, isProbe: false, 4);
        Assert.True(mtu.FellIntoBlackHole());
        Assert.Equal((PathMtu.Base, 9_000), (mtu.Size, mtu.ProbeSize));
    }
}
