// FaultTests.cs - loss, cuts, crashes and restarts, injected below the sessions of real actor systems.
using Akka.Actor;
using Akka.Remote;
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public class FaultTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Loss_duplicates_and_reordering_do_not_show(int perCall)
    {
        var hocon = $"akka.remote.firecloud-udp.datagrams-per-call = {perCall}";
        await using var a = UdpSystem.Start(hocon: hocon);
        await using var b = UdpSystem.Start(hocon: hocon);
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(5));
        var fault = new LinkFault { DropIn = 0.05, DropOut = 0.05, Duplicate = 0.05, Reorder = 0.05, Seed = 7 };
        await a.Fault(b, fault);
        await b.Fault(a, fault);
        var recorder = await a.At(b, "recorder").ResolveOne(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 2_000; i++) recorder.Tell(i % 50 == 0 ? new string('x', 40_000) + i : i);
        await UdpSystem.Until(() => b.Received.Count >= 2_000, "2,000 messages under loss", 20);
        await Task.Delay(50);
        var seen = b.Received.Select(m => m is string s ? int.Parse(s.TrimStart('x'), System.Globalization.CultureInfo.InvariantCulture) : (int)m);
        Assert.Equal(Enumerable.Range(0, 2_000), seen);
        var peer = await a.Peer(b);
        Assert.True(peer.Lost > 0);
        output.WriteLine($"{peer}");
    }

    [Fact]
    public async Task A_crash_is_noticed_and_a_restart_on_the_same_port_is_reached_without_uid()
    {
        await using var a = UdpSystem.Start();
        var b = UdpSystem.Start();
        var events = Subscribe(a);
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(5));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await b.Manage(new Crash());
        await UdpSystem.Until(() => events.Received.OfType<PeerUnreachable>().Any(), "PeerUnreachable", 2);
        output.WriteLine($"noticed after {watch.ElapsedMilliseconds} ms");
        Assert.True(watch.ElapsedMilliseconds < 600, $"noticed after {watch.ElapsedMilliseconds} ms");
        await b.System.Terminate();
        await using var again = UdpSystem.Start(b.Address.Port!.Value);
        var took = await a.AskUntilAnswered(again, TimeSpan.FromSeconds(3));
        output.WriteLine($"reached after {took.TotalMilliseconds:0} ms");
        await UdpSystem.Until(() => events.Received.Last() is PeerReachable, "PeerReachable", 2);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    public async Task A_cut_drops_new_messages_and_heals_quickly_with_the_same_associations(double dropIn, double dropOut)
    {
        await using var a = UdpSystem.Start();
        await using var b = UdpSystem.Start();
        var (fromA, fromB) = (Subscribe(a), Subscribe(b));
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(5));
        await b.AskUntilAnswered(a, TimeSpan.FromSeconds(5));
        var before = (await a.Peer(b)).Associations;
        await a.Fault(b, new LinkFault { DropIn = dropIn, DropOut = dropOut });
        await UdpSystem.Until(() => Last(fromA) is PeerUnreachable && Last(fromB) is PeerUnreachable, "both sides notice", 2);
        for (var i = 0; i < 100; i++) a.At(b, "recorder").Tell(i);
        await UdpSystem.Until(() => a.Peer(b).Result.MessagesDropped >= 100, "messages are dropped", 2);
        await Task.Delay(500);
        await a.Fault(b, null);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await UdpSystem.Until(() => Last(fromA) is PeerReachable && Last(fromB) is PeerReachable, "both sides notice the heal", 2);
        output.WriteLine($"healed after {watch.ElapsedMilliseconds} ms");
        Assert.True(watch.ElapsedMilliseconds < 400, $"healed after {watch.ElapsedMilliseconds} ms");
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(3));
        await b.AskUntilAnswered(a, TimeSpan.FromSeconds(3));
        Assert.Equal(before, (await a.Peer(b)).Associations);
        Assert.Empty(b.Received);
    }

    [Fact]
    public async Task A_starved_thread_pool_and_a_busy_machine_do_not_make_a_peer_look_dead()
    {
        await using var a = UdpSystem.Start();
        await using var b = UdpSystem.Start();
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(5));
        var (fromA, fromB) = (Subscribe(a), Subscribe(b));
        using var stop = new CancellationTokenSource();
        var hogs = Enumerable.Range(0, 4 * Environment.ProcessorCount).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested) Thread.SpinWait(1_000);
        })).ToArray();
        var done = new TaskCompletionSource();
        new Thread(() =>
        {
            stop.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(2));
            stop.Cancel();
            done.SetResult();
        }).Start();
        await done.Task;
        await Task.WhenAll(hogs);
        await a.AskUntilAnswered(b, TimeSpan.FromSeconds(3));
        Assert.Empty(fromA.Received);
        Assert.Empty(fromB.Received);
    }

    [Fact]
    public async Task A_two_two_cut_of_a_cluster_heals_without_quarantine()
    {
        var nodes = Enumerable.Range(0, 4).Select(_ => UdpSystem.Start(hocon: ClusterHocon)).ToArray();
        var uids = nodes.Select(n => AddressUidExtension.Uid(n.System)).ToArray();
        var alarms = nodes.Select(n => Subscribe(n, typeof(QuarantinedEvent), typeof(ThisActorSystemQuarantinedEvent))).ToArray();
        foreach (var n in nodes) await Akka.Cluster.Cluster.Get(n.System).JoinAsync(nodes[0].Address).WaitAsync(TimeSpan.FromSeconds(15));
        await AllPairs(nodes, 5);
        await Cut(nodes, LinkFault.Cut);
        await Task.Delay(5_000);
        await Cut(nodes, null);
        await AllPairs(nodes, 3);
        await UdpSystem.Until(() => nodes.All(n => Akka.Cluster.Cluster.Get(n.System).State.Unreachable.IsEmpty), "nobody unreachable", 5);
        Assert.All(nodes, n => Assert.Equal(4, Akka.Cluster.Cluster.Get(n.System).State.Members.Count));
        Assert.All(alarms, a => Assert.Empty(a.Received));
        Assert.Equal(uids, nodes.Select(n => AddressUidExtension.Uid(n.System)));
        foreach (var n in nodes) await n.DisposeAsync();
    }

    private static async Task Cut(UdpSystem[] nodes, LinkFault? fault)
    {
        foreach (var x in nodes[..2])
        {
            foreach (var y in nodes[2..])
            {
                await x.Fault(y, fault);
                await y.Fault(x, fault);
            }
        }
    }

    private static Task<TimeSpan[]> AllPairs(UdpSystem[] nodes, double seconds) => Task.WhenAll(
        from x in nodes from y in nodes where x != y select x.AskUntilAnswered(y, TimeSpan.FromSeconds(seconds)));

    private static object? Last(EventLog log) => log.Received.LastOrDefault();

    private static EventLog Subscribe(UdpSystem system, params Type[] types)
    {
        var log = new EventLog();
        var actor = system.System.ActorOf(Props.Create(() => new Listener(log)));
        if (types.Length == 0) types = [typeof(PeerReachable), typeof(PeerUnreachable)];
        foreach (var type in types) system.System.EventStream.Subscribe(actor, type);
        return log;
    }

    private sealed class EventLog
    {
        public System.Collections.Concurrent.ConcurrentQueue<object> Received { get; } = new();
    }

    private sealed class Listener : UntypedActor
    {
        private readonly EventLog _log;

        public Listener(EventLog log) => _log = log;

        protected override void OnReceive(object message) => _log.Received.Enqueue(message);
    }

    private const string ClusterHocon = """
        akka.actor.provider = cluster
        akka.cluster {
          seed-nodes = []
          downing-provider-class = ""
          auto-down-unreachable-after = off
          down-removal-margin = off
          run-coordinated-shutdown-when-down = off
          shutdown-after-unsuccessful-join-seed-nodes = off
          allow-weakly-up-members = 2 s
          gossip-interval = 200 ms
          leader-actions-interval = 200 ms
          unreachable-nodes-reaper-interval = 200 ms
          prune-gossip-tombstones-after = 3650 d
          failure-detector {
            heartbeat-interval = 250 ms
            threshold = 10.0
            acceptable-heartbeat-pause = 1 s
            expected-response-after = 1 s
          }
        }
        """;
}
