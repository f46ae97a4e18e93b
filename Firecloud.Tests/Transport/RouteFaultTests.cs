// RouteFaultTests.cs - four actor systems on real sockets whose links are cut one by one: messages go around.
using Akka.Actor;
using Akka.Remote;
using Firecloud.Actors.Transport;
using Firecloud.Tests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public sealed class RouteFaultTests(ITestOutputHelper output) : IAsyncLifetime
{
    private UdpSystem[] _nodes = [];
    private int[] _ports = [];

    public Task InitializeAsync()
    {
        _ports = TestCluster.FreePorts(4);
        _nodes = [.. _ports.Select(Start)];
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
    }

    public static TheoryData<string, string> Shapes => new()
    {
        // Directed links that are cut, as from-to.
        { "chain 0-1-2-3", "02 20 03 30 13 31" },
        { "star around 1", "02 20 03 30 23 32" },
        { "one link", "03 30" },
        { "two ways from one", "01 02" },
        { "one way", "03" },
        { "three ways of one each", "03 10 21" },
        { "ring one way round", "02 20 13 31 10 21 32 03" },
    };

    [Theory, MemberData(nameof(Shapes))]
    public async Task Messages_between_all_pairs_go_on(string name, string cuts)
    {
        var uids = _nodes.Select(n => AddressUidExtension.Uid(n.System)).ToArray();
        await AllPairsAsync();
        var before = await Task.WhenAll(_nodes.Select(n => n.Statistics()));
        using var stop = new CancellationTokenSource();
        var talk = Pairs.Select(p => TalkAsync(p.From, p.To, stop.Token)).ToArray();
        await Task.Delay(300);
        foreach (var cut in cuts.Split(' ')) await CutAsync(cut[0] - '0', cut[1] - '0', true);
        // Until the routes are what the cuts leave, then a while longer.
        foreach (var cut in cuts.Split(' ')) await UntilRoutedAsync(cut[0] - '0', cut[1] - '0', relayed: true);
        await Task.Delay(500);
        foreach (var cut in cuts.Split(' ')) await CutAsync(cut[0] - '0', cut[1] - '0', false);
        foreach (var cut in cuts.Split(' ')) await UntilRoutedAsync(cut[0] - '0', cut[1] - '0', relayed: false);
        await stop.CancelAsync();
        var gaps = await Task.WhenAll(talk);
        var after = await Task.WhenAll(_nodes.Select(n => n.Statistics()));
        output.WriteLine($"{name}: longest wait for an answer {gaps.Max(g => g.Worst):0} ms, {gaps.Sum(g => g.Answers)} answers, "
            + $"{gaps.Sum(g => g.Failed)} not within 5 s, "
            + $"{after.Sum(s => s.Relayed)} relayed, {after.Sum(s => s.SecondPaths)} over second paths");
        Assert.Equal(0, gaps.Sum(g => g.Failed));
        Assert.True(after.Sum(s => s.Relayed) > 0);
        Assert.All(after, s => Assert.Equal((0, 0), (s.InternalErrors, s.RelayOverRate)));
        // The same sessions: nobody handshook anew, nothing was refused.
        Assert.Equal(before.Select(Sessions), after.Select(Sessions));
        Assert.Equal(uids, _nodes.Select(n => AddressUidExtension.Uid(n.System)));
    }

    [Fact]
    public async Task A_node_that_starts_when_its_direct_links_are_cut_connects()
    {
        await AllPairsAsync();
        await _nodes[3].Crash();
        foreach (var near in new[] { 0, 1 }) await _nodes[near].Fault(_nodes[3], LinkFault.Cut);
        _nodes[3] = Start(_ports[3]);
        foreach (var near in new[] { 0, 1 }) await _nodes[3].Fault(_nodes[near], LinkFault.Cut);
        var there = await _nodes[0].AskUntilAnswered(_nodes[3], TimeSpan.FromSeconds(10));
        var back = await _nodes[3].AskUntilAnswered(_nodes[1], TimeSpan.FromSeconds(10));
        output.WriteLine($"reached after {there.TotalMilliseconds:0} ms, reached another after {back.TotalMilliseconds:0} ms more");
        Assert.Equal([Name(2)], (await _nodes[0].Peer(_nodes[3])).Relays);
    }

    [Fact]
    public async Task After_a_full_partition_everybody_talks_again_within_a_second_with_the_same_sessions()
    {
        await AllPairsAsync();
        var before = await Task.WhenAll(_nodes.Select(n => n.Statistics()));
        (int A, int B)[] cuts = [(0, 2), (0, 3), (1, 2), (1, 3)];
        foreach (var (a, b) in cuts) await CutBothAsync(a, b, true);
        await UdpSystem.Until(() => cuts.All(c => !_nodes[c.A].Peer(_nodes[c.B]).Result.Reachable && !_nodes[c.B].Peer(_nodes[c.A]).Result.Reachable), "a partition", 10);
        await Task.Delay(1_000);
        foreach (var (a, b) in cuts) await CutBothAsync(a, b, false);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await UdpSystem.Until(() => cuts.All(c => _nodes[c.A].Peer(_nodes[c.B]).Result.Reachable && _nodes[c.B].Peer(_nodes[c.A]).Result.Reachable), "reachable again", 10);
        output.WriteLine($"healed after {watch.ElapsedMilliseconds} ms");
        await AllPairsAsync();
        Assert.Equal(before.Select(Sessions), (await Task.WhenAll(_nodes.Select(n => n.Statistics()))).Select(Sessions));
    }

    [Fact]
    public async Task Strangers_can_neither_use_relays_nor_pass_for_members()
    {
        await AllPairsAsync();
        var list = Members.Of([.. Enumerable.Range(0, 4).Select(Name)], Name(0))!;
        using var stranger = new System.Net.Sockets.UdpClient();
        stranger.Connect(System.Net.IPAddress.Loopback, _ports[1]);
        var before = (await _nodes[1].Statistics()).RelayRefused;
        var datagram = new byte[DatagramHeader.Size + 100 + ChecksumSeal.Instance.Overhead];
        for (var i = 0; i < 300; i++)
        {
            // To be relayed; as if relayed; a probe as if from a member.
            var kind = i % 3 == 2 ? DatagramKind.Probe : DatagramKind.Data;
            new DatagramHeader(kind, (byte)(i % 3 == 0 ? 1 + (i % 5) : 0), 0, list.IdOf(0), list.IdOf(i % 3 == 0 ? 3 : 1), 7, i).Write(datagram);
            ChecksumSeal.Instance.Close(datagram);
            await stranger.SendAsync(datagram);
        }
        await UdpSystem.Until(() => _nodes[1].Statistics().Result.RelayRefused >= before + 300, "all are refused");
        Assert.Equal(0, (await _nodes[1].Statistics()).InternalErrors);
        await AllPairsAsync();
    }

    [Fact]
    public async Task A_change_of_a_route_is_told_in_words()
    {
        var told = new System.Collections.Concurrent.ConcurrentQueue<RouteChanged>();
        var listener = _nodes[3].System.ActorOf(Props.Create(() => new Listener(told)));
        _nodes[3].System.EventStream.Subscribe(listener, typeof(RouteChanged));
        await AllPairsAsync();
        await CutBothAsync(0, 3, true);
        await UdpSystem.Until(() => told.Any(t => t.To == Name(0) && t.Relays.Count == 1), "blocked");
        await CutBothAsync(0, 3, false);
        await UdpSystem.Until(() => told.Any(t => t.To == Name(0) && t.Relays.Count == 0), "works again");
        var texts = told.Where(t => t.To == Name(0)).Select(t => t.ToString()).ToList();
        Assert.Contains($"UDP from {Name(3)} to {Name(0)} is blocked; going by {told.First(t => t.Relays.Count == 1).Relays[0]}", texts);
        Assert.Contains($"UDP from {Name(3)} to {Name(0)} works again", texts);
    }

    private static IEnumerable<(int From, int To)> Pairs => from a in Enumerable.Range(0, 4) from b in Enumerable.Range(0, 4) where a != b select (a, b);

    private UdpSystem Start(int port) => UdpSystem.Start(port,
        $"akka.remote.firecloud-udp.members = [{string.Join(", ", _ports.Select(p => $"\"127.0.0.1:{p}\""))}]");

    private string Name(int node) => $"127.0.0.1:{_ports[node]}";

    private Task<TimeSpan[]> AllPairsAsync() => Task.WhenAll(Pairs.Select(p => _nodes[p.From].AskUntilAnswered(_nodes[p.To], TimeSpan.FromSeconds(10))));

    private async Task CutBothAsync(int a, int b, bool cut)
    {
        await CutAsync(a, b, cut);
        await CutAsync(b, a, cut);
    }

    // One way: what one sends to the other leaves but never arrives.
    private Task CutAsync(int from, int to, bool cut) => _nodes[to].Fault(_nodes[from], cut ? new LinkFault { DropIn = 1 } : null);

    private async Task UntilRoutedAsync(int from, int to, bool relayed)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var peer = await _nodes[from].Peer(_nodes[to]);
            if (peer.RouteKnown && peer.Relays.Count > 0 == relayed) return;
            Assert.True(watch.Elapsed.TotalSeconds < 20, $"{from} to {to}: relays {string.Join(", ", peer.Relays)}");
            await Task.Delay(20);
        }
    }

    private static string Sessions(TransportStatistics statistics) =>
        string.Join(", ", statistics.Peers.Where(p => p.Member >= 0).OrderBy(p => p.Member).Select(p => $"{p.Member}: {p.Sessions}"));

    private async Task<(int Answers, int Failed, double Worst)> TalkAsync(int from, int to, CancellationToken stop)
    {
        var (answers, failed, worst) = (0, 0, 0.0);
        var target = _nodes[from].At(_nodes[to], "echo");
        while (!stop.IsCancellationRequested)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            try
            {
                await target.Ask<string>("hi", TimeSpan.FromSeconds(5), CancellationToken.None);
                answers++;
            }
            catch (AskTimeoutException)
            {
                failed++;
            }
            worst = Math.Max(worst, watch.Elapsed.TotalMilliseconds);
            await Task.Delay(5, CancellationToken.None);
        }
        return (answers, failed, worst);
    }

    private sealed class Listener : UntypedActor
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<RouteChanged> _to;

        public Listener(System.Collections.Concurrent.ConcurrentQueue<RouteChanged> to) => _to = to;

        protected override void OnReceive(object message) => _to.Enqueue((RouteChanged)message);
    }
}
