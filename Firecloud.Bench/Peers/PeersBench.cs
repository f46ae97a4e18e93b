// PeersBench.cs - Firecloud beside etcd and Redis on this machine: the same loads, by turns, medians of some rounds. Ratios first.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Firecloud.Bench.Load;
using Firecloud.Bench.Report;

namespace Firecloud.Bench.Peers;

internal static class PeersBench
{
    private const int MemoryKeys = 1_000_000;

    private static readonly Contender[] Durable = [Contender.DiskLibrary, Contender.DiskResp, Contender.Etcd, Contender.RedisSynced];
    private static readonly Contender[] InMemory = [Contender.MemoryLibrary, Contender.MemoryResp, Contender.RedisAsync];
    private static readonly int[] Clients = [1, 64, 256];

    public static Command Command()
    {
        var seconds = new Option<double?>("--seconds") { Description = "Time of each run, 0.2 to 60; 3, or 0.8 with --quick." };
        var rounds = new Option<int>("--rounds") { Description = "Runs of each, 1 to 99.", DefaultValueFactory = _ => 3 };
        var quick = new Option<bool>("--quick") { Description = "Puts and gets only, in under five minutes." };
        var only = new Option<string?>("--only") { Description = $"Only these, separated by commas; writes nothing without --out: {string.Join(", ", Contender.All.Select(c => c.Id))}." };
        var folder = ReportFolder.Option();
        seconds.Validators.Add(r => Check(r.GetValueOrDefault<double?>() ?? 1, 0.2, 60, "--seconds", r.AddError));
        rounds.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1, 99, "--rounds", r.AddError));
        var command = new Command("peers", "Firecloud, etcd and Redis under the same loads, by turns.") { seconds, rounds, quick, only, folder };
        command.SetAction((parsed, stop) => Guard.RunAsync(() =>
        {
            var isQuick = parsed.GetValue(quick);
            var time = TimeSpan.FromSeconds(parsed.GetValue(seconds) ?? (isQuick ? 0.8 : 3));
            return RunAsync(time, parsed.GetValue(rounds), isQuick, parsed.GetValue(only), parsed.GetValue(folder), stop);
        }));
        return command;
    }

    private static void Check(double value, double least, double most, string name, Action<string> add)
    {
        if (!(value >= least && value <= most)) add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; {least} to {most} are allowed."));
    }

    private static async Task<int> RunAsync(TimeSpan time, int rounds, bool quick, string? only, string? folder, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var chosen = Contender.Chosen(only, Contender.All);
        Event[] events = [.. (quick ? Quick() : Quick().Concat(Further()))
            .Select(e => e with { Contenders = [.. e.Contenders.Where(chosen.Contains)] }).Where(e => e.Contenders.Length > 0)];
        Arena.CheckInstalled(chosen);
        await using var arena = new Arena();
        var results = await Contest.RunAsync(arena, events, rounds, time, stop);
        var memory = await MemoryAsync(arena, chosen, quick);
        var report = new PeersReport(results, memory, string.Create(
            CultureInfo.InvariantCulture, $"medians of {rounds} runs of {time.TotalSeconds:0.#} s; {ReportFolder.Machine}"));
        report.Print();
        if (only is null || folder is not null) report.Write(new ReportFolder(folder), quick ? "quick" : "peers");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalMinutes:f1} minutes"));
        return 0;
    }

    private static async Task<List<(Contender Contender, int Keys, double Bytes)>> MemoryAsync(Arena arena, IReadOnlyList<Contender> chosen, bool quick)
    {
        var memory = new List<(Contender, int, double)>();
        foreach (var contender in (Contender[])[Contender.DiskResp, Contender.Etcd, Contender.RedisSynced, Contender.MemoryResp, Contender.RedisAsync])
        {
            if (!chosen.Contains(contender)) continue;
            var peer = await arena.GetAsync(contender);
            var (keys, bytes) = await MemoryPerKey.MeasureAsync(peer, 100_000_000, MemoryKeys, TimeSpan.FromSeconds(quick ? 4 : 40));
            memory.Add((contender, keys, bytes));
        }
        return memory;
    }

    private static IEnumerable<Event> Quick()
    {
        foreach (var contenders in (Contender[][])[Durable, InMemory])
        {
            foreach (var gets in (double[])[0, 1])
            {
                foreach (var clients in Clients) yield return new Event(new Workload { Gets = gets, Clients = clients }, contenders);
            }
        }
        yield return new Event(new Workload { Clients = 64, Depth = 32 }, [Contender.DiskResp, Contender.MemoryResp, Contender.RedisAsync]);
    }

    private static IEnumerable<Event> Further()
    {
        Contender[] all = [.. Durable, .. InMemory];
        yield return new Event(new Workload { Gets = 1, Clients = 64, Depth = 32 }, [Contender.DiskResp, Contender.MemoryResp, Contender.RedisAsync]);
        foreach (var clients in Clients)
        {
            yield return new Event(new Workload { Gets = 0.95, Clients = clients }, all);
            yield return new Event(new Workload { Gets = 0.5, Clients = clients }, all);
            yield return new Event(new Workload { Swaps = true, Clients = clients }, all);
        }
        yield return new Event(new Workload { Gets = 0.95, Clients = 64, Skew = 0.99 }, all);
        yield return new Event(new Workload { Gets = 0.5, Clients = 64, Skew = 0.99 }, all);
        yield return new Event(new Workload { Clients = 64, Bytes = 4096 }, all);
        yield return new Event(new Workload { Gets = 1, Clients = 64, Bytes = 4096 }, all);
        foreach (var gets in (double[])[0, 1]) yield return new Event(new Workload { Gets = gets, Clients = 64, Rate = 2000 }, all);
        foreach (var clients in (int[])[1, 64]) yield return new Event(new Workload { Clients = clients }, [Contender.DistributedData, Contender.Plain]);
        yield return new Event(new Workload { Gets = 1, Clients = 64 }, [Contender.DistributedData]);
    }
}

/// <summary>Ends a measurement that can't be made with a sentence and exit code 2.</summary>
internal static class Guard
{
    public static async Task<int> RunAsync(Func<Task<int>> measure)
    {
        try
        {
            return await measure();
        }
        catch (BenchException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }
}
