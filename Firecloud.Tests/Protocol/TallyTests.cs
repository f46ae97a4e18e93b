// TallyTests.cs - protocol.md section 4: each member counts once, and not at all where another answer knows a later life of it.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class TallyTests
{
    private static readonly Lives First = new(4);

    [Fact]
    public void Every_set_of_answers_is_a_quorum_exactly_if_its_votes_are()
    {
        var votes = Make.Votes();
        for (var set = 0u; set < 16; set++)
        {
            var tally = default(Tally);
            for (var i = 0; i < 4; i++)
            {
                if ((set >> i & 1) != 0) tally.Add(i, First);
            }
            Assert.Equal((set, set, votes.IsQuorum(set)), (tally.Answered, tally.Counted(votes), tally.IsQuorum(votes)));
            for (var among = 0u; among < 16; among++) Assert.Equal(votes.IsQuorum(set & among), tally.IsQuorum(votes, among));
        }
    }

    [Fact]
    public void A_repeated_answer_counts_once()
    {
        var votes = Make.Votes();
        var tally = default(Tally);
        for (var i = 0; i < 5; i++) tally.Add(1, First);
        Assert.Equal(0b0010u, tally.Counted(votes));
        Assert.False(tally.IsQuorum(votes));
        tally.Add(2, First);
        Assert.False(tally.IsQuorum(votes));
        tally.Add(0, First);
        Assert.True(tally.IsQuorum(votes));
        tally.Clear();
        Assert.Equal(0u, tally.Answered);
    }

    // Every way in which each of four answers may know of one lost memory each, against the rule written down plainly.
    [Fact]
    public void Members_of_which_another_answer_knows_a_later_life_do_not_count()
    {
        var votes = Make.Votes();
        for (var known = 0; known < 1 << 16; known++)
        {
            var vectors = new Lives[4];
            for (var i = 0; i < 4; i++) vectors[i] = new Lives([.. Enumerable.Range(0, 4).Select(j => known >> (4 * i + j) & 1)]);
            var tally = default(Tally);
            for (var i = 0; i < 4; i++) tally.Add(i, vectors[i]);
            var expected = 0u;
            for (var i = 0; i < 4; i++)
            {
                if (vectors.All(v => v[i] <= vectors[i][i])) expected |= 1u << i;
            }
            if (tally.Counted(votes) != expected) Assert.Fail($"{known:x4}: {tally.Counted(votes):b4}, expected {expected:b4}");
        }
    }

    [Fact]
    public void An_answer_of_the_new_life_replaces_the_one_of_the_old_life()
    {
        var votes = Make.Votes();
        var later = First.Raised(1, 1);
        var tally = default(Tally);
        tally.Add(1, First);
        tally.Add(0, later);
        Assert.Equal(0b0001u, tally.Counted(votes));
        Assert.False(tally.IsQuorum(votes));
        tally.Add(1, later);
        Assert.Equal(0b0011u, tally.Counted(votes));
        Assert.True(tally.IsQuorum(votes));
    }

    [Fact]
    public void A_member_that_has_not_answered_outdates_nobody()
    {
        var votes = Make.Votes(1, 1, 1);
        var tally = default(Tally);
        tally.Add(0, new Lives([0, 5, 5]));
        Assert.Equal(0b001u, tally.Counted(votes));
        tally.Add(1, new Lives([0, 5, 0]));
        Assert.Equal(0b011u, tally.Counted(votes));
    }

    [Fact]
    public void Lives_only_grow()
    {
        var lives = new Lives([1, 0, 2]);
        Assert.Same(lives, lives.Raised(0, 1));
        Assert.Equal(new Lives([1, 3, 2]), lives.Raised(1, 3));
        Assert.Equal(new Lives([4, 0, 2]), lives.Merged(new Lives([4, 0, 1])));
        Assert.Equal("1,0,2", lives.ToString());
        Assert.Equal(new Lives([1, 0, 2]).GetHashCode(), lives.GetHashCode());
        Assert.False(lives.Equals(new Lives(3)));
    }
}
