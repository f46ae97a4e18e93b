// OwnerExpiryTests.cs - protocol.md section 11 at the coordinator: who is told what of a value that expires, and updates there.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class OwnerExpiryTests
{
    private const long At = 1000;

    private readonly Replicas _replicas = new();

    [Fact]
    public void A_value_is_there_until_its_time_and_gone_then()
    {
        var owner = Owner(At - 1);
        var got = owner.Run(2, Operation.Get with { ReturnsExpiry = true });
        Assert.Equal(("v", At), (Make.Text(got.Value), got.ExpiresAt));
        owner.Proposer.WallMs = At;
        got = owner.Run(3, Operation.Get with { ReturnsExpiry = true });
        Assert.True(got is { Value: null, ValueKnown: true, ExpiresAt: 0, Visible.IsNone: true });
        Assert.True(_replicas.Stores[0].Get(0, Make.Key).Record.IsTombstone || !_replicas.Stores[0].Get(0, Make.Key).Record.Held);
    }

    [Fact]
    public void Without_a_clock_nothing_expires()
    {
        var owner = Owner(0);
        Assert.Equal("v", Make.Text(owner.Run(2, Operation.Get).Value));
    }

    [Fact]
    public void Nobody_is_told_before_a_quorum_has_the_tombstone()
    {
        var owner = Owner(At);
        Assert.Equal(ReplicaAsk.Accept, owner.Submit(2, Operation.Get).First(i => i.Ask != ReplicaAsk.Confirm).Ask);
        foreach (var member in new[] { 0, 1, 2, 3 }) owner.DeliverOnly(member, i => i.Ask == ReplicaAsk.Confirm);
        owner.DeliverOnly(1, _ => true);
        owner.DeliverOnly(2, _ => true);
        Assert.Null(owner.ReplyTo(2));
        owner.DeliverOnly(3, _ => true);
        Assert.Null(owner.ReplyTo(2)!.Value);
        // The next owner's clock is behind: gone stays gone.
        var next = new OwnerBench(_replicas, self: 1).Own(above: owner.Ballot);
        next.Proposer.WallMs = 1;
        Assert.Null(next.Run(3, Operation.Get).Value);
    }

    [Fact]
    public void A_write_that_finds_an_expired_value_is_one_write_and_finds_none()
    {
        var owner = Owner(At);
        var sent = owner.Submit(2, Operation.CompareAndSet((byte[]?)null, Make.Bytes("w")));
        Assert.Equal("w", Make.Text(Assert.Single(sent).Record!.Value));
        owner.Settle();
        Assert.Equal(Outcome.Applied, owner.ReplyTo(2)!.Outcome);
        Assert.Equal("w", Make.Text(owner.Run(3, Operation.Get).Value));
        // And it lives for ever.
        owner.Proposer.WallMs = long.MaxValue;
        Assert.Equal("w", Make.Text(owner.Run(4, Operation.Get).Value));
    }

    [Fact]
    public void An_increment_begins_anew()
    {
        var owner = Owner(At, "7");
        Assert.Equal(5, owner.Run(2, Operation.Increment(5)).Number);
    }

    [Fact]
    public void An_old_value_that_has_expired_is_none()
    {
        var owner = Owner(At);
        Assert.True(owner.Run(3, Operation.Put(Make.Bytes("w"), returnsOld: true)) is { Value: null, ValueKnown: true });
    }

    [Fact]
    public void A_no_because_of_an_expiry_waits_for_the_tombstone_too()
    {
        var owner = Owner(At);
        var sent = owner.Submit(2, Operation.CompareAndSet(Make.Bytes("v"), Make.Bytes("w")));
        Assert.True(sent.Single(i => i.Ask == ReplicaAsk.Accept).Record!.IsTombstone);
        owner.Settle();
        Assert.True(owner.ReplyTo(2) is { Outcome: Outcome.NotMatched, Value: null, ValueKnown: true });
    }

    [Fact]
    public void A_retry_is_told_what_it_came_to_but_not_what_an_expiry_has_taken_since()
    {
        var owner = Owner(At - 1, "v", Operation.CompareAndSet((byte[]?)null, Make.Bytes("w")), retry: true, dropAfterMs: 10_000);
        Assert.True(owner.ReplyTo(2) is { Outcome: Outcome.NotMatched, ValueKnown: true, Kept: true });
        owner.Proposer.WallMs = At;
        owner.Run(3, Operation.Get);
        owner.Retry(2, Operation.CompareAndSet((byte[]?)null, Make.Bytes("w")));
        owner.Settle();
        Assert.True(owner.ReplyTo(2) is { Outcome: Outcome.NotMatched, ValueKnown: false, Value: null, Kept: true });
    }

    [Fact]
    public void A_reader_whose_clock_says_expired_asks_the_owner()
    {
        Owner(At - 1);
        var reader = new OwnerBench(_replicas, self: 1);
        reader.Proposer.WallMs = At - 1;
        Assert.Equal("v", Make.Text(reader.Run(2, Operation.Get).Value));
        reader.Proposer.WallMs = At;
        Assert.Equal(ReplyStatus.AskHolder, reader.Run(3, Operation.Get).Status);
    }

    [Fact]
    public void A_report_is_judged_by_the_owners_own_clock()
    {
        var owner = Owner(At - 1);
        owner.Proposer.Expire(Make.Key);
        Assert.Empty(owner.Flush());
        owner.Proposer.WallMs = At;
        owner.Proposer.Expire(Make.Key);
        Assert.True(Assert.Single(owner.Flush()).Record!.IsTombstone);
    }

    [Fact]
    public void A_report_of_a_key_that_is_not_known_looks_it_up_first()
    {
        var first = Owner(At - 1);
        var owner = new OwnerBench(_replicas).Own(above: first.Ballot);
        owner.Proposer.WallMs = At;
        owner.Proposer.Expire(Make.Key);
        Assert.Equal(ReplicaAsk.Lookup, Assert.Single(owner.Flush()).Ask);
        owner.Settle();
        Assert.All(_replicas.Stores, s => Assert.False(s.Get(0, Make.Key).Record.Value is not null));
        Assert.Empty(_replicas.Stores[0].Expired(long.MaxValue, 9));
    }

    [Fact]
    public void A_key_whose_value_expired_is_dropped_like_a_deleted_one()
    {
        var owner = Owner(At);
        owner.Run(2, Operation.Get);
        Assert.All(_replicas.Stores, s => Assert.Equal(0, s.Count));
    }

    [Fact]
    public void A_retry_of_an_update_is_told_the_same()
    {
        var append = Operation.Of(new Update { Change = UpdateChange.Append, ReturnsNew = true }, Make.Bytes("xy")) with { ReturnsExpiry = true };
        var owner = Owner(At - 1, "v", append, retry: true);
        var first = owner.ReplyTo(2)!;
        Assert.Equal(("vxy", 3L, At, Outcome.Applied), (Make.Text(first.Value), first.Number, first.ExpiresAt, first.Outcome));
        owner.Retry(2, append);
        owner.Settle();
        var again = owner.ReplyTo(2)!;
        Assert.Equal((Make.Text(first.Value), first.Number, first.ExpiresAt, first.Visible), (Make.Text(again.Value), again.Number, again.ExpiresAt, again.Visible));
        // Once another write has followed, only the number is left.
        owner.Run(3, Operation.Put(Make.Bytes("z"), returnsOld: true));
        owner.Retry(2, append);
        owner.Settle();
        Assert.True(owner.ReplyTo(2) is { Outcome: Outcome.Applied, ValueKnown: false, Number: 3 });
    }

    [Fact]
    public void An_update_returns_the_old_value_or_what_is_there_when_it_says_no()
    {
        var set = new Update { If = UpdateCondition.Absent, Change = UpdateChange.Set };
        var owner = Owner(At - 1);
        Assert.True(owner.Run(2, Operation.Of(set, Make.Bytes("w")) with { ReturnsOld = true }) is { Outcome: Outcome.NotMatched, ValueKnown: true } no
            && Make.Text(no.Value) == "v");
        Assert.Equal("v", Make.Text(owner.Run(3, Operation.Of(set with { If = UpdateCondition.Present }, Make.Bytes("w")) with { ReturnsOld = true }).Value));
    }

    [Fact]
    public void The_owner_knows_how_long_a_value_may_be()
    {
        var owner = new OwnerBench(_replicas, limits: OwnerBench.Limits with { MaxValue = 3 }).Own();
        owner.Run(1, Operation.Put(Make.Bytes("ab"), returnsOld: true));
        var append = Operation.Of(new Update { Change = UpdateChange.Append }, Make.Bytes("c"));
        Assert.Equal(3, owner.Run(2, append).Number);
        Assert.Equal(Outcome.TooLarge, owner.Run(3, append).Outcome);
    }

    [Fact]
    public void A_time_from_now_is_counted_by_the_owners_clock_when_it_decides()
    {
        var owner = Owner(At - 100);
        var ask = Operation.Get with { ReturnsExpiry = true };
        var fromNow = new Update { Change = UpdateChange.Keep, Expiry = ExpiryRule.At };
        Assert.Equal(Outcome.Applied, owner.Run(2, Operation.Of(fromNow, expiresAt: 250) with { ExpiresFromNow = true }).Outcome);
        Assert.Equal(At + 150, owner.Run(3, ask).ExpiresAt);
        // Conditions look at the sum.
        Assert.Equal(Outcome.NotMatched, owner.Run(4, Operation.Of(fromNow with { ExpiryIf = ExpiryConditions.Later }, expiresAt: 250) with { ExpiresFromNow = true }).Outcome);
        Assert.Equal(Outcome.Applied, owner.Run(5, Operation.Of(fromNow with { ExpiryIf = ExpiryConditions.Later }, expiresAt: 251) with { ExpiresFromNow = true }).Outcome);
        foreach (var (life, until) in new[] { (70L, At - 30), (long.MaxValue, long.MaxValue) })
        {
            // Both ways of a put: on what is known, and blind.
            owner.Run(6 + (ulong)until, Operation.Put(Make.Bytes("w")) with { ExpiresAt = life, ExpiresFromNow = true });
            Assert.Equal(until, owner.Run(7 + (ulong)until, ask).ExpiresAt);
        }
        var blind = new OwnerBench(new Replicas()).Own();
        blind.Proposer.WallMs = 500;
        blind.Run(1, Operation.Put(Make.Bytes("w")) with { ExpiresAt = 70, ExpiresFromNow = true });
        Assert.Equal(570, blind.Run(2, ask).ExpiresAt);
        // Never is never.
        blind.Run(3, Operation.Put(Make.Bytes("w")) with { ExpiresFromNow = true });
        Assert.Equal(0, blind.Run(4, ask).ExpiresAt);
    }

    // Holds "v" until At; where an operation is given, it was run as request 2.
    private OwnerBench Owner(long wallMs, string value = "v", Operation? then = null, bool retry = false, int dropAfterMs = 0)
    {
        var limits = OwnerBench.Limits with { DropAfterMs = dropAfterMs };
        var owner = new OwnerBench(_replicas, limits: limits).Own(above: _replicas.Stores[0].GetPromised(0));
        owner.Run(1, Operation.Put(Make.Bytes(value), returnsOld: true) with { ExpiresAt = At });
        owner.Proposer.WallMs = wallMs;
        if (then is null) return owner;
        if (retry) owner.Retry(2, then);
        else owner.Submit(2, then);
        owner.Settle();
        return owner;
    }
}
