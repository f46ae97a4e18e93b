using System.Globalization;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers;

/// <summary>A load that some contenders are put under.</summary>
internal sealed record Event(Workload Workload, Contender[] Contenders);

/// <summary>The medians of one contender in one event.</summary>
internal sealed record Result(Workload Workload, Contender Contender, Measured Measured);

/// <summary>Puts contenders under the same loads by turns: in every round every load, another contender first in each.</summary>
internal static class Contest
{
    /// <summary>Runs all rounds.</summary>
    /// <param name="arena">Where the stores run.</param>
    /// <param name="events">What is measured.</param>
    /// <param name="rounds">How often; medians are returned.</param>
    /// <param name="time">Of one run.</param>
    /// <param name="stop">Ends after the round in which it is cancelled.</param>
    public static async Task<List<Result>> RunAsync(Arena arena, IReadOnlyList<Event> events, int rounds, TimeSpan time, CancellationToken stop = default)
    {
        await PrepareAsync(arena, events);
        var runs = new Dictionary<(Workload, Contender), List<Measured>>();
        for (var round = 0; round < rounds && !stop.IsCancellationRequested; round++)
        {
            foreach (var (workload, contenders) in events)
            {
                for (var i = 0; i < contenders.Length; i++)
                {
                    var contender = contenders[(round + i) % contenders.Length];
                    var measured = await RunAsync(arena, contender, workload, time, round);
                    if (!runs.TryGetValue((workload, contender), out var list)) runs.Add((workload, contender), list = []);
                    list.Add(measured);
                    Say($"{round + 1}/{rounds} {workload.Mix,5} x{workload.Depth,-2} {workload.Clients,3} clients {contender.Title,-28} {measured.PerSecond,9:n0}/s  p50 {measured.P50 / 1000,7:f2}  p99 {measured.P99 / 1000,7:f2} ms  CPU {measured.Cpu,6:f0} + {measured.ClientCpu,3:f0} us{(measured.NotDone > 0 ? $"  {measured.NotDone} NOT DONE" : "")}");
                }
            }
        }
        return [.. events.SelectMany(e => e.Contenders.Select(c => new Result(e.Workload, c, Measured.Median(runs[(e.Workload, c)]))))];
    }

    private static async Task<Measured> RunAsync(Arena arena, Contender contender, Workload workload, TimeSpan time, int round)
    {
        var peer = await arena.GetAsync(contender);
        if (contender.Alone && (workload.Gets > 0 || workload.Swaps)) await Filler.FillAsync(peer, 0, workload.Keys, workload.Bytes);
        var measured = await LoadRun.RunAsync(peer, workload, time / 4, time, seed: 1000 * round);
        if (contender.Alone) await arena.StopAsync(contender);
        return measured;
    }

    // Starts everything, puts the keys and runs each kind of load once, which compiles the code and is not counted.
    private static async Task PrepareAsync(Arena arena, IReadOnlyList<Event> events)
    {
        foreach (var contender in events.SelectMany(e => e.Contenders).Distinct())
        {
            Say($"starting and filling: {contender.Title}");
            var peer = await arena.GetAsync(contender);
            foreach (var size in events.Where(e => e.Contenders.Contains(contender)).GroupBy(e => e.Workload.Bytes))
            {
                await Filler.FillAsync(peer, 0, size.Max(e => e.Workload.Keys), size.Key);
            }
        }
        foreach (var contender in events.SelectMany(e => e.Contenders).Distinct())
        {
            foreach (var gets in (double[])[0, 1])
            {
                var warm = new Workload { Gets = gets, Clients = 64 };
                await LoadRun.RunAsync(await arena.GetAsync(contender), warm, TimeSpan.Zero, TimeSpan.FromSeconds(1.5), seed: 1);
            }
            if (contender.Alone) await arena.StopAsync(contender);
        }
    }

    private static void Say(FormattableString line) => Console.Error.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
