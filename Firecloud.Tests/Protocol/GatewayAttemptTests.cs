// GatewayAttemptTests.cs - protocol.md section 6: attempts, ballots named, floors, and whom a gateway asks.
using Firecloud.Actors.Protocol;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class GatewayAttemptTests
{
    private static readonly Ballot Held = Make.Ballot(4);

    private readonly GatewayBench _bench = new();

    [Fact]
    public void Requests_are_numbered_and_go_to_the_preferred_member()
    {
        for (var i = 1ul; i <= 3; i++)
        {
            _bench.Submit(Make.Put("v"));
            var (to, request) = _bench.Sent();
            Assert.Equal((0, new RequestId(7, i), 1, RequestMode.Any), (to, request.Id, request.Attempt, request.Mode));
        }
    }

    [Fact]
    public void Attempt_one_is_sent_again_under_the_ballot_that_was_told()
    {
        _bench.Submit(Make.Put("v"));
        var first = _bench.Sent();
        Assert.True(first.Request.Named.IsNone);
        _bench.Reply(first, ReplyStatus.OtherBallot, Held);
        var again = _bench.Sent();
        Assert.Equal((0, 1, Held), (again.To, again.Request.Attempt, again.Request.Named));
        // The next request names it at once.
        _bench.Submit(Make.Put("v"));
        Assert.Equal(Held, _bench.Sent().Request.Named);
    }

    [Fact]
    public void Announcements_tell_ballots_and_floors()
    {
        var chosen = new Version(Held, 9);
        _bench.Gateway.OnAnnouncement(0, new Announcement(0, Held, chosen));
        _bench.Gateway.OnAnnouncement(0, new Announcement(0, Held, new Version(Held, 8)));
        _bench.Submit(Make.Put("v"));
        var request = _bench.Sent().Request;
        Assert.Equal((Held, chosen, chosen), (request.Named, request.Floor, _bench.Gateway.Floor(0)));
    }

    [Fact]
    public void Answers_raise_the_floor_of_later_requests()
    {
        _bench.Submit(Make.Put("v"));
        _bench.Done(_bench.Sent(), chosen: new Version(Held, 3));
        _bench.Submit(Make.Put("v"));
        Assert.Equal(new Version(Held, 3), _bench.Sent().Request.Floor);
    }

    [Fact]
    public void A_later_attempt_keeps_id_ballot_and_floor_of_the_first()
    {
        _bench.Gateway.OnAnnouncement(0, new Announcement(0, Held, new Version(Held, 1)));
        _bench.Submit(Make.Put("v"));
        var first = _bench.Sent().Request;
        _bench.Gateway.OnAnnouncement(0, new Announcement(0, Make.Ballot(9), Make.Version(9, 5)));
        _bench.Pass(1100);
        var second = _bench.Sent();
        Assert.Equal(1, second.To);   // not the one that did not answer
        Assert.Equal((first.Id, 2, first.Named, first.Floor), (second.Request.Id, second.Request.Attempt, second.Request.Named, second.Request.Floor));
    }

    [Fact]
    public void A_deposed_attempt_is_followed_by_the_next()
    {
        _bench.Submit(Make.Put("v"));
        _bench.Reply(_bench.Sent(), ReplyStatus.Deposed, Make.Ballot(5, node: 1));
        Assert.Equal(2, _bench.Sent().Request.Attempt);
    }

    [Fact]
    public void A_not_run_attempt_goes_to_the_holder_that_was_named_and_later_requests_too()
    {
        _bench.Submit(Make.Put("v"));
        _bench.Reply(_bench.Sent(), ReplyStatus.AskHolder, Make.Ballot(5, node: 2));
        var again = _bench.Sent();
        Assert.Equal((2, 1, RequestMode.AsOwner), (again.To, again.Request.Attempt, again.Request.Mode));
        _bench.Submit(Make.Put("w"));
        Assert.Equal(2, _bench.Sent().To);
    }

    [Fact]
    public void Holders_that_name_each_other_are_cut_short_by_a_take_over()
    {
        _bench.Submit(Make.Put("v"));
        var sent = _bench.Sent();
        for (var hop = 0; hop < 3; hop++)
        {
            _bench.Reply(sent, ReplyStatus.AskHolder, Make.Ballot(5, node: sent.To == 2 ? 3 : 2));
            sent = _bench.Sent();
            Assert.False(sent.Request.Mode.HasFlag(RequestMode.MustOwn));
        }
        _bench.Reply(sent, ReplyStatus.AskHolder, Make.Ballot(5, node: 1));
        sent = _bench.Sent();
        Assert.Equal((0, 1), (sent.To, sent.Request.Attempt));
        Assert.True(sent.Request.Mode.HasFlag(RequestMode.MustOwn));
    }

    [Fact]
    public void A_holder_out_of_reach_is_taken_over_from()
    {
        _bench.Gateway.SetReachable(0b0111);
        _bench.Submit(Make.Put("v"));
        _bench.Reply(_bench.Sent(), ReplyStatus.AskHolder, Make.Ballot(5, node: 3));
        var again = _bench.Sent();
        Assert.Equal(0, again.To);
        Assert.True(again.Request.Mode.HasFlag(RequestMode.MustOwn));
    }

    [Fact]
    public void Requests_at_a_member_that_is_out_of_reach_go_elsewhere_at_once()
    {
        _bench.Submit(Make.Put("v"));
        _bench.Sent();
        _bench.Gateway.SetReachable(0b1110);
        var again = _bench.Sent();
        Assert.Equal(2, again.Request.Attempt);
        Assert.NotEqual(0, again.To);
    }

    [Fact]
    public void Requests_at_a_suspected_member_go_elsewhere_at_once_and_later_ones_to_it_again_when_it_answers()
    {
        _bench.Submit(Make.Put("v"));
        Assert.Equal(0, _bench.Sent().To);
        _bench.Gateway.SetReachable(0b1111, suspected: 0b0001);
        var again = _bench.Sent();
        Assert.Equal((2, false), (again.Request.Attempt, again.To == 0));
        _bench.Submit(Make.Put("w"));
        Assert.Equal(again.To, _bench.Sent().To);
        _bench.Reply(again, ReplyStatus.AskHolder, Make.Ballot(5, node: 0));
        Assert.NotEqual(0, _bench.Sent().To);
        _bench.Gateway.SetReachable(0b1111);
        _bench.Submit(Make.Put("x"));
        Assert.Equal(0, _bench.Sent().To);
    }

    [Fact]
    public void A_client_asks_suspected_members_too_before_it_believes_that_there_is_no_quorum()
    {
        _bench.Pass(1000);
        _bench.Gateway.SetReachable(0b0011, suspected: 0b0001);
        var call = _bench.Submit(Make.Put("v"));
        var first = _bench.Sent();
        _bench.Reply(first, ReplyStatus.NoQuorum, votes: 2);
        var second = _bench.Sent();
        Assert.Equal((1, 0), (first.To, second.To));
        _bench.Done(second);
        Assert.Equal(ResultKind.Done, GatewayBench.ResultOf(call).Kind);
    }

    [Fact]
    public void With_all_suspected_requests_go_on_as_if_none_were()
    {
        _bench.Gateway.SetReachable(0b1111, suspected: 0b1111);
        _bench.Submit(Make.Put("v"));
        Assert.Equal(0, _bench.Sent().To);
    }

    [Fact]
    public void What_an_owner_gave_to_attempt_1_raises_the_floor_to_just_below_and_what_it_gave_to_later_ones_does_not()
    {
        _bench.Submit(Make.Put("v"));
        _bench.Depose(_bench.Sent(), Make.Version(5, 7));
        var second = _bench.Sent();
        Assert.Equal((2, Make.Version(5, 6)), (second.Request.Attempt, second.Request.Floor));
        _bench.Depose(second, Make.Version(6, 3));
        var third = _bench.Sent();
        Assert.Equal((3, Make.Version(5, 6)), (third.Request.Attempt, third.Request.Floor));
    }

    [Fact]
    public void An_attempt_waits_twice_as_long_as_the_one_in_vain_before_it()
    {
        _bench.Submit(Make.Put("v"), timeoutMs: 60_000);
        Assert.Equal(1, _bench.Sent().Request.Attempt);
        _bench.Pass(1100);
        Assert.Equal(2, _bench.Sent().Request.Attempt);
        _bench.Pass(1100);
        Assert.Empty(_bench.AllSent());
        _bench.Pass(1100);
        Assert.Equal(3, _bench.Sent().Request.Attempt);
    }

    // Who does not reach all may not reach the holder: then requests may be passed on, and may overtake each other.
    [Fact]
    public void With_a_member_out_of_reach_requests_may_be_passed_on_and_need_a_strictly_higher_ballot_from_then_on()
    {
        _bench.Gateway.SetReachable(0b0111);
        var call = _bench.Submit(Make.Put("v"));
        var first = _bench.Sent();
        Assert.Equal(RequestMode.PassOn | RequestMode.Strictly, first.Request.Mode);
        _bench.Gateway.SetReachable(0b1111);
        _bench.Reply(first, ReplyStatus.Deposed);
        Assert.Equal(RequestMode.Strictly, _bench.Sent().Request.Mode);
        _bench.Submit(Make.Put("w"));
        Assert.Equal(RequestMode.Any, _bench.Sent().Request.Mode);
        Assert.False(call.Task.IsCompleted);
    }

    [Fact]
    public void A_node_asks_itself_for_gets_and_the_owner_when_the_read_did_not_decide()
    {
        var bench = new GatewayBench(self: 2);
        bench.Submit(Operation.Get);
        var first = bench.Sent();
        Assert.Equal((2, RequestMode.Any), (first.To, first.Request.Mode));
        bench.Reply(first, ReplyStatus.AskHolder);
        var second = bench.Sent();
        Assert.Equal((0, RequestMode.AsOwner, 1), (second.To, second.Request.Mode, second.Request.Attempt));
        bench.Submit(Make.Put("v"));
        Assert.Equal(0, bench.Sent().To);
    }

    [Fact]
    public void Busy_and_not_ready_coordinators_are_asked_again_after_a_while()
    {
        foreach (var status in new[] { ReplyStatus.Busy, ReplyStatus.NotReady })
        {
            _bench.Submit(Make.Put("v"));
            _bench.Reply(_bench.Sent(), status);
            Assert.Empty(_bench.AllSent());
            _bench.Pass(45);
            var again = _bench.Sent();
            Assert.Equal((0, 1), (again.To, again.Request.Attempt));
            _bench.Done(again);
        }
    }

    [Fact]
    public void Replies_to_another_attempt_or_from_another_member_change_nothing()
    {
        _bench.Submit(Make.Put("v"));
        var first = _bench.Sent();
        _bench.Reply(first, ReplyStatus.Deposed, from: 3);
        Assert.Empty(_bench.AllSent());
        _bench.Pass(1100);
        var second = _bench.Sent();
        _bench.Reply(first, ReplyStatus.Deposed);
        _bench.Reply((second.To, first.Request), ReplyStatus.NoQuorum);
        Assert.Empty(_bench.AllSent());
        Assert.Equal(1, _bench.Gateway.Pending);
    }

    [Fact]
    public void A_request_that_others_may_have_tried_begins_with_attempt_two_and_their_id_and_floor()
    {
        var call = new PendingCall(Make.Key, Make.Put("v"), 5000) { Repeated = (new RequestId(50, 60), Make.Version(3, 3)) };
        _bench.Gateway.Submit(call);
        var sent = _bench.Sent().Request;
        Assert.Equal((new RequestId(50, 60), 2, Make.Version(3, 3)), (sent.Id, sent.Attempt, sent.Floor));
        var twin = new PendingCall(Make.Key, Make.Put("v"), 5000) { Repeated = call.Repeated };
        _bench.Gateway.Submit(twin);
        Assert.Equal(ResultKind.Unknown, GatewayBench.ResultOf(twin).Kind);
        Assert.Equal(1, _bench.Gateway.Pending);
    }
}
