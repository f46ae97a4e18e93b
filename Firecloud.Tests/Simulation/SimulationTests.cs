// SimulationTests.cs - fixed seeds for every build; scripts/sim.sh draws new ones.
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Histories_are_linearizable_and_a_healthy_quorum_finishes()
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var n = 2000ul;
        long events = 0;
        for (var seed = 0ul; seed < n; seed++)
        {
            var result = new Simulation(seed).Run();
            events += result.World.Events;
            Assert.True(result.IsOk, result.IsOk ? "" : result.Report());
        }
        output.WriteLine($"{n} runs, {events} events, {watch.ElapsedMilliseconds} ms");
    }
}
