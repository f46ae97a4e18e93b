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
        // One relay is found before the probes tell of the cut. Where it takes two, because several links were cut in the same
        // instant, it is the probes that tell: the hearing window and a little more.
        var twoRelays = name.StartsWith("chain", StringComparison.Ordinal) || name.StartsWith("ring", StringComparison.Ordinal);
        Assert.InRange(worst, 1, twoRelays ? 250_000 : 50_000);
        output.WriteLine($"{name}: longest wait for an answer {worst / 1_000.0:0.0} ms in 5 runs");
    }
}
