// DropsTests.cs - when an owner has a tombstone dropped (protocol.md section 8): Protocol/Drops.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class DropsTests
{
    private readonly OwnerBench _owner = Start(delayMs: 5000);

    [Fact]
    public void A_tombstone_that_every_member_has_accepted_is_dropped_after_the_delay()
    {
        _owner.Run(1, Operation.Delete());
        Assert.Equal(1, _owner.Proposer.DropsWaiting);
        _owner.Proposer.OnTick(14_999);
        Assert.Empty(_owner.Flush());
        _owner.Proposer.OnTick(15_000);
        Assert.Equal(ReplicaAsk.Drop, Assert.Single(_owner.Flush()).Ask);
        Assert.Equal(0, _owner.Proposer.DropsWaiting);
    }

    [Fact]
    public void Without_a_delay_it_is_dropped_at_once()
    {
        var owner = Start(delayMs: 0);
        owner.Submit(1, Operation.Delete());
        owner.Deliver(0, 1, 2);
        Assert.DoesNotContain(owner.MailOf(3), i => i.Ask == ReplicaAsk.Drop);
        owner.Deliver(3);
        Assert.Contains(owner.MailOf(0), i => i.Ask == ReplicaAsk.Drop);
    }

    [Fact]
    public void It_waits_for_every_member()
    {
        _owner.Submit(1, Operation.Delete());
        _owner.Deliver(0, 1, 2);
        Assert.Equal(0, _owner.Proposer.DropsWaiting);
        _owner.Deliver(3);
        Assert.Equal(1, _owner.Proposer.DropsWaiting);
    }

    [Fact]
    public void A_key_that_was_written_again_meanwhile_is_not_dropped()
    {
        _owner.Run(1, Operation.Delete());
        _owner.Run(2, Make.Put("v"));
        _owner.Proposer.OnTick(15_000);
        Assert.Empty(_owner.Flush());
    }

    [Fact]
    public void A_lost_ballot_drops_nothing()
    {
        _owner.Run(1, Operation.Delete());
        _owner.Proposer.Saw(0, Make.Ballot(9, node: 1));
        _owner.Proposer.OnTick(15_000);
        Assert.Empty(_owner.Flush());
    }

    [Fact]
    public void While_a_member_is_out_of_reach_nothing_is_dropped()
    {
        _owner.Run(1, Operation.Delete());
        _owner.Proposer.SetReachable(0b0111);
        _owner.Proposer.OnTick(15_000);
        Assert.DoesNotContain(_owner.Flush(), i => i.Ask == ReplicaAsk.Drop);
        _owner.Proposer.SetReachable(0b1111);
        _owner.Proposer.OnTick(15_050);
        Assert.Contains(_owner.Flush(), i => i.Ask == ReplicaAsk.Drop);
    }

    [Fact]
    public void A_tombstone_whose_drop_one_member_missed_is_ended_by_a_new_one()
    {
        var replicas = new Replicas();
        var owner = Start(delayMs: 0, replicas: replicas);
        owner.Submit(1, Operation.Delete());
        owner.Deliver(0, 1, 2, 3);
        owner.Deliver(0, 1, 2);
        owner.LoseMail();
        Assert.True(replicas.Stores[3].Get(0, Make.Key).Record.IsTombstone);
        Assert.False(replicas.Stores[0].Get(0, Make.Key).Record.Held);
        owner.Proposer.Refresh(Make.Key, isTombstone: true);
        owner.Flush();
        owner.Deliver(0, 1);   // a quorum without the member
        owner.Settle();
        Assert.All(replicas.Stores, s => Assert.False(s.Get(0, Make.Key).Record.Held));
        Assert.Single(replicas.Stores.Select(s => s.GetDropped(0)).Distinct());
    }

    [Fact]
    public void While_it_waits_a_replica_that_asks_for_a_rewrite_gets_none()
    {
        _owner.Run(1, Operation.Delete());
        _owner.Proposer.Refresh(Make.Key, isTombstone: true);
        Assert.Empty(_owner.Flush());
    }

    [Fact]
    public void The_oldest_beyond_the_bound_is_dropped_at_once()
    {
        var owner = Start(delayMs: 5000, most: 1);
        owner.Submit(1, Operation.Delete(), new Key("a"));
        owner.Deliver(0, 1, 2, 3);
        owner.Submit(2, Operation.Delete(), new Key("b"));
        owner.Deliver(0, 1, 2, 3);
        Assert.Equal(1, owner.Proposer.DropsWaiting);
        Assert.Equal(new Key("a"), Assert.Single(owner.MailOf(0), i => i.Ask == ReplicaAsk.Drop).Key);
    }

    private static OwnerBench Start(int delayMs, int most = 1000, Replicas? replicas = null)
    {
        var owner = new OwnerBench(replicas ?? new Replicas(), limits: OwnerBench.Limits with { DropAfterMs = delayMs, MaxLingering = most }).Own();
        owner.Proposer.OnTick(10_000);
        return owner;
    }
}
