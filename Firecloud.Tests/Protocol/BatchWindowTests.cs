using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public sealed class BatchWindowTests
{
    [Fact]
    public void An_idle_one_is_open_and_a_full_one_waits_for_an_answer()
    {
        var window = new BatchWindow(2);
        Assert.True(window.IsOpen);
        window.Sent(1, 0);
        Assert.True(window.IsOpen);
        window.Sent(5, 0);
        Assert.False(window.IsOpen);
        window.Answered(0);   // of an earlier batch
        Assert.False(window.IsOpen);
        window.Answered(4);   // the first batch's last
        Assert.True(window.IsOpen);
    }

    [Fact]
    public void An_answer_to_a_later_batch_speaks_for_those_before_it()
    {
        var window = new BatchWindow(2);
        window.Sent(1, 0);
        window.Sent(5, 0);
        window.Answered(5);
        window.Sent(9, 0);
        Assert.True(window.IsOpen);
    }

    [Fact]
    public void Silence_holds_nothing_up_for_longer_than_100_ms()
    {
        var window = new BatchWindow(1);
        window.Sent(1, 1000);
        window.OnTick(1099);
        Assert.False(window.IsOpen);
        window.OnTick(1100);
        Assert.True(window.IsOpen);
    }

    [Fact]
    public void Requests_that_come_while_a_batch_is_on_its_way_go_together_after_the_first_answer()
    {
        var bench = new GatewayBench(limits: GatewayBench.Limits with { MaxBatches = 1 });
        bench.Submit(Make.Put("a"));
        bench.Submit(Make.Put("b"));
        var owner = Array.FindIndex(bench.Gateway.Outbox, o => o.Count > 0);
        var first = bench.Gateway.Take(owner);
        Assert.Equal(2, first.Length);
        bench.Submit(Make.Put("c"));
        bench.Submit(Make.Put("d"));
        Assert.Empty(bench.Gateway.Take(owner));
        bench.Done((owner, first[1]));
        Assert.Equal(2, bench.Gateway.Take(owner).Length);
    }

    [Fact]
    public void Questions_to_all_wait_for_a_quorum_of_answers_and_an_idle_owner_asks_at_once()
    {
        var proposer = new Proposer(new Replicas().Configuration, 0, 100, OwnerBench.Limits with { MaxBatches = 1 });
        proposer.Submit(Make.Request(1, Operation.Get, mode: RequestMode.Any), this);
        var first = Assert.Single(proposer.Outbox.TakeToAll(0));
        proposer.Submit(Make.Request(2, Operation.Get, mode: RequestMode.Any), this);
        proposer.Submit(Make.Request(3, Operation.Get, mode: RequestMode.Any), this);
        Assert.Empty(proposer.Outbox.TakeToAll(0));
        proposer.OnAnswer(Held(2, first));   // one vote
        Assert.Empty(proposer.Outbox.TakeToAll(0));
        proposer.OnAnswer(Held(0, first));   // and two
        Assert.Equal(2, proposer.Outbox.TakeToAll(0).Length);
    }

    private static ReplicaAnswer Held(int from, ReplicaItem item) => new(
        from, 1, 100, new Lives(4), [new ReplicaAnswerItem(ReplicaVerdict.Held, item.Round, default, StoredRecord.None, default)]);
}
