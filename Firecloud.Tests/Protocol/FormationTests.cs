// FormationTests.cs - protocol.md section 7, last paragraph: a cluster begins once, with all members there and empty.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class FormationTests
{
    private const ulong Settings = 99;

    private readonly Formation[] _nodes = [.. Enumerable.Range(0, 4).Select(i => Node(i, (ulong)(10 + i)))];

    [Fact]
    public void The_founder_founds_only_when_all_are_there_and_the_others_join_it()
    {
        Greet(0, 1);
        Greet(0, 2);
        Assert.All(_nodes, n => Assert.Equal((NodeState.Waiting, 0ul), (n.State, n.ClusterId)));
        Assert.Contains("waiting for node 3", _nodes[0].WhyNotVoting(Name), StringComparison.Ordinal);
        Greet(0, 3);
        Assert.Equal((NodeState.Voting, 1000ul), (_nodes[0].State, _nodes[0].ClusterId));
        Assert.Equal([10ul, 11, 12, 13], _nodes[0].Founders);
        for (var i = 1; i < 4; i++) Greet(i, 0);
        Assert.All(_nodes, n => Assert.Equal((NodeState.Voting, 1000ul), (n.State, n.ClusterId)));
        Assert.All(_nodes, n => Assert.Null(n.WhyNotVoting(Name)));
    }

    [Fact]
    public void A_founding_member_votes_only_once_its_store_has_kept_the_cluster()
    {
        for (var i = 1; i < 4; i++) Greet(0, i, kept: false);
        Assert.Equal((NodeState.Joining, 1000ul), (_nodes[0].State, _nodes[0].ClusterId));
        Greet(1, 0, kept: false);
        Assert.Equal((NodeState.Joining, 0u), (_nodes[1].State, _nodes[1].Voting));
        Assert.Equal(0u, _nodes[0].Voting);
        _nodes[0].OnKept();
        Greet(1, 0);
        Assert.Equal((NodeState.Voting, NodeState.Voting, 0b0011u), (_nodes[0].State, _nodes[1].State, _nodes[1].Voting));
    }

    [Fact]
    public void A_whole_memory_votes_at_once_after_a_restart()
    {
        Form();
        var kept = new StoreIdentity(12) { ClusterId = 1000, Founders = _nodes[2].Founders };
        _nodes[2] = Node(2, kept);
        Assert.Equal((NodeState.Voting, 1000ul, 0b0100u), (_nodes[2].State, _nodes[2].ClusterId, _nodes[2].Voting));
        _nodes[2] = Node(2, kept with { IsRecovering = true });
        Assert.Equal(NodeState.Waiting, _nodes[2].State);
    }

    [Fact]
    public void A_founding_member_that_was_restarted_before_it_kept_the_cluster_has_lost_nothing()
    {
        for (var i = 1; i < 4; i++) Greet(0, i);
        Greet(1, 0);
        Greet(2, 0, kept: false);
        _nodes[2] = Node(2, 12);   // the same folder
        Greet(2, 1);
        Assert.Equal((NodeState.Voting, 1000ul), (_nodes[2].State, _nodes[2].ClusterId));
        // And so has the founder itself: it joins the cluster that it founded.
        _nodes[0] = Node(0, 10, cluster: 2000);
        Greet(0, 1);
        Assert.Equal((NodeState.Voting, 1000ul), (_nodes[0].State, _nodes[0].ClusterId));
    }

    [Fact]
    public void A_folder_of_another_cluster_is_named_on_both_sides()
    {
        Form();
        _nodes[3] = Node(3, new StoreIdentity(13) { ClusterId = 2000, Founders = [10, 11, 12, 13] });
        Greet(3, 0);
        Greet(0, 3);
        Assert.Contains("node 0 started with other", _nodes[3].WhyNotVoting(Name), StringComparison.Ordinal);
        Assert.Contains("of cluster 7d0", _nodes[3].WhyNotVoting(Name), StringComparison.Ordinal);
        Assert.Contains("node 3 started with other", _nodes[0].WhyNotVoting(Name), StringComparison.Ordinal);
        Assert.Equal((0b1000u, 0u), (_nodes[3].Voting, _nodes[0].Voting & 0b1000));
    }

    [Fact]
    public void A_failed_store_ends_the_vote_for_good()
    {
        Form();
        _nodes[1].OnStoreFailed("no sync.");
        _nodes[1].OnRecovered(null);
        _nodes[1].OnKept();
        Greet(1, 2);
        Greet(0, 1);
        Assert.Equal((NodeState.StoreFailed, 0u), (_nodes[1].State, _nodes[0].Voting & 0b0010));
        Assert.Contains("no sync.", _nodes[1].WhyNotVoting(Name), StringComparison.Ordinal);
    }

    [Fact]
    public void Members_tell_each_other_that_their_disk_is_full()
    {
        Form();
        _nodes[3].SetFull(true);
        Greet(0, 3);
        Assert.Equal((0b1000u, 0b1000u), (_nodes[3].Full, _nodes[0].Full));
        _nodes[3].SetFull(false);
        Greet(0, 3);
        Assert.Equal((0u, 0u), (_nodes[3].Full, _nodes[0].Full));
    }

    [Fact]
    public void Nobody_else_founds_a_cluster()
    {
        for (var a = 1; a < 4; a++)
        {
            for (var b = 0; b < 4; b++)
            {
                if (a != b) Greet(a, b);
            }
        }
        Assert.All(_nodes, n => Assert.Equal(NodeState.Waiting, n.State));
        Assert.Contains("Waiting for node 0, which founds", _nodes[1].WhyNotVoting(Name), StringComparison.Ordinal);
    }

    [Fact]
    public void Members_tell_each_other_of_a_cluster_when_the_founder_is_silent()
    {
        Form(upTo: 1);
        Greet(2, 1);
        Assert.Equal((NodeState.Voting, 1000ul), (_nodes[2].State, _nodes[2].ClusterId));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_member_that_restarts_has_lost_its_memory_and_does_not_vote(int member)
    {
        Form();
        _nodes[member] = Node(member, 77, cluster: 2000);
        foreach (var other in Enumerable.Range(0, 4).Where(i => i != member))
        {
            Greet(member, other);
            Greet(other, member);
        }
        Assert.Equal((NodeState.LostMemory, 1000ul), (_nodes[member].State, _nodes[member].ClusterId));
        Assert.Contains("has lost its memory", _nodes[member].WhyNotVoting(Name), StringComparison.Ordinal);
        Assert.All(_nodes, n => Assert.Equal(15u & ~(1u << member), n.Voting));
    }

    [Fact]
    public void A_founder_that_restarts_among_members_of_its_cluster_founds_no_second_one()
    {
        Form(upTo: 1);
        _nodes[0] = Node(0, 77, cluster: 2000);
        Greet(0, 2);
        Greet(0, 3);
        Assert.Equal(NodeState.Waiting, _nodes[0].State);
        Greet(0, 1);
        Assert.Equal((NodeState.LostMemory, 1000ul), (_nodes[0].State, _nodes[0].ClusterId));
    }

    [Fact]
    public void A_member_with_other_settings_is_named_and_nothing_is_founded()
    {
        _nodes[2] = Node(2, 12, fingerprint: 5);
        for (var i = 1; i < 4; i++) Greet(0, i);
        Assert.Equal((NodeState.Waiting, 0b0100u), (_nodes[0].State, _nodes[0].Misfits));
        Assert.Contains("node 2 started with other members, votes or shards", _nodes[0].WhyNotVoting(Name), StringComparison.Ordinal);
        _nodes[2] = Node(2, 14);
        Greet(0, 2);
        Assert.Equal((NodeState.Voting, 0u), (_nodes[0].State, _nodes[0].Misfits));
        Assert.Equal(14ul, _nodes[0].Founders[2]);
    }

    [Fact]
    public void A_hello_with_other_settings_marks_its_sender_too()
    {
        _nodes[0].OnHello(new Hello(3, 13, 5));
        Assert.Equal(0b1000u, _nodes[0].Misfits);
    }

    [Fact]
    public void A_member_of_another_cluster_does_not_fit_and_does_not_vote_here()
    {
        Form();
        _nodes[0].OnWelcome(new Welcome(1, 11, 10, Settings, 4444, [1, 2, 3, 4], true, false));
        Assert.Equal((1000ul, 0b0010u, 0b1101u), (_nodes[0].ClusterId, _nodes[0].Misfits, _nodes[0].Voting | 0b1100u));
    }

    [Fact]
    public void A_late_welcome_to_an_earlier_boot_is_ignored()
    {
        _nodes[1].OnWelcome(new Welcome(0, 10, HelloMemory: 5, Settings, 4444, [10, 5, 12, 13], true, false));
        Assert.Equal((NodeState.Waiting, 0ul, 0u), (_nodes[1].State, _nodes[1].ClusterId, _nodes[1].Voting));
        // An answer that claims to come from the node itself is no better.
        _nodes[1].OnWelcome(new Welcome(1, 11, 11, Settings, 4444, [10, 11, 12, 13], true, false));
        Assert.Equal(NodeState.Waiting, _nodes[1].State);
    }

    [Fact]
    public void A_list_of_founders_of_another_length_does_not_fit()
    {
        _nodes[1].OnWelcome(new Welcome(0, 10, 11, Settings, 4444, [10, 11], true, false));
        Assert.Equal((NodeState.Waiting, 1u), (_nodes[1].State, _nodes[1].Misfits));
    }

    [Fact]
    public void Who_said_last_that_it_does_not_vote_is_not_counted()
    {
        Form();
        Greet(0, 3);
        Assert.Equal(0b1000u, _nodes[0].Voting & 0b1000);
        _nodes[0].OnWelcome(new Welcome(3, 50, 10, Settings, 1000, _nodes[0].Founders, Votes: false, Full: false));
        Assert.Equal(0u, _nodes[0].Voting & 0b1000);
    }

    private static Formation Node(int self, ulong memory, ulong fingerprint = Settings, ulong cluster = 1000) =>
        new(self, new StoreIdentity(memory), "was wiped", fingerprint, 4, cluster);

    private static Formation Node(int self, StoreIdentity memory) => new(self, memory, "was wiped", Settings, 4, 3000);

    private static string Name(int member) => $"node {member}";

    private void Greet(int from, int to, bool kept = true)
    {
        _nodes[from].OnWelcome(_nodes[to].OnHello(_nodes[from].Greet()));
        if (kept) _nodes[from].OnKept();
    }

    // All members see the founder's cluster, or only some of them.
    private void Form(int upTo = 3)
    {
        for (var i = 1; i < 4; i++) Greet(0, i);
        for (var i = 1; i <= upTo; i++) Greet(i, 0);
        for (var i = 1; i < 4 && upTo == 3; i++) Greet(0, i);
        for (var a = 1; a < 4 && upTo == 3; a++)
        {
            for (var b = 1; b < 4; b++)
            {
                if (a != b) Greet(a, b);
            }
        }
    }
}
