// RouterTests.cs - routes of four members over every state that their links can have, on virtual time.
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public sealed class RouterTests(ITestOutputHelper output)
{
    private const long Converged = 600_000;   // silence counts after 200 ms, what is no longer refreshed after 400 ms
    private static readonly int[] Votes = [2, 1, 1, 1];

    [Fact]
    public void Every_symmetric_state_of_four_members_is_routed_and_healed()
    {
        var (serving, allServe, slowest) = (0, 0, 0L);
        for (var state = 0; state < 64; state++)
        {
            var mesh = new RouterMesh(state);
            mesh.Run(500_000);
            var i = 0;
            foreach (var (a, b) in mesh.Pairs.Where(p => p.From < p.To))
            {
                if ((state >> i++ & 1) == 0) mesh.Cut(a, b);
            }
            var cutAt = mesh.Now;
            mesh.Run(Converged, until: () => mesh.Wrong() is null);
            slowest = Math.Max(slowest, mesh.Now - cutAt);
            mesh.Run(cutAt + Converged - mesh.Now);
            Assert.True(mesh.Wrong() is null, $"state {state}: {mesh.Wrong()}");
            var serve = Enumerable.Range(0, 4).Count(n => Serves(mesh, n));
            (serving, allServe) = (serving + serve, allServe + (serve == 4 ? 1 : 0));
            mesh.Restore();
            mesh.Run(RouterMesh.Settings.HoldDown + 500_000);
            Assert.All(mesh.Pairs, p => Assert.Equal(RoutePath.Direct, mesh.Routers[p.From].Table.Routes[p.To]));
        }
        output.WriteLine($"routes are right {slowest / 1_000.0:0} ms after a cut at the latest");
        output.WriteLine("votes 2-1-1-1                              expected   here");
        output.WriteLine($"node-states able to serve (of 256)              212    {serving}");
        output.WriteLine($"states where all four serve (of 64)              38     {allServe}");
        Assert.Equal((212, 38), (serving, allServe));
    }

    [Fact]
    public void Every_state_of_directed_links_is_routed()
    {
        var (serving, slowest) = (0, 0L);
        var mesh = new RouterMesh(1);
        for (var state = 0; state < 4_096; state++)
        {
            mesh.Restore();
            mesh.Run(250_000);
            mesh.SetDirected(state);
            var cutAt = mesh.Now;
            mesh.Run(Converged, until: () => mesh.Wrong() is null);
            slowest = Math.Max(slowest, mesh.Now - cutAt);
            mesh.Run(cutAt + Converged - mesh.Now);
            Assert.True(mesh.Wrong() is null, $"state {state}: {mesh.Wrong()}");
            serving += Enumerable.Range(0, 4).Count(n => Serves(mesh, n));
        }
        output.WriteLine($"node-states able to serve: {serving} of 16,384; routes are right {slowest / 1_000.0:0} ms after a cut at the latest");
        Assert.Equal(10_624, serving);
    }

    [Fact]
    public void A_cut_is_gone_around_as_soon_as_the_silence_counts()
    {
        var worst = 0L;
        for (var seed = 0; seed < 200; seed++)
        {
            var mesh = new RouterMesh(seed);
            mesh.Run(500_000);
            var random = new Random(seed);
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var (a, b) = mesh.Pairs.ElementAt(random.Next(12));
                if (random.Next(2) == 0) mesh.Cut(a, b);
                else mesh.Set(a, b, false);
            }
            var cutAt = mesh.Now;
            mesh.Run(Converged, until: () => mesh.Pairs.All(p => mesh.Distance(p.From, p.To) == 0 || mesh.Distance(p.To, p.From) == 0
                || mesh.Follow(p.From, p.To) is not null));
            worst = Math.Max(worst, mesh.Now - cutAt);
        }
        output.WriteLine($"gone around {worst / 1_000.0:0} ms after the cut at the latest, in 200 random states of up to three cuts");
        Assert.True(worst <= RouterMesh.Settings.HearingWindow + 20_000, $"{worst} µs");
    }

    [Fact]
    public void A_relay_that_loses_its_link_is_left_at_once()
    {
        var mesh = new RouterMesh(3);
        mesh.Cut(0, 3);
        mesh.Run(1_000_000);
        Assert.Equal([0, 1, 3], mesh.Follow(0, 3)!);
        mesh.Set(1, 3, false);   // one way: 3 still reaches 1
        var cutAt = mesh.Now;
        mesh.Run(1_000_000, until: () => mesh.Follow(0, 3) is not null);
        Assert.Equal([0, 2, 3], mesh.Follow(0, 3)!);
        Assert.InRange(mesh.Now - cutAt, 1, RouterMesh.Settings.HearingWindow + 20_000);
        Assert.Equal([3, 1, 0], mesh.Follow(3, 0)!);   // the other direction works and stays
    }

    [Theory]
    [InlineData(20_000)]
    [InlineData(400_000)]
    [InlineData(700_000)]   // silence counts 200 ms late, so it seems to work for 900 ms: less than hold-down
    public void A_flapping_link_does_not_make_routes_flap(long period)
    {
        var mesh = new RouterMesh(4);
        mesh.Run(500_000);
        for (var i = 0; i < 40; i++)
        {
            mesh.Cut(0, 3);
            mesh.Run(period);
            mesh.Set(0, 3, true);
            mesh.Set(3, 0, true);
            mesh.Run(period);
        }
        // To the relay once in each direction; in the shortest case never.
        Assert.True(mesh.Changes.Count <= 2, string.Join("\n", mesh.Changes));
        mesh.Run(2 * RouterMesh.Settings.HoldDown);
        Assert.All(mesh.Pairs, p => Assert.Equal(RoutePath.Direct, mesh.Routers[p.From].Table.Routes[p.To]));
    }

    [Fact]
    public void Losing_a_fifth_of_all_probes_changes_no_route_often()
    {
        var mesh = new RouterMesh(5) { Loss = 0.2 };
        mesh.Run(60_000_000);
        output.WriteLine($"{mesh.Changes.Count} changes in a minute");
        Assert.InRange(mesh.Changes.Count, 0, 100);   // four in a row: once in 600 probes, of 14,400; each is taken back
        Assert.Null(mesh.Wrong());
    }

    [Fact]
    public void A_start_and_a_restart_change_no_route()
    {
        var mesh = new RouterMesh(6);
        mesh.Run(2_000_000);
        mesh.Restart(2);
        mesh.Run(2_000_000);
        Assert.Empty(mesh.Changes);
        Assert.Null(mesh.Wrong());
    }

    [Fact]
    public void A_partition_leaves_no_route_and_heals_directly()
    {
        var mesh = new RouterMesh(7);
        mesh.Run(500_000);
        foreach (var (a, b) in new[] { (0, 2), (0, 3), (1, 2), (1, 3) }) mesh.Cut(a, b);
        mesh.Run(5_000_000);
        Assert.All(new[] { 2, 3 }, m => Assert.Equal(RoutePath.None, mesh.Routers[0].Table.Routes[m]));
        mesh.Restore();
        var healedAt = mesh.Now;
        mesh.Run(1_000_000, until: () => mesh.Pairs.All(p => mesh.Routers[p.From].Table.Routes[p.To] == RoutePath.Direct));
        Assert.InRange(mesh.Now - healedAt, 1, 200_000);
        Assert.Empty(mesh.Changes);
    }

    [Fact]
    public void Old_repeated_and_senseless_probes_change_nothing()
    {
        var settings = RouterMesh.Settings;
        var (sender, router) = (new Router(1, 4, settings, 5, new Random(1), 0), new Router(0, 4, settings, 5, new Random(2), 0));
        var probe = new byte[ProbePayload.MaxSize];
        sender.OnTimer(0);
        probe = probe[..sender.WriteProbe(probe, 0)];
        Assert.True(router.OnProbe(1, probe, 1_000));
        Assert.True(router.Table.Hears(1));
        router.OnTimer(300_000);
        Assert.False(router.Table.Hears(1));
        Assert.True(router.OnProbe(1, probe, 300_000));   // a copy, much later
        Assert.False(router.Table.Hears(1));
        Assert.False(router.OnProbe(2, probe, 300_000));  // another's
        var random = new Random(9);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = i % 2 == 0 ? new byte[random.Next(200)] : [.. probe];
            if (i % 2 == 0) random.NextBytes(bytes);
            else bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            router.OnProbe(random.Next(1, 4), bytes, 300_000 + i);
        }
    }

    [Fact]
    public void An_earlier_process_of_a_member_is_not_believed_while_the_later_one_lives()
    {
        var links = new LinkStates(0, 4, RouterMesh.Settings);
        Assert.True(links.Take(1, new LinkReport(7, 3, 0b0001, 1_000), 1_000));
        Assert.False(links.Take(1, new LinkReport(7, 2, 0b1111, 2_000), 2_000));
        Assert.False(links.Take(1, new LinkReport(6, 99, 0b1101, 2_000), 2_000));
        Assert.True(links.Take(1, new LinkReport(8, 1, 0, 2_000), 2_000));
        links.Refresh(1_000_000, false);
        Assert.False(links.IsKnown(1));
        Assert.False(links.Take(1, new LinkReport(8, 1, 0b0001, 1_000_000), 1_000_000));
        Assert.False(links.Take(1, new LinkReport(7, 9, 0b0001, 2_000), 1_000_000));   // too old
        Assert.True(links.Take(1, new LinkReport(7, 9, 0b0001, 1_000_000), 1_000_000));
    }

    [Theory]
    [InlineData(1, -1, 0, 3, false)]    // from a stranger
    [InlineData(1, 0, -1, 3, false)]    // for a stranger
    [InlineData(1, 0, 0, -1, false)]    // to a stranger
    [InlineData(1, 0, 1, 3, false)]     // our own, come back
    [InlineData(2, 0, 0, 3, false)]     // back to where it came from
    [InlineData(3, 0, 0, 3, false)]     // by ourselves once more
    [InlineData(9, 0, 0, 3, false)]     // by nobody
    [InlineData(0, 0, 0, 3, false)]     // it is not for us, and no way is left
    [InlineData(1, 0, 0, 3, true)]
    [InlineData(4, 0, 0, 3, true)]
    [InlineData(1, 2, 0, 3, true)]
    public void Only_what_goes_from_member_to_member_is_relayed(int hops, int source, int origin, int destination, bool passes)
    {
        var rule = new RelayRule(self: 1, rate: 1 << 20);
        var verdict = rule.Judge(DatagramKind.Data, (byte)hops, source, origin, destination, 4, 100, 0);
        Assert.Equal(passes ? RelayVerdict.Forward : RelayVerdict.Refused, verdict);
        Assert.Equal(RelayVerdict.Refused, rule.Judge(DatagramKind.Probe, (byte)hops, source, origin, destination, 4, 100, 0));
    }

    [Fact]
    public void Relaying_is_bounded_by_a_rate()
    {
        var rule = new RelayRule(self: 1, rate: 1_000_000);
        int Passed(long now) => Enumerable.Range(0, 1_000)
            .Count(_ => rule.Judge(DatagramKind.Data, 1, 0, 0, 3, 4, 1_000, now) == RelayVerdict.Forward);
        Assert.Equal(100, Passed(0));          // a tenth of a second's worth at once
        Assert.Equal(0, Passed(500));
        Assert.InRange(Passed(50_000), 49, 50);
        Assert.Equal(100, Passed(10_000_000));
        Assert.Equal(RelayVerdict.OverRate, new RelayRule(1, 0).Judge(DatagramKind.Data, 1, 0, 0, 3, 4, 1_000, 0));
    }

    [Fact]
    public void Nodes_with_other_lists_are_strangers()
    {
        var a = Members.Of(["a:1", "b:2", "c:3"], "b:2")!;
        var other = Members.Of(["b:2", "a:1", "c:3"], "b:2")!;
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 3).Select(i => a.ById(a.IdOf(i))));
        Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(-1, other.ById(a.IdOf(i))));
        Assert.Equal(-1, a.ById(DatagramHeader.Unnumbered));
        Assert.Equal(DatagramHeader.Unnumbered, a.IdOf(-1));
        Assert.Null(Members.Of(["a:1"], "b:2"));
    }

    // A node serves with a quorum of votes at members that its datagrams reach and whose datagrams reach it.
    private static bool Serves(RouterMesh mesh, int node) => Votes[node] + Enumerable.Range(0, mesh.Count)
        .Where(m => m != node && mesh.Follow(node, m) is not null && mesh.Follow(m, node) is not null).Sum(m => Votes[m]) >= 3;
}
