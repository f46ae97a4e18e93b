// SimulationExplorer.cs - what scripts/sim.sh runs: one seed again, or many new ones. Does nothing in an ordinary test run.
using System.Diagnostics;
using System.Globalization;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Simulation;

public sealed class SimulationExplorer
{
    /// <summary>Within how many seeds each trap shows itself as a wrong history or a broken invariant.</summary>
    [Fact]
    public void MeasureTraps()
    {
        if (Setting("FIRECLOUD_SIM_MEASURE") is not { } runs) return;
        var most = ulong.Parse(runs, CultureInfo.InvariantCulture);
        var only = Setting("FIRECLOUD_SIM_TRAP")?.Split(',');
        Parallel.ForEach(Trap.All.Where(t => only is null || only.Contains(t.Name)), trap =>
        {
            var found = new List<string>();
            for (var seed = 0ul; seed < most && found.Count < 3; seed++)
            {
                var result = trap.Run(seed);
                if (result.Failure is FailureKind.NotLinearizable or FailureKind.BrokenInvariant) found.Add($"{seed} {result.Failure}");
            }
            Console.WriteLine($"{trap.Name}: {(found.Count == 0 ? $"not within {most}" : string.Join(", ", found))}");
        });
    }

    [Fact]
    public void Explore()
    {
        if (Setting("FIRECLOUD_SIM_SEED") is { } seed) Replay(ulong.Parse(seed, CultureInfo.InvariantCulture));
        if (Setting("FIRECLOUD_SIM_RUNS") is { } runs) Search(long.Parse(runs, CultureInfo.InvariantCulture), TimeSpan.MaxValue);
        if (Setting("FIRECLOUD_SIM_MINUTES") is { } minutes)
        {
            Search(long.MaxValue, TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)));
        }
    }

    private static Rules ChosenRules() => Setting("FIRECLOUD_SIM_TRAP") is { } trap ? Trap.Named(trap).Make() : Rules.Protocol;

    private static void Replay(ulong seed)
    {
        var log = Setting("FIRECLOUD_SIM_LOG") is null ? null : new List<string>();
        var result = new Simulation(seed, null, ChosenRules()) { Log = log }.Run();
        foreach (var line in log ?? []) Console.WriteLine(line);
        Console.WriteLine(result.Report());
        Console.WriteLine($"{result.World.Events} events, trace {result.World.TraceHash:x}");
        Assert.True(result.IsOk, $"seed {seed}: {result.Failure}");
    }

    private static void Search(long runs, TimeSpan time)
    {
        var first = ulong.Parse(Setting("FIRECLOUD_SIM_FIRST") ?? "0", CultureInfo.InvariantCulture);
        var watch = Stopwatch.StartNew();
        var (done, failed, reported) = (0L, 0L, watch.Elapsed);
        Console.WriteLine($"seeds from {first}, {Environment.ProcessorCount} threads");
        Parallel.For(0, Environment.ProcessorCount, thread =>
        {
            while (watch.Elapsed < time)
            {
                var number = Interlocked.Increment(ref done) - 1;
                if (number >= runs) break;
                var result = new Simulation(first + (ulong)number, null, ChosenRules()).Run();
                if (!result.IsOk && Interlocked.Increment(ref failed) <= 5) Console.WriteLine(result.Report());
                if (thread != 0 || watch.Elapsed - reported < TimeSpan.FromSeconds(10)) continue;
                reported = watch.Elapsed;
                Console.WriteLine($"{number} runs, {number / watch.Elapsed.TotalSeconds:f0}/s, {failed} failed");
            }
        });
        var total = Math.Min(done, runs);
        Console.WriteLine($"{total} runs, {total / watch.Elapsed.TotalSeconds:f0}/s, {failed} failed");
        Assert.True(failed == 0, $"{failed} of {total} runs failed");
    }

    private static string? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
