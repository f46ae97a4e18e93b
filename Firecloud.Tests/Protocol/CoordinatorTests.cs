// CoordinatorTests.cs - gateway order, passing on, batches: Protocol/Coordinator, and several of them wired together in memory.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class CoordinatorTests
{
    private static readonly CoordinatorLimits Limits = new(GatewayBench.Limits, OwnerBench.Limits, MaxGateways: 100, FrameSize: 48 * 1024);

    [Fact]
    public void Requests_of_another_gateway_are_answered_to_it_in_one_batch()
    {
        var node = Node(0);
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a")), Make.Request(2, Make.Put("b"))), "there");
        var (gateway, batch) = Assert.Single(node.Flush().ToGateway);
        Assert.Equal(("there", 0), ((string)gateway, batch.From));
        Assert.Equal([1ul, 2], batch.Replies.Select(r => r.Id.Number));
        Assert.All(batch.Replies, r => Assert.Equal(ReplyStatus.OtherBallot, r.Status));
    }

    // Trap reordered: a batch that comes after a later one of its gateway is not run.
    [Fact]
    public void Batches_of_one_gateway_are_run_in_the_order_sent_or_not_at_all()
    {
        var node = Node(0);
        node.OnRequests(Batch(5, Make.Request(1, Make.Put("a"))), "there");
        foreach (var serial in new ulong[] { 5, 4, 1 })
        {
            node.OnRequests(Batch(serial, Make.Request(2, Make.Put("b"))), "there");
        }
        Assert.Equal([1ul], Assert.Single(node.Flush().ToGateway).Batch.Replies.Select(r => r.Id.Number));
        node.OnRequests(Batch(6, Make.Request(3, Make.Put("c"))), "there");
        Assert.Equal([3ul], Assert.Single(node.Flush().ToGateway).Batch.Replies.Select(r => r.Id.Number));
        // Another gateway has its own order.
        node.OnRequests(new RequestBatch(999, 1, [Make.Request(4, Make.Put("d"))]), "elsewhere");
        Assert.Equal("elsewhere", Assert.Single(node.Flush().ToGateway).Gateway);
    }

    // A node that starts again has promised its own earlier ballots: below them its writes would be refused.
    [Fact]
    public void The_first_ballot_is_above_what_the_own_replica_has_promised()
    {
        var node = Node(0);
        node.OnPromises([.. Enumerable.Repeat(Make.Ballot(7), Make.Configuration().Shards)]);
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"))), "there");
        Assert.Equal(8u, Assert.Single(node.Flush().ToGateway).Batch.Replies[0].Ballot.Round);
    }

    [Fact]
    public void Announcements_go_to_gateways_that_asked_within_a_second()
    {
        var node = Node(0);
        node.OnTick(10_000);
        node.OnRequests(new RequestBatch(1, 1, [Make.Request(1, Make.Put("a"))]), "early");
        node.OnTick(10_900);
        node.OnRequests(new RequestBatch(2, 1, [Make.Request(2, Make.Put("a"))]), "late");
        Assert.Equal(["late", "early"], node.RecentGateways());
        node.OnTick(11_100);
        Assert.Equal(["late"], node.RecentGateways());
    }

    [Fact]
    public void When_a_gateways_order_is_forgotten_every_ballot_is_given_up()
    {
        var node = Node(0, Limits with { MaxGateways = 2 });
        node.OnRequests(new RequestBatch(1, 1, [Make.Request(1, Make.Put("a"))]), "a");
        node.OnRequests(new RequestBatch(2, 1, [Make.Request(2, Make.Put("a"))]), "b");
        var ballot = node.Flush().ToGateway[0].Batch.Replies[0].Ballot;
        Assert.Equal(1, node.Proposer.ShardsHeld);
        node.OnRequests(new RequestBatch(1, 2, [Make.Request(3, Make.Put("a"), ballot)]), "a");
        Assert.Equal(ReplicaAsk.Accept, Assert.Single(Assert.Single(node.Flush().ToAllReplicas).Items).Ask);
        // The third gateway makes it forget the second, which was used longest ago; what is in flight is left undecided.
        node.OnRequests(new RequestBatch(3, 1, [Make.Request(4, Make.Put("a"), ballot)]), "c");
        var replies = node.Flush().ToGateway.SelectMany(g => g.Batch.Replies).ToDictionary(r => r.Id.Number, r => r);
        Assert.Equal((ReplyStatus.Deposed, ReplyStatus.OtherBallot), (replies[3].Status, replies[4].Status));
        Assert.True(replies[4].Ballot > ballot);
        // The forgotten gateway's old batch can't run: it names a ballot that is gone.
        node.OnRequests(new RequestBatch(2, 1, [Make.Request(2, Make.Put("a"), ballot)]), "b");
        Assert.Empty(node.Flush().ToAllReplicas);
    }

    [Fact]
    public void A_node_of_no_cluster_takes_no_requests_of_others()
    {
        var node = Node(0);
        node.IsReady = false;
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"))), "there");
        Assert.Equal(ReplyStatus.NotReady, Assert.Single(node.Flush().ToGateway).Batch.Replies[0].Status);
    }

    [Fact]
    public void A_request_that_may_be_passed_on_goes_to_the_holder_and_its_reply_back_to_the_gateway()
    {
        var node = Node(2);
        node.OnAnnouncements(new AnnouncementBatch(0, [new Announcement(0, Make.Ballot(5, 0), Make.Version(5, 1))]));
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"), mode: RequestMode.PassOn | RequestMode.Strictly)), "there");
        var output = node.Flush();
        Assert.Empty(output.ToGateway);
        var (member, batch) = Assert.Single(output.ToCoordinator);
        var passed = Assert.Single(batch.Requests);
        Assert.Equal((0, 1ul, RequestMode.AsOwner | RequestMode.Strictly), (member, passed.Id.Number, passed.Mode));
        node.OnReplies(new ReplyBatch(0, [new Reply { Id = passed.Id, Attempt = 1, Status = ReplyStatus.OtherBallot, Ballot = Make.Ballot(5) }]));
        var (gateway, replies) = Assert.Single(node.Flush().ToGateway);
        Assert.Equal(("there", ReplyStatus.OtherBallot), ((string)gateway, replies.Replies[0].Status));
        // A second reply to it finds nobody.
        node.OnReplies(new ReplyBatch(0, [new Reply { Id = passed.Id, Attempt = 1, Status = ReplyStatus.Deposed }]));
        Assert.Empty(node.Flush().ToGateway);
    }

    [Fact]
    public void A_gateway_hears_at_once_that_the_holder_of_what_was_passed_on_is_out_of_reach()
    {
        var node = Node(2);
        node.OnAnnouncements(new AnnouncementBatch(0, [new Announcement(0, Make.Ballot(5, 0), Make.Version(5, 1))]));
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"), mode: RequestMode.PassOn | RequestMode.Strictly)), "there");
        Assert.Single(node.Flush().ToCoordinator);
        node.SetReachable(0b0111);
        Assert.Empty(node.Flush().ToGateway);
        // It may have run there, so the gateway goes on with a further attempt, not with the same one.
        node.SetReachable(0b0110);
        var (gateway, replies) = Assert.Single(node.Flush().ToGateway);
        Assert.Equal(("there", 1ul, 1, ReplyStatus.Deposed), ((string)gateway, replies.Replies[0].Id.Number, replies.Replies[0].Attempt, replies.Replies[0].Status));
        // A late reply finds nobody, and nothing is told twice.
        node.OnReplies(new ReplyBatch(0, [new Reply { Id = replies.Replies[0].Id, Attempt = 1, Status = ReplyStatus.Done }]));
        node.SetReachable(0b0010);
        Assert.Empty(node.Flush().ToGateway);
    }

    [Fact]
    public void A_request_that_may_not_be_passed_on_is_told_the_holder()
    {
        var node = Node(2);
        node.OnAnnouncements(new AnnouncementBatch(0, [new Announcement(0, Make.Ballot(5, 0), Make.Version(5, 1))]));
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"))), "there");
        var output = node.Flush();
        Assert.Empty(output.ToCoordinator);
        Assert.Equal(ReplyStatus.AskHolder, Assert.Single(output.ToGateway).Batch.Replies[0].Status);
    }

    [Fact]
    public void A_holder_that_the_coordinator_does_not_reach_is_taken_over_from()
    {
        var node = Node(2);
        node.OnAnnouncements(new AnnouncementBatch(0, [new Announcement(0, Make.Ballot(5, 0), Make.Version(5, 1))]));
        node.SetReachable(0b1110);
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"), mode: RequestMode.PassOn)), "there");
        Assert.Equal(ReplyStatus.OtherBallot, Assert.Single(node.Flush().ToGateway).Batch.Replies[0].Status);
    }

    [Fact]
    public void A_holder_that_the_coordinator_suspects_is_taken_over_from_and_what_was_passed_on_to_it_is_left_to_the_gateway()
    {
        var node = Node(2);
        node.OnAnnouncements(new AnnouncementBatch(0, [new Announcement(0, Make.Ballot(5, 0), Make.Version(5, 1))]));
        node.OnRequests(Batch(1, Make.Request(1, Make.Put("a"), mode: RequestMode.PassOn | RequestMode.Strictly)), "there");
        Assert.Single(node.Flush().ToCoordinator);
        node.SetReachable(0b1111, suspected: 0b0001);
        Assert.Equal(ReplyStatus.Deposed, Assert.Single(node.Flush().ToGateway).Batch.Replies[0].Status);
        node.OnRequests(Batch(2, Make.Request(2, Make.Put("a"), mode: RequestMode.PassOn)), "there");
        Assert.Equal(ReplyStatus.OtherBallot, Assert.Single(node.Flush().ToGateway).Batch.Replies[0].Status);
    }

    [Fact]
    public void After_a_pause_every_shard_is_taken_anew()
    {
        var node = Node(0);
        node.Wake(1000);
        node.Submit(new PendingCall(Make.Key, Make.Put("v"), 5000));
        node.Flush();
        node.Wake(1400);
        Assert.Equal(1, node.Proposer.ShardsHeld);
        node.Wake(2000);
        Assert.Equal(0, node.Proposer.ShardsHeld);
    }

    [Fact]
    public void An_own_clients_request_at_the_owner_needs_no_message_but_those_for_replicas()
    {
        var node = Node(0);
        node.Submit(new PendingCall(Make.Key, Make.Put("v"), 5000));
        var output = node.Flush();
        Assert.Equal(ReplicaAsk.Accept, Assert.Single(Assert.Single(output.ToAllReplicas).Items).Ask);
        Assert.Empty(output.ToCoordinator);
    }

    [Fact]
    public void What_arrives_together_goes_out_together()
    {
        var node = Node(0);
        for (var i = 0; i < 50; i++) node.Submit(new PendingCall(new Key($"k{i}"), Make.Put("v"), 5000));
        Assert.Equal(50, Assert.Single(node.Flush().ToAllReplicas).Items.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Every_operation_works_at_every_node(int at)
    {
        var mesh = new Mesh();
        Assert.Equal(ResultKind.Done, mesh.Run(at, Make.Put("1")).Kind);
        Assert.Equal("1", Make.Text(mesh.Run(at, Operation.Get).Value));
        Assert.Equal(6, mesh.Run(at, Operation.Increment(5)).Number);
        Assert.Equal("6", Make.Text(mesh.Run(at, Operation.Put(Make.Bytes("x"), true)).Value));
        Assert.Equal(Outcome.NotANumber, mesh.Run(at, Operation.Increment(1)).Outcome);
        Assert.Equal(Outcome.NotMatched, mesh.Run(at, Operation.CompareAndSet(Make.Bytes("y"), null)).Outcome);
        Assert.Equal("x", Make.Text(mesh.Run(at, Operation.Delete(returnsOld: true)).Value));
        for (var i = 0; i < 4; i++) Assert.Null(mesh.Run(i, Operation.Get).Value);
    }

    [Fact]
    public void Two_coordinators_that_duel_lose_no_increment_and_count_none_twice()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var mesh = new Mesh(seed);
            var calls = Enumerable.Range(0, 30).Select(i => mesh.Submit(i % 4, Operation.Increment(1), mustOwn: i % 3 == 0)).ToList();
            mesh.Settle();
            Assert.True(calls.TrueForAll(c => c.Task.IsCompleted), $"seed {seed}");
            var results = calls.ConvertAll(GatewayBench.ResultOf);
            var done = results.Count(r => r.Kind == ResultKind.Done);
            var unknown = results.Count(r => r.Kind == ResultKind.Unknown);
            var numbers = results.Where(r => r.Kind == ResultKind.Done).Select(r => r.Number).ToList();
            Assert.True(numbers.Distinct().Count() == numbers.Count, $"seed {seed}: a number was given twice");
            var text = Make.Text(mesh.Run(0, Operation.Get).Value);
            var sum = int.Parse(text ?? "0", System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(sum >= done && sum <= done + unknown, $"seed {seed}: {sum}, {done} done, {unknown} unknown");
        }
    }

    private static Coordinator Node(int self, CoordinatorLimits? limits = null)
    {
        var node = new Coordinator(Make.Configuration(), self, (ulong)(100 + self), limits ?? Limits, new Random(1)) { IsReady = true };
        node.OnTick(100_000);
        return node;
    }

    private static RequestBatch Batch(ulong serial, params Request[] requests) => new(55, serial, requests);

    // Four coordinators and their replicas; with a seed, messages are delivered in a random order (but in order per pair).
    private sealed class Mesh
    {
        private readonly Replicas _replicas = new();
        private readonly Coordinator[] _nodes = [.. Enumerable.Range(0, 4).Select(i => Node(i))];
        private readonly Queue<Action>[] _pairs = [.. Enumerable.Range(0, 16).Select(_ => new Queue<Action>())];
        private readonly Random? _random;
        private long _now = 100_000;

        public Mesh(int seed = 0) => _random = seed == 0 ? null : new Random(seed);

        public OperationResult Run(int at, Operation operation)
        {
            var call = Submit(at, operation);
            Settle();
            return GatewayBench.ResultOf(call);
        }

        public PendingCall Submit(int at, Operation operation, bool mustOwn = false)
        {
            var call = new PendingCall(Make.Key, operation, 60_000);
            if (mustOwn) call.Mode = RequestMode.MustOwn;
            _nodes[at].Submit(call);
            Flush(at);
            return call;
        }

        public void Settle()
        {
            for (var idle = 0; idle < 40;)
            {
                var ready = Enumerable.Range(0, 16).Where(p => _pairs[p].Count > 0).ToArray();
                if (ready.Length == 0)
                {
                    idle++;
                    _now += 50;
                    for (var i = 0; i < 4; i++)
                    {
                        _nodes[i].OnTick(_now);
                        Flush(i);
                    }
                    continue;
                }
                _pairs[ready[_random?.Next(ready.Length) ?? 0]].Dequeue()();
            }
        }

        private void Flush(int from)
        {
            var output = _nodes[from].Flush();
            foreach (var request in output.ToAllReplicas)
            {
                for (var to = 0; to < 4; to++) Ask(from, to, request);
            }
            foreach (var (to, request) in output.ToReplica) Ask(from, to, request);
            foreach (var (to, batch) in output.ToCoordinator) Send(from, to, () => _nodes[to].OnRequests(batch, from));
            foreach (var (gateway, batch) in output.ToGateway) Send(from, (int)gateway, () => _nodes[(int)gateway].OnReplies(batch));
        }

        private void Ask(int from, int to, ReplicaRequest request) => Send(from, to, () =>
        {
            var answer = _replicas.Acceptors[to].Handle(request)!;
            Send(to, from, () => _nodes[from].Proposer.OnAnswer(answer));
        });

        private void Send(int from, int to, Action action) => _pairs[4 * from + to].Enqueue(() =>
        {
            action();
            Flush(to);
        });
    }
}
