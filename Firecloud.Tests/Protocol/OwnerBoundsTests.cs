// OwnerBoundsTests.cs - what bounds one coordinator, and what it refuses without a quorum (protocol.md sections 1 and 5).
using Firecloud.Actors.Protocol;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class OwnerBoundsTests
{
    [Fact]
    public void A_key_leaves_the_cache_only_when_nothing_of_it_is_under_way()
    {
        var owner = new OwnerBench(limits: OwnerBench.Limits with { MaxCachedKeys = 1 }).Own();
        for (var i = 1ul; i <= 6; i++) owner.Submit(i, i % 2 == 0 ? Make.Put("v") : Operation.Increment(1), new Key($"k{i}"));
        for (var i = 0; i < 10; i++) owner.Flush();
        Assert.Equal(6, owner.Proposer.KeysCached);
        owner.Settle();
        for (var i = 0; i < 10; i++) owner.Flush();
        Assert.Equal(1, owner.Proposer.KeysCached);
        // A key that left is looked up again.
        var gone = Enumerable.Range(1, 6).Count(i => owner.Submit((ulong)(10 + i), Operation.Increment(1), new Key($"k{i}")).Single().Ask
            == ReplicaAsk.Lookup);
        Assert.InRange(gone, 5, 6);
    }

    [Fact]
    public void A_key_with_a_lookup_under_way_stays_in_the_cache()
    {
        var owner = new OwnerBench(limits: OwnerBench.Limits with { MaxCachedKeys = 0 }).Own();
        owner.Submit(1, Operation.Increment(1));
        for (var i = 0; i < 5; i++) owner.Flush();
        Assert.Equal(1, owner.Proposer.KeysCached);
        owner.Settle();
        Assert.Equal(1, owner.ReplyTo(1)!.Number);
        Assert.Equal(2, owner.Run(2, Operation.Increment(1)).Number);
    }

    [Fact]
    public void Requests_beyond_the_bound_of_rounds_are_refused_as_busy()
    {
        var owner = new OwnerBench(limits: OwnerBench.Limits with { MaxRounds = 2 }).Own();
        for (var i = 1ul; i <= 3; i++) owner.Submit(i, Make.Put("v"));
        Assert.Equal((null, null, ReplyStatus.Busy), (owner.ReplyTo(1), owner.ReplyTo(2), owner.ReplyTo(3)!.Status));
        owner.Settle();
        Assert.Equal(ReplyStatus.Done, owner.Run(4, Make.Put("v")).Status);
    }

    [Fact]
    public void Decided_writes_kept_for_a_silent_member_do_not_use_up_the_rounds()
    {
        var owner = new OwnerBench(limits: OwnerBench.Limits with { MaxRounds = 16, MaxLingering = 1000 }).Own();
        for (var i = 1ul; i <= 100; i++)
        {
            owner.Submit(i, Make.Put("v"), new Key($"k{i}"));
            owner.Deliver(0, 1, 2);
            Assert.Equal(ReplyStatus.Done, owner.ReplyTo(i)!.Status);
        }
    }

    [Fact]
    public void Of_the_writes_that_a_silent_member_missed_the_oldest_beyond_the_bound_are_left_alone()
    {
        var owner = new OwnerBench(limits: OwnerBench.Limits with { MaxLingering = 5 }).Own();
        for (var i = 1ul; i <= 20; i++)
        {
            owner.Submit(i, Make.Put("v"), new Key($"k{i}"));
            owner.Deliver(0, 1, 2);
        }
        Assert.Equal(5, owner.Proposer.RoundsUnderWay);
        owner.LoseMail();
        owner.Proposer.OnTick(1000);
        owner.Flush();
        Assert.Equal(["k16", "k17", "k18", "k19", "k20"], owner.MailOf(3).Select(i => i.Key.ToString()).Order());
    }

    [Fact]
    public void A_member_that_comes_back_gets_what_it_missed_a_few_at_a_time_but_at_once_what_somebody_waits_for()
    {
        var owner = new OwnerBench().Own();
        for (var i = 1ul; i <= 600; i++)
        {
            owner.Submit(i, Make.Put("v"), new Key($"k{i}"));
            owner.Deliver(0, 1, 2);
        }
        owner.Submit(1000, Make.Put("undecided"), new Key("undecided"));
        owner.LoseMail();
        owner.Proposer.OnTick(1000);
        owner.Flush();
        Assert.Equal(101, owner.MailOf(3).Count);
        Assert.Contains(owner.MailOf(3), i => i.Key == new Key("undecided"));
        for (var tick = 1; tick < 5; tick++)
        {
            owner.Proposer.OnTick(1000 + tick * 50);
            owner.Flush();
        }
        Assert.Equal(501, owner.MailOf(3).Select(i => i.Key).Distinct().Count());
    }

    [Fact]
    public void Where_no_owner_is_known_only_the_preferred_member_takes_the_shard_unless_told_to()
    {
        var preferred = Make.Configuration().Preferred(0, 0b1111);
        var other = new OwnerBench(self: (preferred + 1) % 4);
        other.Submit(Make.Request(1, Make.Put("v")));
        Assert.Equal((ReplyStatus.AskHolder, true), (other.ReplyTo(1)!.Status, other.ReplyTo(1)!.Ballot.IsNone));
        other.Submit(Make.Request(2, Make.Put("v"), mode: RequestMode.MustOwn));
        Assert.Equal(ReplyStatus.OtherBallot, other.ReplyTo(2)!.Status);
        var first = new OwnerBench(self: preferred);
        first.Submit(Make.Request(1, Make.Put("v")));
        Assert.Equal(ReplyStatus.OtherBallot, first.ReplyTo(1)!.Status);
    }

    [Fact]
    public void When_the_quorum_is_lost_what_has_written_nothing_is_refused_at_once()
    {
        var owner = new OwnerBench().Own();
        owner.Run(1, Make.Put("v"));
        owner.Submit(2, Make.Put("in flight"));
        owner.Submit(3, Operation.Get);
        owner.Submit(4, Operation.Increment(1), new Key("unknown"));
        owner.Proposer.SetReachable(0b0001);
        owner.Flush();
        // The gateway of the write in flight tries elsewhere at once.
        Assert.Equal((ReplyStatus.Deposed, new Version(owner.Ballot, 2)), (owner.ReplyTo(2)!.Status, owner.ReplyTo(2)!.Given));
        var refused = owner.Replies.Skip(1).Where(r => r.Id.Number != 2).ToList();
        Assert.Equal(new[] { 3ul, 4ul }, refused.Select(r => r.Id.Number).Order());
        Assert.All(refused, r => Assert.Equal((ReplyStatus.NoQuorum, 2), (r.Status, r.VotesReachable)));
        owner.Submit(5, Make.Put("x"));
        Assert.Equal(ReplyStatus.NoQuorum, owner.ReplyTo(5)!.Status);
        // When it is back the shard is taken anew, and looked at before anything is written: somebody else may hold it.
        owner.Proposer.SetReachable(0b1111);
        owner.Submit(6, Operation.Increment(1));
        Assert.Equal(ReplyStatus.OtherBallot, owner.ReplyTo(6)!.Status);
        var sent = owner.Submit(Make.Request(2, Make.Put("in flight"), Make.Ballot(1), attempt: 2));
        Assert.Equal(ReplicaAsk.Lookup, Assert.Single(sent).Ask);
        owner.Settle();
        Assert.Equal(ReplyStatus.Done, owner.ReplyTo(2)!.Status);
    }

    [Fact]
    public void While_disks_are_full_new_values_are_refused_and_gets_and_deletes_go_on()
    {
        var owner = new OwnerBench().Own();
        owner.Run(1, Make.Put("v"));
        owner.Proposer.Full = 0b1010;   // the master and one other have room
        Assert.Equal(ReplyStatus.Done, owner.Run(2, Make.Put("w")).Status);
        owner.Proposer.Full = 0b0001;   // and so have the three others without the master
        Assert.Equal(ReplyStatus.Done, owner.Run(3, Make.Put("w")).Status);
        owner.Proposer.Full = 0b0011;
        foreach (var (id, operation) in new[] { (4, Make.Put("x")), (5, Operation.Increment(1)), (6, Operation.CompareAndSet([1], [2])) })
        {
            owner.Submit((ulong)id, operation);
            Assert.Equal((ReplyStatus.NoRoom, 2), (owner.ReplyTo((ulong)id)!.Status, owner.ReplyTo((ulong)id)!.VotesReachable));
        }
        Assert.Equal("w", Make.Text(owner.Run(7, Operation.Get).Value));
        Assert.Equal(ReplyStatus.Done, owner.Run(8, Operation.CompareAndSet([1], null)).Status);
        Assert.Equal(ReplyStatus.Done, owner.Run(9, Operation.Delete()).Status);
        owner.Proposer.Full = 0;
        Assert.Equal(ReplyStatus.Done, owner.Run(10, Make.Put("y")).Status);
    }

    [Fact]
    public void A_quorum_of_which_members_are_suspected_is_one()
    {
        var owner = new OwnerBench().Own();
        owner.Proposer.SetReachable(0b1111, suspected: 0b1100);
        Assert.Equal(ReplyStatus.Done, owner.Run(1, Make.Put("v")).Status);
        Assert.Equal(5, owner.Proposer.VotesReachable);
    }

    [Fact]
    public void Where_the_rest_of_a_quorum_is_suspected_no_ballot_is_taken_and_what_is_held_is_given_up()
    {
        var other = new OwnerBench(self: 1);
        other.Proposer.SetReachable(0b1111, suspected: 0b0101);
        Assert.Empty(other.Submit(Make.Request(1, Make.Put("v"), mode: RequestMode.MustOwn)));
        Assert.Equal((ReplyStatus.NoQuorum, 0), (other.ReplyTo(1)!.Status, other.Proposer.ShardsHeld));
        var owner = new OwnerBench().Own();
        owner.Submit(2, Make.Put("in flight"));
        owner.Proposer.SetReachable(0b1111, suspected: 0b1110);
        owner.Flush();
        Assert.Equal((ReplyStatus.Deposed, 0), (owner.ReplyTo(2)!.Status, owner.Proposer.ShardsHeld));
    }

    [Fact]
    public void Members_that_come_back_hear_of_every_shard_held()
    {
        var owner = new OwnerBench().Own();
        owner.Run(1, Make.Put("v"));
        Assert.Single(owner.Proposer.TakeAnnouncements());
        owner.Proposer.SetReachable(0b0111);
        Assert.Empty(owner.Proposer.TakeAnnouncements());
        owner.Proposer.SetReachable(0b1111);
        Assert.Single(owner.Proposer.TakeAnnouncements());
    }

    [Fact]
    public void When_the_quorum_is_lost_reads_are_refused_too()
    {
        var reader = new OwnerBench(self: 3);
        reader.Submit(1, Operation.Get);
        reader.Proposer.SetReachable(0b1100);
        reader.Flush();
        Assert.Equal((ReplyStatus.NoQuorum, 2), (reader.ReplyTo(1)!.Status, reader.ReplyTo(1)!.VotesReachable));
        reader.Settle();
        Assert.Single(reader.Replies);
    }

    [Fact]
    public void Giving_up_all_shards_deposes_what_is_in_flight_and_the_next_ballot_is_higher()
    {
        var owner = new OwnerBench().Own();
        owner.Submit(1, Make.Put("v"));
        owner.Proposer.GiveUpAll();
        owner.Flush();
        Assert.Equal((ReplyStatus.Deposed, 0), (owner.ReplyTo(1)!.Status, owner.Proposer.ShardsHeld));
        var before = owner.Ballot;
        Assert.True(owner.Own().Ballot > before);
    }

    [Fact]
    public void Announcements_name_ballot_and_newest_chosen_version_once()
    {
        var owner = new OwnerBench().Own();
        var version = owner.Run(1, Make.Put("v")).Visible;
        Assert.Equal([new Announcement(0, owner.Ballot, version)], owner.Proposer.TakeAnnouncements());
        Assert.Empty(owner.Proposer.TakeAnnouncements());
    }

    // Memory: what every member has taken is not held on to.
    [Fact]
    public void Records_that_every_member_has_taken_are_let_go()
    {
        var owner = new OwnerBench(limits: OwnerBench.Limits with { MaxCachedKeys = 0 }).Own();
        var values = new List<WeakReference>();
        for (var i = 0; i < 50; i++) values.Add(Write(owner, i));
        for (var i = 0; i < 5; i++) owner.Flush();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.InRange(values.Count(v => v.IsAlive), 0, 5);
        GC.KeepAlive(owner);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference Write(OwnerBench owner, int i)
        {
            var value = new byte[100_000];
            owner.Submit((ulong)i + 1, Operation.Put(value));
            owner.Settle();
            return new WeakReference(value);
        }
    }
}
