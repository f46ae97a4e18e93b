// VotesTests.cs - protocol.md section 2: any two quorums share a member, and bad tables are refused with a sentence.
using System.Numerics;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class VotesTests
{
    // Every subset of {master, 1, 2, 3}, written by hand: a formula could be wrong in the same way as the code.
    [Theory]
    [InlineData(0b0000, 0, false)]
    [InlineData(0b0001, 2, false)]
    [InlineData(0b0010, 1, false)]
    [InlineData(0b0011, 3, true)]
    [InlineData(0b0100, 1, false)]
    [InlineData(0b0101, 3, true)]
    [InlineData(0b0110, 2, false)]
    [InlineData(0b0111, 4, true)]
    [InlineData(0b1000, 1, false)]
    [InlineData(0b1001, 3, true)]
    [InlineData(0b1010, 2, false)]
    [InlineData(0b1011, 4, true)]
    [InlineData(0b1100, 2, false)]
    [InlineData(0b1101, 4, true)]
    [InlineData(0b1110, 3, true)]
    [InlineData(0b1111, 5, true)]
    public void Master_and_any_other_or_the_three_others_are_a_quorum(uint members, int votes, bool quorum)
    {
        var table = Make.Votes(2, 1, 1, 1);
        Assert.Equal((votes, quorum), (table.Of(members), table.IsQuorum(members)));
        Assert.Equal((5, 3, 0, 15u), (table.Total, table.Quorum, table.Master, table.AllMembers));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1, 1, 1)]
    [InlineData(2, 1, 1, 1)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(0, 3, 2, 2)]
    [InlineData(100, 100, 100, 99, 1, 0, 7, 13)]
    public void Any_two_quorums_share_a_member(params int[] votes)
    {
        var table = new Votes(votes);
        for (var a = 0u; a <= table.AllMembers; a++)
        {
            for (var b = a; b <= table.AllMembers; b++)
            {
                if (table.IsQuorum(a) && table.IsQuorum(b)) Assert.True((a & b) != 0, $"{a:b8} misses {b:b8}");
            }
        }
        Assert.True(table.IsQuorum(table.AllMembers));
    }

    [Fact]
    public void In_a_two_two_partition_exactly_the_masters_side_is_a_quorum()
    {
        var table = Make.Votes(2, 1, 1, 1);
        for (var side = 0u; side < 16; side++)
        {
            if (BitOperations.PopCount(side) == 2) Assert.Equal((side & 1) != 0, table.IsQuorum(side));
        }
    }

    [Fact]
    public void Any_single_member_may_fail()
    {
        var table = Make.Votes(2, 1, 1, 1);
        for (var down = 0; down < 4; down++) Assert.True(table.IsQuorum(table.AllMembers & ~(1u << down)));
    }

    [Theory]
    [InlineData(-1, 1, 1)]
    [InlineData(0, 2, 1, 1, 1)]
    [InlineData(1, 1, 2, 1)]
    [InlineData(-1, 2, 2, 1)]
    public void Master_is_the_member_with_more_votes_than_any_other(int master, params int[] votes) =>
        Assert.Equal(master, new Votes(votes).Master);

    [Fact]
    public void Bad_tables_are_refused_with_the_value_and_the_limit()
    {
        Refused("0 members were given; a group has 1 to 8");
        Refused("9 members were given; a group has 1 to 8", 1, 1, 1, 1, 1, 1, 1, 1, 1);
        Refused("-1 votes; 0 to 100", 2, -1, 1);
        Refused("101 votes; 0 to 100", 101);
        Refused("All members have 0 votes, so no quorum exists; give at least one", 0, 0, 0);

        static void Refused(string message, params int[] votes)
        {
            var e = Assert.Throws<ArgumentException>(() => new Votes(votes));
            Assert.Contains(message, e.Message, StringComparison.Ordinal);
        }
    }
}
