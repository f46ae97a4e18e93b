// OwnerReadTests.cs - protocol.md section 5: gets at the owner and elsewhere. Each trap of section 10 about reads has a test.
using Firecloud.Actors.Protocol;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class OwnerReadTests
{
    private readonly OwnerBench _owner = new OwnerBench().Own();

    [Fact]
    public void A_get_of_a_cached_key_is_answered_by_a_confirm_that_was_sent_after_it()
    {
        _owner.Run(1, Make.Put("v"));
        var sent = Assert.Single(_owner.Submit(2, Operation.Get));
        Assert.Equal((ReplicaAsk.Confirm, _owner.Ballot), (sent.Ask, sent.Ballot));
        _owner.Deliver(1, 2);
        Assert.Null(_owner.ReplyTo(2));
        _owner.Deliver(3);
        Assert.Equal((ReplyStatus.Done, "v"), (_owner.ReplyTo(2)!.Status, Make.Text(_owner.ReplyTo(2)!.Value)));
    }

    [Fact]
    public void Gets_that_arrive_together_share_a_confirm_and_a_later_one_needs_its_own()
    {
        _owner.Run(1, Make.Put("v"));
        var together = _owner.Submit(
            Make.Request(2, Operation.Get, _owner.Ballot), Make.Request(3, Operation.Get, _owner.Ballot));
        Assert.Equal(ReplicaAsk.Confirm, Assert.Single(together).Ask);
        var later = Assert.Single(_owner.Submit(4, Operation.Get));
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Round == together[0].Round);
        Assert.Equal([Make.Id(2), Make.Id(3)], _owner.Replies.Skip(1).Select(r => r.Id));
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Round == later.Round);
        Assert.Equal(ReplyStatus.Done, _owner.ReplyTo(4)!.Status);
    }

    // Trap joinread: a get that joins a write in flight.
    [Theory]
    [InlineData(ReplicaAsk.Accept)]
    [InlineData(ReplicaAsk.Confirm)]
    public void A_get_that_joins_a_write_in_flight_is_answered_only_when_chosen_and_confirmed(ReplicaAsk first)
    {
        _owner.Submit(1, Make.Put("v"));
        _owner.Submit(2, Operation.Get);
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Ask == first);
        Assert.Null(_owner.ReplyTo(2));
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Ask != first);
        Assert.Equal((ReplyStatus.Done, "v"), (_owner.ReplyTo(2)!.Status, Make.Text(_owner.ReplyTo(2)!.Value)));
    }

    [Fact]
    public void A_get_that_joins_a_write_is_not_answered_when_the_ballot_is_lost_before_its_confirm()
    {
        _owner.Submit(1, Make.Put("v"));
        _owner.Submit(2, Operation.Get);
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Ask == ReplicaAsk.Accept);
        _owner.Replicas.Stores[0].SetPromised(0, Make.Ballot(9, 1));
        _owner.Deliver(0, 1, 2, 3);
        Assert.Equal((ReplyStatus.Done, ReplyStatus.AskHolder), (_owner.ReplyTo(1)!.Status, _owner.ReplyTo(2)!.Status));
    }

    [Fact]
    public void A_get_of_an_unknown_key_looks_it_up_under_the_ballot()
    {
        _owner.Replicas.Hold(Make.Written(Make.Version(1, 1), "v"), 0, 1, 2, 3);
        var owner = new OwnerBench(_owner.Replicas).Own(above: Make.Ballot(1, 3));
        Assert.Equal(ReplicaAsk.Lookup, Assert.Single(owner.Submit(2, Operation.Get)).Ask);
        owner.Settle();
        Assert.Equal((ReplyStatus.Done, "v"), (owner.ReplyTo(2)!.Status, Make.Text(owner.ReplyTo(2)!.Value)));
        Assert.Equal(Make.Version(1, 1), owner.ReplyTo(2)!.Visible);
        Assert.All(owner.Replicas.Stores, s => Assert.Equal(owner.Ballot, s.GetPromised(0)));
    }

    [Fact]
    public void An_absent_key_is_answered_without_writing_anything()
    {
        var reply = _owner.Run(1, Operation.Get);
        Assert.Equal((ReplyStatus.Done, null, Version.None), (reply.Status, reply.Value, reply.Visible));
        Assert.All(_owner.Replicas.Stores, s => Assert.Equal(0, s.Count));
    }

    // Traps anyread, nowriteback, nochosen: unfinished business of an earlier owner.
    [Fact]
    public void A_newest_version_that_no_quorum_holds_is_written_again_before_anyone_sees_it()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), "old"), 0, 2, 3);
        replicas.Hold(Make.Written(Make.Version(1, 2), "new"), 1);
        var owner = new OwnerBench(replicas).Own(above: Make.Ballot(1, 3));
        owner.Submit(1, Operation.Get);
        owner.Deliver(0, 1);
        Assert.Null(owner.ReplyTo(1));
        foreach (var member in new[] { 0, 1, 2, 3 }) owner.DeliverOnly(member, i => i.Ask == ReplicaAsk.Confirm);
        Assert.Null(owner.ReplyTo(1));
        owner.Settle();
        var reply = owner.ReplyTo(1)!;
        Assert.Equal((ReplyStatus.Done, "new", Make.Version(1, 2)), (reply.Status, Make.Text(reply.Value), reply.Visible));
        Assert.All(replicas.Stores, s => Assert.Equal((owner.Ballot, "new"), Held(s)));
    }

    [Fact]
    public void A_newest_version_that_a_quorum_holds_is_not_written_again()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), "v"), 0, 1);
        var owner = new OwnerBench(replicas).Own(above: Make.Ballot(1, 3));
        owner.Submit(1, Operation.Get);
        owner.Deliver(0, 1);
        owner.Settle();
        Assert.Equal("v", Make.Text(owner.ReplyTo(1)!.Value));
        Assert.Equal(Make.Ballot(1), Held(replicas.Stores[0]).Ballot);
    }

    // Trap countheard: in every state where a quorum has only heard of it, it is written again.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_heard_record_can_be_the_newest_but_never_counts_as_held(int heard)
    {
        var replicas = new Replicas();
        var record = Make.Written(Make.Version(1, 1), "v");
        replicas.Hold(record, 0, 1);
        replicas.Hear(record, heard);
        var owner = new OwnerBench(replicas).Own(above: Make.Ballot(1, 3));
        owner.Submit(1, Operation.Get);
        owner.Deliver(0, 1);
        owner.Settle();
        Assert.Equal("v", Make.Text(owner.ReplyTo(1)!.Value));
        Assert.Equal(owner.Ballot, Held(replicas.Stores[0]).Ballot);
        Assert.False(replicas.Stores[heard].Get(0, Make.Key).Heard);
    }

    [Fact]
    public void A_compare_and_set_that_fails_needs_a_confirm_as_a_get_does_and_writes_nothing()
    {
        _owner.Run(1, Make.Put("v"));
        var sent = Assert.Single(_owner.Submit(2, Operation.CompareAndSet(Make.Bytes("x"), Make.Bytes("y"))));
        Assert.Equal(ReplicaAsk.Confirm, sent.Ask);
        Assert.Null(_owner.ReplyTo(2));
        _owner.Settle();
        var no = _owner.ReplyTo(2)!;
        Assert.Equal((Outcome.NotMatched, false, true, "v"), (no.Outcome, no.Kept, no.ValueKnown, Make.Text(no.Value)));
    }

    [Fact]
    public void A_get_at_a_coordinator_that_holds_no_ballot_is_a_read_of_all_and_promises_nothing()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), "v"), 0, 1, 2, 3);
        var reader = new OwnerBench(replicas, self: 2);
        Assert.Equal(ReplicaAsk.Read, Assert.Single(reader.Submit(1, Operation.Get)).Ask);
        reader.Deliver(2, 3);
        Assert.Null(reader.ReplyTo(1));
        reader.Deliver(1);
        Assert.Equal((ReplyStatus.Done, "v"), (reader.ReplyTo(1)!.Status, Make.Text(reader.ReplyTo(1)!.Value)));
        Assert.All(replicas.Stores, s => Assert.Equal(Make.Ballot(1), s.GetPromised(0)));
        Assert.Equal(0, reader.Proposer.ShardsHeld);
    }

    [Fact]
    public void A_read_whose_newest_version_no_quorum_holds_waits_for_the_rest_and_then_goes_to_the_owner()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), "old"), 0, 2, 3);
        replicas.Hold(Make.Written(Make.Version(1, 2), "new"), 1);
        var reader = new OwnerBench(replicas, self: 2);
        reader.Submit(1, Operation.Get);
        reader.Deliver(1, 0, 2);
        Assert.Null(reader.ReplyTo(1));
        reader.Deliver(3);
        Assert.Equal(ReplyStatus.AskHolder, reader.ReplyTo(1)!.Status);
        Assert.Equal(0, reader.Proposer.RoundsUnderWay);
    }

    [Fact]
    public void A_read_is_decided_by_an_answer_that_comes_after_the_quorum()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), "old"), 0);
        replicas.Hold(Make.Written(Make.Version(1, 2), "new"), 1, 2, 3);
        var reader = new OwnerBench(replicas, self: 2);
        reader.Submit(1, Operation.Get);
        reader.Deliver(0, 1, 2);
        Assert.Null(reader.ReplyTo(1));
        reader.Deliver(3);
        Assert.Equal("new", Make.Text(reader.ReplyTo(1)!.Value));
    }

    [Fact]
    public void A_read_that_stays_undecided_goes_to_the_owner_when_patience_ends()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 2), "new"), 1);
        var reader = new OwnerBench(replicas, self: 2);
        reader.Proposer.OnTick(1000);
        reader.Submit(1, Operation.Get);
        reader.Deliver(0, 1);
        reader.Proposer.OnTick(1029);
        reader.Flush();
        Assert.Null(reader.ReplyTo(1));
        reader.Proposer.OnTick(1030);
        reader.Flush();
        Assert.Equal(ReplyStatus.AskHolder, reader.ReplyTo(1)!.Status);
    }

    [Fact]
    public void A_read_without_a_quorum_of_answers_is_not_handed_over_by_impatience()
    {
        var reader = new OwnerBench(self: 2);
        reader.Submit(1, Operation.Get);
        reader.Deliver(1, 2);
        reader.Proposer.OnTick(100_000);
        reader.Flush();
        Assert.Null(reader.ReplyTo(1));
    }

    [Fact]
    public void A_heard_record_does_not_decide_a_read()
    {
        var replicas = new Replicas();
        replicas.Hear(Make.Written(Make.Version(1, 1), "v"), 0, 1, 2, 3);
        var reader = new OwnerBench(replicas, self: 2);
        reader.Submit(1, Operation.Get);
        reader.Settle();
        Assert.Equal(ReplyStatus.AskHolder, reader.ReplyTo(1)!.Status);
    }

    // Trap withheldvalue.
    [Fact]
    public void A_large_value_is_told_by_the_own_replica_wherever_its_answer_comes()
    {
        var large = new string('v', 5000);
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), large), 0, 1, 2, 3);
        foreach (var order in (int[][])[[2, 0, 1], [0, 2, 1], [0, 1, 2], [0, 1, 3, 2]])
        {
            var reader = new OwnerBench(replicas, self: 2);
            reader.Submit(1, Operation.Get);
            reader.Deliver(order[..^1]);
            reader.Deliver(order[^1]);
            Assert.Equal((ReplyStatus.Done, large), (reader.ReplyTo(1)!.Status, Make.Text(reader.ReplyTo(1)!.Value)));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("old")]
    public void A_large_value_that_the_own_replica_lacks_is_for_the_owner_to_tell(string? own)
    {
        var replicas = new Replicas();
        if (own is not null) replicas.Hold(Make.Written(Make.Version(1, 1), own), 2);
        replicas.Hold(Make.Written(Make.Version(1, 2), new string('v', 5000)), 0, 1, 3);
        var reader = new OwnerBench(replicas, self: 2);
        reader.Submit(1, Operation.Get);
        reader.Deliver(0, 1);
        Assert.Null(reader.ReplyTo(1));
        reader.Deliver(2);
        Assert.Equal(ReplyStatus.AskHolder, reader.ReplyTo(1)!.Status);
        Assert.Equal(0, reader.Proposer.RoundsUnderWay);
    }

    [Fact]
    public void A_node_that_does_not_vote_leaves_large_values_to_the_owner()
    {
        var replicas = new Replicas();
        replicas.Hold(Make.Written(Make.Version(1, 1), new string('v', 5000)), 0, 1, 2, 3);
        var reader = new OwnerBench(replicas, self: 2);
        reader.Proposer.SetReachable(0b1011);
        reader.Submit(1, Operation.Get);
        reader.Deliver(0, 1);
        Assert.Equal(ReplyStatus.AskHolder, reader.ReplyTo(1)!.Status);
    }

    private static (Ballot Ballot, string? Value) Held(Firecloud.Actors.Storage.MemoryRecordStore store)
    {
        var record = store.Get(0, Make.Key).Record;
        return (record.Version.Ballot, Make.Text(record.Value));
    }
}
