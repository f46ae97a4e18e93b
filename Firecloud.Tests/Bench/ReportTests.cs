using System.Text;
using System.Xml.Linq;
using Firecloud.Bench.Load;
using Firecloud.Bench.Peers;
using Firecloud.Bench.Peers.Etcd;
using Firecloud.Bench.Peers.Resp;
using Firecloud.Bench.Report;
using Xunit;

namespace Firecloud.Tests.Bench;

/// <summary>Tables, plots, and what the load says to other stores.</summary>
public sealed class ReportTests
{
    [Fact]
    public void Ratios_are_ours_to_theirs_and_absent_where_one_was_not_measured()
    {
        var (puts, gets) = (new Workload { Clients = 64 }, new Workload { Gets = 1, Clients = 64 });
        Result[] results =
        [
            new(puts, Contender.DiskLibrary, Speed(3000)),
            new(puts, Contender.Etcd, Speed(2000)),
            new(gets, Contender.DiskLibrary, Speed(100)),
        ];
        Assert.Equal("|  | library : etcd |\n| --- | --- |\n| put, 64 clients | 1.50 |\n| get, 64 clients |  |\n", RatioTable.Of(results, m => m.PerSecond).ToMarkdown());
    }

    [Fact]
    public void A_median_is_of_each_figure_by_itself()
    {
        Measured[] runs = [new(3, 1, 9, 9, 5, 5, 1), new(1, 2, 8, 8, 6, 6, 0), new(2, 3, 7, 7, 4, 4, 2)];
        Assert.Equal(new Measured(2, 2, 8, 8, 5, 5, 3), Measured.Median(runs));
        Assert.Equal(2.5, Measured.Median([Speed(1), Speed(4)]).PerSecond);
    }

    [Fact]
    public void A_new_curve_displaces_the_old_one_and_leaves_the_others()
    {
        var earlier = GrowthPoints.Read(null);
        foreach (var x in (int[])[1, 10])
        {
            earlier.Add(new GrowthPoint("puts", "a", x, 5, "old"));
            earlier.Add(new GrowthPoint("puts", "b", x, 6.5, "old"));
        }
        var later = GrowthPoints.Read(earlier.ToTable("a machine"));
        Assert.Equal(earlier.All, later.All);
        later.Add(new GrowthPoint("puts", "a", 1, 7, "new"));
        later.Add(new GrowthPoint("puts", "a", 10, 8, "new"));
        Assert.Equal([("b", 6.5), ("b", 6.5), ("a", 7), ("a", 8)], later.All.Select(p => (p.Contender, p.Y)));
        Assert.Empty(GrowthPoints.Read("# a machine\nanother table\n1\t2\t3\t4\t5\n").All);
    }

    [Fact]
    public void A_place_in_a_page_is_replaced_and_a_page_without_it_left_alone()
    {
        const string page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n";
        Assert.Equal("a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n", ReportFolder.Replace(page, "x", "new\n"));
        Assert.Null(ReportFolder.Replace(page, "y", "new\n"));
    }

    [Fact]
    public void A_plot_puts_equal_factors_at_equal_distances()
    {
        var svg = XDocument.Parse(new Plot("a < b", "x", "y", [new Line("line", [(1, 10), (10, 100), (100, 1000)])]).ToSvg());
        var dots = svg.Descendants().Where(e => e.Name.LocalName == "circle").Select(e => ((double)e.Attribute("cx")!, (double)e.Attribute("cy")!)).ToArray();
        Assert.Equal(3, dots.Length);
        Assert.Equal(dots[1].Item1 - dots[0].Item1, dots[2].Item1 - dots[1].Item1, 0.2);
        Assert.Equal(dots[1].Item2 - dots[0].Item2, dots[2].Item2 - dots[1].Item2, 0.2);
        Assert.True(dots[2].Item1 > dots[0].Item1 && dots[2].Item2 < dots[0].Item2);
    }

    [Fact]
    public void Commands_are_what_Redis_reads()
    {
        var commands = new RespCommands(new RespDialect(RespSwap.IfEqual, 2), new Dataset(3));
        commands.Write(new Call(null!) { Kind = Kind.Get, Key = 5 });
        Assert.Equal("*2\r\n$3\r\nGET\r\n$16\r\n0000030000000005\r\n", Encoding.ASCII.GetString(commands.Bytes));
        commands.Clear();
        commands.Write(new Call(null!) { Kind = Kind.Put, Key = 5 });
        var text = Encoding.Latin1.GetString(commands.Bytes);
        Assert.StartsWith("*3\r\n$3\r\nSET\r\n$16\r\n0000030000000005\r\n$3\r\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\r\n*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$5\r\n10000\r\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("+OK\r\n", '+', 0, 5)]
    [InlineData(":12\r\n+", ':', 12, 5)]
    [InlineData("$3\r\nabc\r\n", '$', 3, 9)]
    [InlineData("$-1\r\n", '$', -1, 5)]
    [InlineData("-ERR no\r\n", '-', 0, 9)]
    public void Answers_are_read_as_soon_as_they_are_whole(string text, char type, long number, int length)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        for (var part = 0; part < length; part++) Assert.False(RespReplies.TryRead(bytes.AsSpan(0, part), out _));
        Assert.True(RespReplies.TryRead(bytes, out var reply));
        Assert.Equal(new RespReply(type, number, length), reply);
    }

    [Fact]
    public void Messages_to_etcd_are_encoded_as_Protocol_Buffers()
    {
        Assert.Equal([0x0A, 1, 7, 0x12, 2, 8, 9], EtcdMessages.Put([7], [8, 9]));
        Assert.Equal([0x0A, 1, 7], EtcdMessages.Range([7]));
        Assert.Equal([0x0A, 10, 0x08, 0, 0x10, 3, 0x1A, 1, 7, 0x3A, 1, 8, 0x12, 8, 0x12, 6, 0x0A, 1, 7, 0x12, 1, 9], EtcdMessages.Swap([7], [8], [9]));
        var longValue = EtcdMessages.Put([7], new byte[300]);
        Assert.Equal([0x12, 0xAC, 0x02], longValue[3..6]);
        Assert.Equal(306, longValue.Length);

        // A header, then a pair with key and value; a header and "succeeded".
        Assert.Equal(2, EtcdMessages.ValueLength([0x0A, 2, 0x08, 1, 0x12, 7, 0x0A, 1, 7, 0x2A, 2, 8, 9]));
        Assert.Equal(-1, EtcdMessages.ValueLength([0x0A, 2, 0x08, 1]));
        Assert.True(EtcdMessages.Succeeded([0x0A, 2, 0x08, 1, 0x10, 1]));
        Assert.False(EtcdMessages.Succeeded([0x0A, 2, 0x08, 1]));
    }

    private static Measured Speed(double perSecond) => new(perSecond, 1, 1, 1, 1, 1, 0);
}
