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

    // A node serves with a quorum of votes at members that its datagrams reach and whose datagrams reach it.
    private static bool Serves(RouterMesh mesh, int node) => Votes[node] + Enumerable.Range(0, mesh.Count)
        .Where(m => m != node && mesh.Follow(node, m) is not null && mesh.Follow(m, node) is not null).Sum(m => Votes[m]) >= 3;
}
