// OwnerRetryTests.cs - protocol.md section 6, rules 1 to 7, at the coordinator.
using Firecloud.Actors.Protocol;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class OwnerRetryTests
{
    private readonly Replicas _replicas = new();

    [Fact]
    public void Attempt_one_that_names_another_ballot_is_not_run_and_told_the_ballot()
    {
        var owner = new OwnerBench(_replicas).Own();
        foreach (var named in new[] { Ballot.None, Make.Ballot(7), owner.Ballot with { Boot = 5 } })
        {
            Assert.Empty(owner.Submit(Make.Request(1, Make.Put("v"), named)));
            Assert.Equal((ReplyStatus.OtherBallot, owner.Ballot), (owner.ReplyTo(1)!.Status, owner.ReplyTo(1)!.Ballot));
        }
        Assert.Single(owner.Submit(1, Make.Put("v")));
    }

    [Fact]
    public void A_get_needs_no_ballot_named()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Submit(Make.Request(1, Operation.Get, Make.Ballot(7)));
        owner.Settle();
        Assert.Equal(ReplyStatus.Done, owner.ReplyTo(1)!.Status);
    }

    [Fact]
    public void A_later_attempt_runs_under_the_named_ballot_or_a_higher_one()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Submit(Make.Request(1, Make.Put("v"), Make.Ballot(20, 3), attempt: 2));
        owner.Settle();
        Assert.Equal(ReplyStatus.Done, owner.ReplyTo(1)!.Status);
        Assert.True(owner.ReplyTo(1)!.Ballot > Make.Ballot(20, 3));
    }

    [Fact]
    public void A_later_attempt_under_the_ballot_that_is_held_does_not_change_it()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Submit(Make.Request(1, Make.Put("v"), owner.Ballot, attempt: 2));
        owner.Settle();
        Assert.Equal((ReplyStatus.Done, owner.Ballot), (owner.ReplyTo(1)!.Status, owner.ReplyTo(1)!.Ballot));
    }

    [Fact]
    public void Where_attempts_may_overtake_each_other_the_ballot_is_strictly_higher()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Submit(Make.Request(1, Make.Put("v"), owner.Ballot, attempt: 2, mode: RequestMode.Strictly));
        owner.Settle();
        Assert.Equal(ReplyStatus.Done, owner.ReplyTo(1)!.Status);
        Assert.True(owner.ReplyTo(1)!.Ballot.Round > owner.Ballot.Round);
    }

    [Fact]
    public void Every_version_given_is_above_the_floor()
    {
        var owner = new OwnerBench(_replicas).Own();
        var floor = Make.Version(30, 5, node: 2);
        owner.Submit(Make.Request(1, Make.Put("v"), owner.Ballot, floor: floor));
        var ballot = owner.ReplyTo(1)!.Ballot;
        Assert.True(ballot > floor.Ballot);
        owner.Submit(Make.Request(1, Make.Put("v"), ballot, floor: floor));
        owner.Settle();
        Assert.True(owner.ReplyTo(1)!.Visible > floor);
    }

    [Fact]
    public void A_request_of_an_epoch_that_is_not_known_is_not_run()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Submit(Make.Request(1, Make.Put("v"), new Ballot(2, 1, 0, 1), attempt: 2));
        Assert.Equal(ReplyStatus.NotReady, owner.ReplyTo(1)!.Status);
        owner.Submit(Make.Request(2, Make.Put("v"), owner.Ballot, floor: new Version(new Ballot(2, 1, 0, 1), 1)));
        Assert.Equal(ReplyStatus.NotReady, owner.ReplyTo(2)!.Status);
    }

    [Fact]
    public void A_later_attempt_never_takes_the_blind_path()
    {
        var owner = new OwnerBench(_replicas).Own();
        Assert.Equal(ReplicaAsk.Lookup, Assert.Single(owner.Retry(1, Make.Put("v"))).Ask);
        Assert.Equal(ReplicaAsk.Accept, Assert.Single(owner.Submit(2, Make.Put("w"), new Key("other"))).Ask);
    }

    // What another owner left undecided comes again right after a take-over; a blind put would wipe its trace.
    [Fact]
    public void A_shard_taken_over_is_not_written_blindly_until_its_owners_retries_have_come()
    {
        var first = new OwnerBench(_replicas).Own();
        first.Run(1, Make.Put("v"));
        var second = new OwnerBench(_replicas, self: 1, OwnerBench.Limits with { BlindAfterMs = 2000 });
        second.Proposer.OnTick(50_000);
        second.Own(above: first.Ballot);
        Assert.Equal(ReplicaAsk.Lookup, Assert.Single(second.Submit(2, Make.Put("w"))).Ask);
        second.Settle();
        second.Retry(1, Make.Put("v"));
        second.Settle();
        Assert.Equal(ReplyStatus.Done, second.ReplyTo(1)!.Status);
        second.Proposer.OnTick(52_000);
        Assert.Equal(ReplicaAsk.Accept, Assert.Single(second.Submit(3, Make.Put("x"), new Key("other"))).Ask);
    }

    [Fact]
    public void A_shard_that_nobody_owned_before_is_written_blindly_at_once()
    {
        var owner = new OwnerBench(_replicas, limits: OwnerBench.Limits with { BlindAfterMs = 2000 }).Own();
        Assert.Equal(ReplicaAsk.Accept, Assert.Single(owner.Submit(1, Make.Put("v"))).Ask);
    }

    [Fact]
    public void A_retry_that_finds_its_id_answers_what_was_kept_and_writes_nothing()
    {
        var first = new OwnerBench(_replicas).Own();
        var done = first.Run(1, Operation.Increment(5));
        var second = new OwnerBench(_replicas, self: 1).Own(above: first.Ballot);
        second.Retry(1, Operation.Increment(5));
        second.Settle();
        var reply = second.ReplyTo(1)!;
        Assert.Equal((ReplyStatus.Done, Outcome.Applied, 5, true), (reply.Status, reply.Outcome, (int)reply.Number, reply.Kept));
        Assert.Equal(done.Visible, reply.Visible);
        Assert.Equal(5, second.Run(2, Operation.Increment(0)).Number);
    }

    [Fact]
    public void A_retry_that_finds_its_id_in_a_record_no_quorum_holds_is_answered_only_once_it_is_chosen()
    {
        var first = new OwnerBench(_replicas).Own();
        first.Submit(1, Operation.Increment(5));
        foreach (var i in new[] { 0, 1, 2, 3 }) first.DeliverOnly(i, item => item.Ask == ReplicaAsk.Lookup);
        first.DeliverOnly(1, _ => true);
        Assert.Null(first.ReplyTo(1));
        var second = new OwnerBench(_replicas, self: 1).Own(above: first.Ballot);
        second.Retry(1, Operation.Increment(5));
        second.Deliver(0, 1);
        foreach (var i in new[] { 0, 1, 2, 3 }) second.DeliverOnly(i, item => item.Ask == ReplicaAsk.Confirm);
        Assert.Null(second.ReplyTo(1));
        second.Settle();
        Assert.Equal((ReplyStatus.Done, 5L), (second.ReplyTo(1)!.Status, second.ReplyTo(1)!.Number));
        Assert.Equal("5", Make.Text(_replicas.Stores[3].Get(0, Make.Key).Record.Value));
    }

    [Fact]
    public void The_old_value_of_a_retry_is_kept_until_the_next_write()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Run(1, Make.Put("a"));
        var put = Operation.Put(Make.Bytes("b"), returnsOld: true);
        owner.Run(2, put);
        owner.Retry(2, put);
        owner.Settle();
        Assert.Equal((true, "a"), (owner.ReplyTo(2)!.ValueKnown, Make.Text(owner.ReplyTo(2)!.Value)));
        owner.Run(3, Operation.CompareAndSet(Make.Bytes("b"), Make.Bytes("c")));
        owner.Retry(2, put);
        owner.Settle();
        var late = owner.ReplyTo(2)!;
        Assert.Equal((ReplyStatus.Done, Outcome.Applied, false, null), (late.Status, late.Outcome, late.ValueKnown, late.Value));
    }

    [Fact]
    public void A_retry_that_is_nowhere_runs_when_nothing_above_its_floor_was_forgotten()
    {
        var owner = new OwnerBench(_replicas).Own();
        var floor = owner.Run(1, Make.Put("v")).Visible;
        owner.Retry(2, Operation.CompareAndSet(Make.Bytes("v"), Make.Bytes("w")), floor);
        owner.Settle();
        Assert.Equal((ReplyStatus.Done, Outcome.Applied), (owner.ReplyTo(2)!.Status, owner.ReplyTo(2)!.Outcome));
    }

    // Trap nofloor: a blind put of somebody else has erased the trace.
    [Fact]
    public void A_retry_that_is_nowhere_is_unknown_when_something_above_its_floor_was_forgotten()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Run(1, Make.Put("v"));
        Assert.Empty(owner.Retry(2, Operation.Increment(1)));
        Assert.Equal(ReplyStatus.Unknown, owner.ReplyTo(2)!.Status);
    }

    [Fact]
    public void A_retry_finds_its_id_behind_three_later_writers_and_is_unknown_behind_four()
    {
        var owner = new OwnerBench(_replicas).Own();
        owner.Run(1, Operation.Increment(1));
        for (var i = 2ul; i <= 4; i++) owner.Run(i, Operation.Increment(1));
        owner.Retry(1, Operation.Increment(1));
        owner.Settle();
        Assert.Equal((ReplyStatus.Done, 1L), (owner.ReplyTo(1)!.Status, owner.ReplyTo(1)!.Number));
        owner.Run(5, Operation.Increment(1));
        owner.Retry(1, Operation.Increment(1));
        owner.Settle();
        Assert.Equal(ReplyStatus.Unknown, owner.ReplyTo(1)!.Status);
    }

    // Trap nofence: the "no" of a retry is written, so that an earlier attempt can't come true later.
    [Fact]
    public void The_no_of_a_later_attempt_is_written_with_its_id_and_found_by_the_next_attempt()
    {
        var owner = new OwnerBench(_replicas).Own();
        var floor = owner.Run(1, Make.Put("v")).Visible;
        var swap = Operation.CompareAndSet(Make.Bytes("x"), Make.Bytes("y"));
        var sent = Assert.Single(owner.Retry(2, swap, floor));
        Assert.Equal((ReplicaAsk.Accept, "v"), (sent.Ask, Make.Text(sent.Record!.Value)));
        owner.Settle();
        var no = owner.ReplyTo(2)!;
        Assert.Equal((Outcome.NotMatched, true, "v", floor), (no.Outcome, no.Kept, Make.Text(no.Value), no.Visible));
        // Now the value is what attempt 1 expected; it stays a no.
        owner.Run(3, Operation.CompareAndSet(Make.Bytes("v"), Make.Bytes("x")));
        var next = new OwnerBench(_replicas, self: 1).Own(above: owner.Ballot);
        next.Retry(2, swap, floor);
        next.Settle();
        Assert.Equal((Outcome.NotMatched, true), (next.ReplyTo(2)!.Outcome, next.ReplyTo(2)!.Kept));
    }

    [Fact]
    public void A_late_attempt_one_is_refused_by_the_replicas_that_promised_the_ballot_of_attempt_two()
    {
        var first = new OwnerBench(_replicas).Own();
        first.Submit(1, Operation.CompareAndSet((byte[]?)null, Make.Bytes("mine")));
        foreach (var i in new[] { 0, 1, 2, 3 }) first.DeliverOnly(i, item => item.Ask == ReplicaAsk.Lookup);
        var second = new OwnerBench(_replicas, self: 1).Own(above: first.Ballot);
        second.Submit(Make.Request(1, Operation.CompareAndSet((byte[]?)null, Make.Bytes("mine")), first.Ballot, attempt: 2));
        second.Settle();
        Assert.Equal(Outcome.Applied, second.ReplyTo(1)!.Outcome);
        first.Settle();
        Assert.Equal(ReplyStatus.Deposed, first.ReplyTo(1)!.Status);
        Assert.Single(_replicas.Stores[2].Get(0, Make.Key).Record.Writers);
    }

    [Fact]
    public void A_coordinator_that_was_beaten_names_the_holder_if_it_is_preferred_and_in_reach()
    {
        var owner = new OwnerBench(_replicas, self: 1);
        owner.Proposer.Saw(0, Make.Ballot(5, node: 0));
        owner.Submit(Make.Request(1, Make.Put("v")));
        Assert.Equal((ReplyStatus.AskHolder, Make.Ballot(5, node: 0)), (owner.ReplyTo(1)!.Status, owner.ReplyTo(1)!.Ballot));
        owner.Submit(Make.Request(2, Make.Put("v"), mode: RequestMode.MustOwn));
        Assert.Equal((ReplyStatus.OtherBallot, 6ul), (owner.ReplyTo(2)!.Status, owner.ReplyTo(2)!.Ballot.Round));
        owner.Proposer.Saw(0, Make.Ballot(7, node: 0));
        owner.Proposer.SetReachable(0b1110);
        owner.Submit(Make.Request(3, Make.Put("v")));
        Assert.Equal((ReplyStatus.OtherBallot, 8ul), (owner.ReplyTo(3)!.Status, owner.ReplyTo(3)!.Ballot.Round));
    }

    [Fact]
    public void The_more_preferred_coordinator_takes_over_instead_of_naming_the_holder()
    {
        var owner = new OwnerBench(_replicas, self: 0);
        owner.Proposer.Saw(0, Make.Ballot(5, node: 3));
        owner.Submit(Make.Request(1, Make.Put("v")));
        Assert.Equal((ReplyStatus.OtherBallot, 6ul, 0), (owner.ReplyTo(1)!.Status, owner.ReplyTo(1)!.Ballot.Round, owner.ReplyTo(1)!.Ballot.Node));
    }
}
