// OwnerWriteTests.cs - protocol.md section 5: writes of the coordinator that holds the shard's ballot, and what a lost ballot does.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class OwnerWriteTests
{
    private readonly OwnerBench _owner = new OwnerBench().Own();

    [Fact]
    public void A_blind_put_is_one_broadcast_to_all()
    {
        var sent = Assert.Single(_owner.Submit(1, Make.Put("v")));
        Assert.Equal((ReplicaAsk.Accept, _owner.Ballot, 1ul), (sent.Ask, sent.Ballot, sent.Record!.Version.Sequence));
        _owner.Settle();
        Assert.Equal(ReplyStatus.Done, _owner.ReplyTo(1)!.Status);
        Assert.Empty(_owner.Flush());
    }

    public static TheoryData<int> Subsets => [.. Enumerable.Range(0, 16)];

    [Theory, MemberData(nameof(Subsets))]
    public void A_blind_put_is_done_exactly_when_a_quorum_has_taken_it(int members)
    {
        _owner.Submit(1, Make.Put("v"));
        for (var i = 0; i < 4; i++)
        {
            if ((members >> i & 1) != 0) _owner.Deliver(i);
        }
        var quorum = members is 0b0011 or 0b0101 or 0b1001 or 0b1110 or 0b0111 or 0b1011 or 0b1101 or 0b1111;
        Assert.Equal(quorum, _owner.ReplyTo(1) is { Status: ReplyStatus.Done });
        Assert.Equal(quorum ? 1 : 0, _owner.Replies.Count);
    }

    [Fact]
    public void One_members_answer_repeated_counts_once()
    {
        var sent = _owner.Submit(1, Make.Put("v"));
        var answer = _owner.Answer(1, [.. sent]);
        for (var i = 0; i < 5; i++) _owner.Proposer.OnAnswer(answer);
        _owner.Flush();
        Assert.Empty(_owner.Replies);
    }

    [Fact]
    public void Answers_of_a_member_that_another_answer_knows_a_later_life_of_do_not_count()
    {
        _owner.Submit(1, Make.Put("v"));
        _owner.Replicas.Stores[0].Lives = new Lives(4).Raised(1, 1);
        _owner.Deliver(1, 0);
        Assert.Empty(_owner.Replies);
        _owner.Deliver(2);
        Assert.Equal(ReplyStatus.Done, _owner.ReplyTo(1)!.Status);
    }

    [Theory]
    [InlineData(0ul, 1u)]
    [InlineData(100ul, 2u)]
    public void Answers_to_another_boot_or_of_another_epoch_count_for_nothing(ulong boot, uint epoch)
    {
        var sent = _owner.Submit(1, Make.Put("v"));
        for (var i = 0; i < 4; i++) _owner.Proposer.OnAnswer(_owner.Answer(i, [.. sent]) with { Boot = boot, Epoch = epoch });
        _owner.Flush();
        Assert.Empty(_owner.Replies);
    }

    [Fact]
    public void An_answer_of_the_wrong_kind_counts_for_nothing()
    {
        var sent = _owner.Submit(1, Make.Put("v"));
        var held = new ReplicaAnswerItem(ReplicaVerdict.Held, sent[0].Round, default, StoredRecord.None, default);
        for (var i = 0; i < 4; i++) _owner.Proposer.OnAnswer(new ReplicaAnswer(i, 1, 100, new Lives(4), [held]));
        _owner.Flush();
        Assert.Empty(_owner.Replies);
        Assert.Equal(1, _owner.Proposer.RoundsUnderWay);
    }

    [Fact]
    public void Writes_of_one_key_are_pipelined_and_a_later_version_that_is_chosen_decides_the_earlier_ones()
    {
        _owner.Submit(1, Make.Put("a"));
        _owner.Submit(2, Make.Put("b"));
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Record!.Version.Sequence == 2);
        Assert.Equal([Make.Id(1), Make.Id(2)], _owner.Replies.Select(r => r.Id));
        Assert.All(_owner.Replies, r => Assert.Equal(ReplyStatus.Done, r.Status));
        Assert.True(_owner.ReplyTo(1)!.Visible < _owner.ReplyTo(2)!.Visible);
        _owner.Settle();
        Assert.Equal(2, _owner.Replies.Count);
        Assert.All(_owner.Replicas.Stores, s => Assert.Equal("b", Make.Text(s.Get(0, Make.Key).Record.Value)));
    }

    [Fact]
    public void An_earlier_version_that_is_chosen_does_not_decide_a_later_one()
    {
        _owner.Submit(1, Make.Put("a"));
        _owner.Submit(2, Make.Put("b"));
        foreach (var member in new[] { 0, 1 }) _owner.DeliverOnly(member, i => i.Record!.Version.Sequence == 1);
        Assert.Equal([Make.Id(1)], _owner.Replies.Select(r => r.Id));
    }

    [Fact]
    public void A_read_modify_write_of_a_cached_key_is_one_broadcast_also_on_a_write_in_flight()
    {
        _owner.Submit(1, Make.Put("41"));
        var sent = Assert.Single(_owner.Submit(2, Operation.Increment(1)));
        Assert.Equal((ReplicaAsk.Accept, "42"), (sent.Ask, Make.Text(sent.Record!.Value)));
        _owner.Settle();
        Assert.Equal(42, _owner.ReplyTo(2)!.Number);
    }

    [Fact]
    public void A_read_modify_write_of_an_unknown_key_looks_it_up_first_and_nobody_overtakes_it()
    {
        Assert.Equal(ReplicaAsk.Lookup, Assert.Single(_owner.Submit(1, Operation.Increment(5))).Ask);
        Assert.Empty(_owner.Submit(2, Make.Put("7")));
        Assert.Empty(_owner.Submit(3, Operation.Increment(1)));
        _owner.Settle();
        Assert.Equal([5, 0, 8], [_owner.ReplyTo(1)!.Number, _owner.ReplyTo(2)!.Number, _owner.ReplyTo(3)!.Number]);
        Assert.Equal([Make.Id(1), Make.Id(2), Make.Id(3)], _owner.Replies.Select(r => r.Id));
    }

    [Fact]
    public void A_put_returning_the_old_value_returns_it()
    {
        _owner.Run(1, Make.Put("a"));
        var reply = _owner.Run(2, Operation.Put(Make.Bytes("b"), returnsOld: true));
        Assert.Equal((true, "a"), (reply.ValueKnown, Make.Text(reply.Value)));
        var blind = _owner.Run(3, Make.Put("c"));
        Assert.Equal((false, null), (blind.ValueKnown, blind.Value));
    }

    [Fact]
    public void A_refusal_ends_the_ownership_in_flight_is_deposed_and_what_waits_was_not_run()
    {
        _owner.Submit(1, Make.Put("a"));
        _owner.Submit(2, Operation.Get);
        var other = new Key("other");
        _owner.Submit(3, Operation.Increment(1), other);
        _owner.Replicas.Stores[1].SetPromised(0, Make.Ballot(9, 1));
        _owner.Deliver(1);
        Assert.Equal(
            [(1, ReplyStatus.Deposed), (2, ReplyStatus.AskHolder), (3, ReplyStatus.AskHolder)],
            _owner.Replies.Select(r => ((int)r.Id.Number, r.Status)).Order());
        Assert.All(_owner.Replies, r => Assert.Equal(Make.Ballot(9, 1), r.Ballot));
        Assert.Equal((0, 0, 0), (_owner.Proposer.ShardsHeld, _owner.Proposer.KeysCached, _owner.Proposer.RoundsUnderWay));
        // Answers that come now find nothing to decide.
        _owner.Deliver(0, 2, 3);
        Assert.Equal(3, _owner.Replies.Count);
    }

    [Fact]
    public void The_next_ballot_is_above_the_one_that_beat_the_last()
    {
        _owner.Proposer.Saw(0, Make.Ballot(9, 1));
        _owner.Own();
        Assert.Equal((10ul, 0, 100ul), (_owner.Ballot.Round, _owner.Ballot.Node, _owner.Ballot.Boot));
    }

    [Fact]
    public void A_write_is_sent_again_to_members_that_have_not_answered()
    {
        _owner.Proposer.OnTick(1000);
        _owner.Submit(1, Make.Put("v"));
        _owner.Deliver(0, 1);
        _owner.LoseMail();
        _owner.Proposer.OnTick(1400);
        _owner.Flush();
        Assert.Empty(_owner.MailOf(2));
        _owner.Proposer.OnTick(1500);
        _owner.Flush();
        Assert.Equal((0, 0, 1, 1), (_owner.MailOf(0).Count, _owner.MailOf(1).Count, _owner.MailOf(2).Count, _owner.MailOf(3).Count));
        _owner.Settle();
        Assert.Equal(0, _owner.Proposer.RoundsUnderWay);
        Assert.Equal("v", Make.Text(_owner.Replicas.Stores[3].Get(0, Make.Key).Record.Value));
        Assert.Single(_owner.Replies);
    }

    [Fact]
    public void A_member_that_can_be_reached_again_gets_at_once_what_it_missed()
    {
        _owner.Proposer.SetReachable(0b0111);
        _owner.Submit(1, Make.Put("v"));
        _owner.Deliver(0, 1, 2);
        _owner.LoseMail();
        _owner.Proposer.OnTick(10_000);
        _owner.Flush();
        Assert.Empty(_owner.MailOf(3));
        _owner.Proposer.SetReachable(0b1111);
        _owner.Flush();
        Assert.Single(_owner.MailOf(3));
    }

    [Fact]
    public void A_record_below_the_dropped_version_of_a_member_is_written_again_under_a_new_version()
    {
        var sent = _owner.Submit(1, Make.Put("v"));
        var tooOld = new ReplicaAnswerItem(ReplicaVerdict.TooOld, sent[0].Round, default, default, default);
        _owner.Proposer.OnAnswer(new ReplicaAnswer(3, 1, 100, new Lives(4), [tooOld]));
        var again = Assert.Single(_owner.Flush());
        Assert.Equal((2ul, "v"), (again.Record!.Version.Sequence, Make.Text(again.Record.Value)));
        Assert.Equal(sent[0].Record!.Writers, again.Record.Writers);
        _owner.Settle();
        Assert.Equal(ReplyStatus.Done, _owner.ReplyTo(1)!.Status);
    }
}
