// GatewayAnswerTests.cs - protocol.md section 1: done, refused (certainly not done), unknown; and which of them a gateway may say.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class GatewayAnswerTests
{
    private static readonly Operation Swap = Operation.CompareAndSet(Make.Bytes("x"), Make.Bytes("y"));

    private readonly GatewayBench _bench = new();

    [Fact]
    public void Done_carries_the_result()
    {
        var call = _bench.Submit(Operation.Increment(1));
        var sent = _bench.Sent();
        _bench.Gateway.OnReply(0, new Reply
        {
            Id = sent.Request.Id, Attempt = 1, Status = ReplyStatus.Done, Outcome = Outcome.Applied, Number = 5,
            Value = [1], ValueKnown = true, Visible = Make.Version(2, 2), Kept = true,
        });
        var result = GatewayBench.ResultOf(call);
        Assert.Equal((ResultKind.Done, 5L, true, Make.Version(2, 2)), (result.Kind, result.Number, result.ValueKnown, result.Version));
        Assert.Equal([1], result.Value!);
        Assert.Equal(0, _bench.Gateway.Pending);
    }

    [Fact]
    public void Done_by_any_attempt_is_done()
    {
        var call = _bench.Submit(Make.Put("v"));
        var first = _bench.Sent();
        _bench.Pass(1100);
        _bench.Sent();
        _bench.Done(first);
        Assert.Equal(ResultKind.Done, GatewayBench.ResultOf(call).Kind);
    }

    [Fact]
    public void A_no_of_attempt_one_is_believed_while_it_is_the_only_attempt()
    {
        var call = _bench.Submit(Swap);
        _bench.Done(_bench.Sent(), Outcome.NotMatched, kept: false);
        Assert.Equal((ResultKind.Done, Outcome.NotMatched), (GatewayBench.ResultOf(call).Kind, GatewayBench.ResultOf(call).Outcome));
    }

    // Trap loosenno.
    [Fact]
    public void A_no_that_no_record_keeps_is_not_believed_once_there_was_a_second_attempt()
    {
        var call = _bench.Submit(Swap);
        var first = _bench.Sent();
        _bench.Pass(1100);
        var second = _bench.Sent();
        _bench.Done(first, Outcome.NotMatched, kept: false);
        _bench.Done(second, Outcome.NotMatched, kept: false);
        Assert.False(call.Task.IsCompleted);
        _bench.Done(second, Outcome.NotMatched, kept: true);
        Assert.Equal(Outcome.NotMatched, GatewayBench.ResultOf(call).Outcome);
    }

    [Theory]
    [InlineData(ReplyStatus.Deposed)]
    [InlineData(ReplyStatus.Unknown)]
    public void What_may_have_run_ends_as_unknown(ReplyStatus status)
    {
        var call = _bench.Submit(Make.Put("v"), timeoutMs: 300);
        _bench.Reply(_bench.Sent(), status);
        _bench.Pass(300);
        GatewayBench.AssertUnknown(call);
    }

    [Fact]
    public void At_its_deadline_what_was_sent_is_unknown_and_what_was_told_not_run_is_refused()
    {
        var sent = _bench.Submit(Make.Put("v"), timeoutMs: 400);
        _bench.Sent();
        var notRun = _bench.Submit(Make.Put("v"), timeoutMs: 400);
        _bench.Reply(_bench.Sent(), ReplyStatus.Busy);
        var get = _bench.Submit(Operation.Get, timeoutMs: 400);
        _bench.Pass(399);
        Assert.False(sent.Task.IsCompleted || get.Task.IsCompleted);
        foreach (var again in _bench.AllSent().Where(s => s.Request.Id.Number == 2)) _bench.Reply(again, ReplyStatus.Busy);
        _bench.Pass(1);
        GatewayBench.AssertUnknown(sent);
        GatewayBench.AssertRefused(notRun, RefusalReason.TimedOut);
        GatewayBench.AssertRefused(get, RefusalReason.TimedOut);
        Assert.Contains("within 400 ms", GatewayBench.ResultOf(get).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_request_is_unknown_once_sent_and_a_get_is_refused()
    {
        var put = _bench.Submit(Make.Put("v"));
        var get = _bench.Submit(Operation.Get);
        _bench.Gateway.Cancel(put);
        _bench.Gateway.Cancel(get);
        GatewayBench.AssertUnknown(put);
        GatewayBench.AssertRefused(get, RefusalReason.Cancelled);
        Assert.Equal(0, _bench.Gateway.Pending);
        // A twin that is not under way cancels nothing.
        var other = _bench.Submit(Make.Put("v"));
        _bench.Gateway.Cancel(put);
        Assert.False(other.Task.IsCompleted);
    }

    [Fact]
    public void Closing_answers_all_that_is_under_way()
    {
        var put = _bench.Submit(Make.Put("v"));
        var get = _bench.Submit(Operation.Get);
        _bench.Gateway.Close("The client was closed.");
        GatewayBench.AssertUnknown(put);
        GatewayBench.AssertRefused(get, RefusalReason.NotReady);
    }

    [Fact]
    public void Requests_beyond_the_limit_are_refused_as_busy_with_the_settings_name()
    {
        var bench = new GatewayBench(limits: GatewayBench.Limits with { MaxPending = 2 });
        bench.Submit(Make.Put("v"));
        bench.Submit(Make.Put("v"));
        var third = bench.Submit(Make.Put("v"));
        GatewayBench.AssertRefused(third, RefusalReason.Busy);
        Assert.Contains("firecloud.gateway.max-pending", GatewayBench.ResultOf(third).Message, StringComparison.Ordinal);
        Assert.Equal(2, bench.AllSent().Count);
    }

    [Fact]
    public void A_node_without_a_quorum_refuses_at_once_with_the_votes()
    {
        var bench = new GatewayBench(self: 0);
        bench.Gateway.SetReachable(0b0001);
        bench.Pass(1000);
        var call = bench.Submit(Make.Put("v"));
        bench.Reply(bench.Sent(), ReplyStatus.NoQuorum, votes: 2);
        GatewayBench.AssertRefused(call, RefusalReason.NoQuorum);
        Assert.Equal((2, 3), (GatewayBench.ResultOf(call).VotesReachable, GatewayBench.ResultOf(call).VotesNeeded));
        Assert.Contains("2 of 3 votes needed", GatewayBench.ResultOf(call).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_sees_a_quorum_asks_on_when_another_sees_none()
    {
        var bench = new GatewayBench(self: 1);
        bench.Pass(1000);
        var call = bench.Submit(Make.Put("v"));
        var first = bench.Sent();
        bench.Reply(first, ReplyStatus.NoQuorum, votes: 2);
        var second = bench.Sent();
        Assert.NotEqual(first.To, second.To);
        bench.Done(second);
        Assert.Equal(ResultKind.Done, GatewayBench.ResultOf(call).Kind);
    }

    [Fact]
    public void A_node_that_sees_a_quorum_waits_while_its_own_coordinator_doubts_it()
    {
        var bench = new GatewayBench(self: 0);
        bench.Pass(1000);
        var call = bench.Submit(Make.Put("v"));
        bench.Reply(bench.Sent(), ReplyStatus.NoQuorum, votes: 2);
        Assert.False(call.Task.IsCompleted);
        bench.Pass(50);
        bench.Done(bench.Sent());
        Assert.Equal(ResultKind.Done, GatewayBench.ResultOf(call).Kind);
    }

    [Fact]
    public void Full_disks_are_a_refusal_with_the_votes_that_have_room()
    {
        var bench = new GatewayBench(self: 0);
        var call = bench.Submit(Make.Put("v"));
        bench.Reply(bench.Sent(), ReplyStatus.NoRoom, votes: 2);
        GatewayBench.AssertRefused(call, RefusalReason.DiskFull);
        Assert.Equal((2, 3), (GatewayBench.ResultOf(call).VotesReachable, GatewayBench.ResultOf(call).VotesNeeded));
        Assert.Contains("Disks are full: members with only 2 of 3", GatewayBench.ResultOf(call).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quorum_lost_a_moment_ago_is_waited_for()
    {
        var bench = new GatewayBench(self: 0);
        bench.Gateway.SetReachable(0b0001);
        var call = bench.Submit(Make.Put("v"));
        bench.Reply(bench.Sent(), ReplyStatus.NoQuorum, votes: 2);
        Assert.False(call.Task.IsCompleted);
        bench.Pass(50);
        var again = bench.Sent();
        Assert.Equal(1, again.Request.Attempt);
        bench.Gateway.SetReachable(0b1111);
        bench.Done(again);
        Assert.Equal(ResultKind.Done, GatewayBench.ResultOf(call).Kind);
    }

    [Fact]
    public void A_quorum_that_stays_away_is_waited_for_only_as_long_as_the_grace()
    {
        var bench = new GatewayBench(self: 0);
        bench.Gateway.SetReachable(0b0001);
        var call = bench.Submit(Make.Put("v"));
        for (var waited = 0; waited < 350 && !call.Task.IsCompleted; waited += 50)
        {
            foreach (var sent in bench.AllSent()) bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
            bench.Pass(50);
        }
        foreach (var sent in bench.AllSent()) bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
        GatewayBench.AssertRefused(call, RefusalReason.NoQuorum);
    }

    [Fact]
    public void What_may_have_run_is_not_refused_for_want_of_a_quorum_but_waits_for_its_deadline()
    {
        var bench = new GatewayBench(self: 0);
        var call = bench.Submit(Make.Put("v"), timeoutMs: 2000);
        bench.Reply(bench.Sent(), ReplyStatus.Deposed);
        bench.Gateway.SetReachable(0b0001);
        bench.Pass(1000);
        foreach (var sent in bench.AllSent()) bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
        Assert.False(call.Task.IsCompleted);
        bench.Pass(1000);
        GatewayBench.AssertUnknown(call);
    }

    [Fact]
    public void A_client_asks_every_coordinator_in_reach_before_it_believes_that_there_is_no_quorum()
    {
        _bench.Pass(1000);
        var call = _bench.Submit(Make.Put("v"));
        var asked = new List<int>();
        while (!call.Task.IsCompleted)
        {
            var sent = _bench.Sent();
            asked.Add(sent.To);
            _bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
        }
        Assert.Equal([0, 1, 2, 3], asked.Order());
        GatewayBench.AssertRefused(call, RefusalReason.NoQuorum);
    }

    [Fact]
    public void A_client_that_lost_sight_of_the_quorum_a_moment_ago_asks_again_and_is_refused_after_the_grace()
    {
        _bench.Gateway.SetReachable(0b0001);
        var call = _bench.Submit(Make.Put("v"), timeoutMs: 60_000);
        for (var waited = 0; waited < 500 && !call.Task.IsCompleted; waited += 50)
        {
            foreach (var sent in _bench.AllSent()) _bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
            _bench.Pass(50);
        }
        GatewayBench.AssertRefused(call, RefusalReason.NoQuorum);
    }

    [Fact]
    public void A_client_that_was_served_a_moment_ago_waits_for_the_grace_although_everybody_says_no_quorum()
    {
        _bench.Pass(1000);
        _bench.Submit(Make.Put("u"));
        _bench.Done(_bench.Sent());
        var call = _bench.Submit(Make.Put("v"), timeoutMs: 60_000);
        for (var waited = 0; waited < 250; waited += 50)
        {
            foreach (var sent in _bench.AllSent()) _bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
            Assert.False(call.Task.IsCompleted);
            _bench.Pass(50);
        }
        for (var waited = 250; waited < 500 && !call.Task.IsCompleted; waited += 50)
        {
            foreach (var sent in _bench.AllSent()) _bench.Reply(sent, ReplyStatus.NoQuorum, votes: 2);
            _bench.Pass(50);
        }
        GatewayBench.AssertRefused(call, RefusalReason.NoQuorum);
    }

    [Fact]
    public void A_client_asks_again_when_a_quorum_may_be_back()
    {
        var call = _bench.Submit(Make.Put("v"), timeoutMs: 60_000);
        _bench.Reply(_bench.Sent(), ReplyStatus.Deposed);   // it may have run, so it is not given up
        for (var i = 0; i < 4; i++) _bench.Reply(_bench.Sent(), ReplyStatus.NoQuorum, votes: 2);
        Assert.False(call.Task.IsCompleted);
        _bench.Pass(100);
        _bench.Done(_bench.Sent());
        Assert.Equal(ResultKind.Done, GatewayBench.ResultOf(call).Kind);
    }

    [Fact]
    public void A_client_that_reaches_nobody_waits_for_somebody()
    {
        _bench.Gateway.SetReachable(0);
        var call = _bench.Submit(Make.Put("v"), timeoutMs: 1000);
        _bench.Pass(500);
        Assert.Empty(_bench.AllSent());
        _bench.Gateway.SetReachable(0b0100);
        _bench.Pass(50);
        Assert.Equal((2, 1), (_bench.Sent().To, call.Task.IsCompleted ? 0 : 1));
        var other = new GatewayBench();
        other.Gateway.SetReachable(0);
        var never = other.Submit(Make.Put("v"), timeoutMs: 1000);
        other.Pass(1000);
        GatewayBench.AssertRefused(never, RefusalReason.TimedOut);
    }
}
