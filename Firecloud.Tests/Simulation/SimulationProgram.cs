// SimulationProgram.cs - what scripts/sim.sh runs: one seed again, or many new ones on all cores. The script has checked the
// arguments.
using System.Diagnostics;
using System.Globalization;

namespace Firecloud.Tests.Simulation;

internal static class SimulationProgram
{
    private const int ReportsShown = 5;

    public static int Run(string[] args)
    {
        try
        {
            var trap = Text(args, "--trap") is { } name ? Trap.Named(name) : Trap.None;
            if (Number(args, "--seed") is { } seed) return Replay(trap, seed, args.Contains("--log"));
            if (Number(args, "--measure") is { } most) return Measure(trap, most);
            var first = Number(args, "--first") ?? (ulong)Stopwatch.GetTimestamp() % 1_000_000_000_000;
            return Text(args, "--minutes") is { } minutes
                ? Search(trap, first, long.MaxValue, TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)))
                : Search(trap, first, (long)(Number(args, "--runs") ?? 0), TimeSpan.MaxValue);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }
    }

    private static int Replay(Trap trap, ulong seed, bool logs)
    {
        var log = logs ? new List<string>() : null;
        var result = trap.Run(seed, log);
        foreach (var line in log ?? []) Console.WriteLine(line);
        Console.WriteLine(result.Report());
        Console.WriteLine($"{result.World.Events} events, trace {result.World.TraceHash:x16}");
        return result.IsOk ? 0 : 1;
    }

    private static int Search(Trap trap, ulong first, long runs, TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        var (begun, failed, told) = (0L, 0L, TimeSpan.Zero);
        Console.WriteLine($"Seeds from {first} on {Environment.ProcessorCount} cores.");
        Parallel.For(0, Environment.ProcessorCount, core =>
        {
            while (watch.Elapsed < time)
            {
                var number = Interlocked.Increment(ref begun) - 1;
                if (number >= runs) break;
                var result = trap.Run(first + (ulong)number);
                if (!result.IsOk && Interlocked.Increment(ref failed) <= ReportsShown) Console.WriteLine(result.Report());
                if (core != 0 || watch.Elapsed - told < TimeSpan.FromSeconds(10)) continue;
                told = watch.Elapsed;
                Tell(number + 1);
            }
        });
        Tell(Math.Min(begun, runs));
        return failed == 0 ? 0 : 1;

        void Tell(long done) => Console.WriteLine($"{done} runs, {done / watch.Elapsed.TotalSeconds:f0} per second, {failed} failed");
    }

    /// <summary>Within how many schedules each planted bug shows itself as a wrong history or a broken invariant.</summary>
    private static int Measure(Trap only, ulong most)
    {
        var traps = only == Trap.None ? Trap.All : [only];
        Parallel.ForEach(traps, trap =>
        {
            var found = new List<ulong>();
            for (var seed = 0ul; seed < most && found.Count < 5; seed++)
            {
                if (trap.RunFocused(seed).ShowsTrap) found.Add(seed + 1);
            }
            Console.WriteLine($"{trap.Name}: {(found.Count == 0 ? $"not within {most}" : string.Join(", ", found))}");
        });
        return 0;
    }

    private static string? Text(string[] args, string name) =>
        Array.IndexOf(args, name) is >= 0 and var i && i + 1 < args.Length ? args[i + 1] : null;

    private static ulong? Number(string[] args, string name) =>
        Text(args, name) is { } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : null;
}
