// RoutedMeshTests.cs - what a cut costs: sessions over routes, on virtual time, from seeds.
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public sealed class RoutedMeshTests(ITestOutputHelper output)
{
    [Theory, MemberData(nameof(RouteFaultTests.Shapes), MemberType = typeof(RouteFaultTests))]
    public void A_cut_delays_an_answer_by_little_and_loses_none(string name, string cuts)
    {
        var worst = 0L;
        for (var seed = 0; seed < 5; seed++)
        {
            var mesh = new RoutedMesh(seed);
            mesh.Run(300_000, ask: true);
            mesh.ForgetWorst();
            foreach (var cut in cuts.Split(' ')) mesh.Cut(cut[0] - '0', cut[1] - '0');
            mesh.Run(600_000, ask: true);
            if (mesh.Worst > worst) output.WriteLine($"{name}, seed {seed}: {mesh.Worst / 1_000.0:0.0} ms, {mesh.WorstPair}");
            worst = Math.Max(worst, mesh.Worst);
            mesh.Restore();
            mesh.Run(1_400_000, ask: true);
            mesh.Run(300_000, ask: false);
            Assert.True(mesh.Violation is null, $"seed {seed}: {mesh.Violation}");
            Assert.True(mesh.IsDone && mesh.AllDirect && mesh.Relayed > 0, $"seed {seed}");
            Assert.Equal((0, 0), (mesh.Refused, mesh.Unreachable));
        }
        // A way is found before the probes tell of the cut; but where it takes two relays in both directions, because several links
        // were cut in the same instant, it is the probes that tell: the hearing window and a little more.
        Assert.InRange(worst, 1, name.StartsWith("chain", StringComparison.Ordinal) ? 250_000 : 100_000);
        output.WriteLine($"{name}: longest wait for an answer {worst / 1_000.0:0.0} ms in 5 runs");
    }

    [Fact]
    public void A_stream_that_fills_datagrams_is_moved_to_the_second_path()
    {
        // 200 full datagrams per second: two per probe would not keep up.
        var mesh = new RoutedMesh(1, size: 1_100);
        mesh.Run(300_000, ask: true);
        mesh.ForgetWorst();
        mesh.Cut(0, 3);
        mesh.Cut(3, 0);
        mesh.Run(600_000, ask: true);
        output.WriteLine($"longest wait for an answer {mesh.Worst / 1_000.0:0.0} ms");
        Assert.InRange(mesh.Worst, 1, 60_000);
        Assert.True(mesh.Violation is null && mesh.Unreachable == 0, mesh.Violation);
    }
}
