// VersionTests.cs - protocol.md section 3: ballots by (epoch, round, node, boot), versions by (ballot, sequence).
using CsCheck;
using Firecloud.Actors.Protocol;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class VersionTests
{
    private static readonly Gen<Ballot> Ballots =
        from epoch in Gen.UInt[1, uint.MaxValue]
        from round in Gen.ULong
        from node in Gen.Int[0, 7]
        from boot in Gen.ULong
        select new Ballot(epoch, round, node, boot);

    private static readonly Gen<Version> Versions = Ballots.Select(Gen.ULong, (b, s) => new Version(b, s));

    // Small numbers, so that ties in the first fields are common.
    private static readonly Gen<Version> Close =
        from epoch in Gen.UInt[0, 2]
        from round in Gen.ULong[0, 2]
        from node in Gen.Int[0, 2]
        from boot in Gen.ULong[0, 2]
        from sequence in Gen.ULong[0, 2]
        select epoch == 0 ? Version.None : new Version(new Ballot(epoch, round, node, boot), sequence);

    [Fact]
    public void Fields_decide_in_the_order_epoch_round_node_boot_sequence()
    {
        Version[] rising =
        [
            Version.None, At(1, 0, 0, 1, 0), At(1, 0, 0, 1, 9), At(1, 0, 0, 2, 1), At(1, 0, 1, 1, 1), At(1, 1, 0, 1, 1), At(2, 0, 0, 1, 1),
        ];
        for (var i = 0; i < rising.Length; i++)
        {
            for (var j = 0; j < rising.Length; j++)
            {
                Assert.Equal(i.CompareTo(j), Math.Sign(rising[i].CompareTo(rising[j])));
                Assert.Equal([j > i, i > j, j >= i, i >= j], Compare(rising[i], rising[j]));
            }
        }
    }

    [Fact]
    public void Order_of_versions_is_that_of_their_fields_as_a_tuple() => Gen.Select(Close, Close).Sample((a, b) =>
    {
        Assert.Equal(Math.Sign(Fields(a).CompareTo(Fields(b))), Math.Sign(a.CompareTo(b)));
        Assert.Equal(a == b, a.CompareTo(b) == 0);
        Assert.Equal(Fields(a).CompareTo(Fields(b)) >= 0 ? a : b, Version.Max(a, b));
    });

    [Fact]
    public void A_ballot_of_an_earlier_boot_is_another_ballot()
    {
        var (before, after) = (Make.Ballot(3, 1, boot: 5), Make.Ballot(3, 1, boot: 6));
        Assert.NotEqual(before, after);
        Assert.True(before < after && after > before && before <= after && after >= before);
    }

    [Fact]
    public void Text_of_a_version_is_read_back() => Versions.Sample(version =>
    {
        Assert.True(Version.TryParse(version.ToString(), out var read));
        Assert.Equal(version, read);
    });

    [Fact]
    public void Text_of_no_version_is_read_back()
    {
        Assert.Equal(("none", "none"), (Version.None.ToString(), Ballot.None.ToString()));
        Assert.True(Version.TryParse("none", out var read) && read.IsNone);
        Assert.Equal("1.4.0.9f3c.17", At(1, 4, 0, 0x9f3c, 17).ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("None")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.4.5.6")]
    [InlineData("0.2.3.4.5")]
    [InlineData("1.2.3.xyz.5")]
    [InlineData("1.-2.3.4.5")]
    [InlineData(" 1.2.3.4.5")]
    [InlineData("1.2.3.4.")]
    [InlineData("4294967296.1.1.1.1")]
    [InlineData("1.18446744073709551616.1.1.1")]
    public void Text_that_is_not_a_version_is_refused(string? text)
    {
        Assert.False(Version.TryParse(text, out var version));
        Assert.True(version.IsNone);
    }

    private static Version At(uint epoch, ulong round, int node, ulong boot, ulong sequence) =>
        new(new Ballot(epoch, round, node, boot), sequence);

    private static bool[] Compare(Version a, Version b) => [a < b, a > b, a <= b, a >= b];

    private static (uint, ulong, int, ulong, ulong) Fields(Version v) =>
        (v.Ballot.Epoch, v.Ballot.Round, v.Ballot.Node, v.Ballot.Boot, v.Sequence);
}
