// GrowthBench.cs - how throughput and memory change with the number of keys, of clients, and with the size of values. Every store runs
// alone: with ten million keys there would be no memory for all of them.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Firecloud.Bench.Load;
using Firecloud.Bench.Report;

namespace Firecloud.Bench.Peers;

internal static class GrowthBench
{
    private const string PutsPerSecond = "puts per second";
    private const string GetsPerSecond = "gets per second";

    private const string Table = "growth.tsv";
    private const string OverKeys = "keys";
    private const string OverClients = "clients";
    private const string OverBytes = "bytes";
    private static readonly string[] Overs = [OverKeys, OverClients, OverBytes];

    private static readonly int[] KeyCounts = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    private static readonly int[] ClientCounts = [1, 2, 8, 32, 128, 512];
    private static readonly int[] Sizes = [10, 100, 1_000, 10_000, 100_000, 1 << 20];
    private static readonly Contender[] Contenders = [Contender.DiskResp, Contender.MemoryResp, Contender.Etcd, Contender.RedisSynced, Contender.RedisAsync];

    private static readonly TimeSpan Run = TimeSpan.FromSeconds(1);

    /// <summary>A point over keys is measured longer: stores merge what was written in the background, and a second may lie wholly within that.</summary>
    private static readonly TimeSpan KeysRun = TimeSpan.FromSeconds(10);

    /// <summary>Free memory below which no store is filled further: below it the machine would begin to end processes.</summary>
    private const long LeastFreeBytes = 4L << 30;

    public static Command Command()
    {
        var minutes = new Option<double>("--minutes") { Description = "Time for filling each store with keys, 0.1 to 60; what does not fit into it is left out.", DefaultValueFactory = _ => 4 };
        var only = new Option<string?>("--only") { Description = $"Only these, separated by commas: {string.Join(", ", Contenders.Select(c => c.Id))}." };
        var over = new Option<string[]>("--over") { Description = "Only over this; may be given twice. What is not measured stays as the last run left it.", DefaultValueFactory = _ => Overs };
        over.AcceptOnlyFromAmong(Overs);
        var folder = ReportFolder.Option();
        minutes.Validators.Add(r =>
        {
            if (!(r.GetValueOrDefault<double>() is >= 0.1 and <= 60)) r.AddError($"--minutes is {r.GetValueOrDefault<double>()}; 0.1 to 60 are allowed.");
        });
        var command = new Command("growth", "Throughput and memory over keys, clients and sizes of values, as plots.") { minutes, only, over, folder };
        command.SetAction((parsed, stop) => Guard.RunAsync(() => RunAsync(
            TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(only), parsed.GetValue(over)!, parsed.GetValue(folder), stop)));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan fill, string? only, string[] over, string? folder, CancellationToken stop)
    {
        var contenders = Contender.Chosen(only, Contenders);
        Arena.CheckInstalled(contenders);
        var report = new ReportFolder(folder);
        var points = GrowthPoints.Read(report.Read(Table));
        foreach (var contender in contenders)
        {
            if (stop.IsCancellationRequested) break;
            if (over.Contains(OverKeys))
            {
                await using var arena = new Arena();
                await KeysAsync(await arena.GetAsync(contender), contender, fill, points);
            }
            if (over.Contains(OverClients) || over.Contains(OverBytes))
            {
                await using var arena = new Arena();
                await ClientsAndSizesAsync(await arena.GetAsync(contender), contender, over, points);
            }
            Write(points, report);   // what is measured is kept, whatever comes
        }
        return 0;
    }

    private static async Task KeysAsync(IPeer peer, Contender contender, TimeSpan fill, GrowthPoints points)
    {
        await WarmAsync(peer);
        var clock = new Stopwatch();
        var filled = 0;
        foreach (var keys in KeyCounts)
        {
            const int step = 20_000;
            clock.Start();
            var why = "no more time";
            while (filled < keys && clock.Elapsed < fill)
            {
                var count = Math.Min(step, keys - filled);
                if (FreeBytes < LeastFreeBytes) why = "no more memory";
                else if (await TryFillAsync(peer, filled, count, new Workload().Bytes) is { } refused) why = refused;
                else filled += count;
                if (filled < keys && why != "no more time") break;
            }
            clock.Stop();
            if (filled < keys)
            {
                Say($"{contender.Title}: {filled:n0} keys after {clock.Elapsed.TotalMinutes:f1} minutes, {why}; {keys:n0} are left out");
                return;
            }
            points.Add(Of("memory over keys", contender, keys, peer.Servers.Sum(s => s.ResidentBytes) / 1048576.0));
            await MeasureAsync(peer, contender, OverKeys, keys, new Workload { Keys = keys, Clients = 64 }, points);
        }
    }

    private static async Task ClientsAndSizesAsync(IPeer peer, Contender contender, string[] over, GrowthPoints points)
    {
        await WarmAsync(peer);
        await Filler.FillAsync(peer, 0, new Workload().Keys, new Workload().Bytes);
        await UntilIdleAsync(peer);
        foreach (var clients in over.Contains(OverClients) ? ClientCounts : [])
        {
            await MeasureAsync(peer, contender, OverClients, clients, new Workload { Clients = clients }, points);
        }
        foreach (var bytes in over.Contains(OverBytes) ? Sizes : [])
        {
            var keys = Math.Clamp((100 << 20) / bytes, 64, 10_000);
            if (await TryFillAsync(peer, 0, keys, bytes) is { } refused)
            {
                Say($"{contender.Title}: {bytes:n0} bytes are left out, {refused}");
                continue;
            }
            await MeasureAsync(peer, contender, OverBytes, bytes, new Workload { Keys = keys, Clients = 16, Bytes = bytes }, points);
        }
    }

    private static long FreeBytes => 1024 * long.Parse(
        File.ReadLines("/proc/meminfo").First(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    // Null, or why the store takes no more.
    private static async Task<string?> TryFillAsync(IPeer peer, int first, int count, int bytes)
    {
        try
        {
            await Filler.FillAsync(peer, first, count, bytes);
            return null;
        }
        catch (BenchException e)
        {
            return e.Message;
        }
    }

    private static async Task WarmAsync(IPeer peer)
    {
        var warm = new Workload { Keys = KeyCounts[0], Clients = 64, Gets = 0.5 };
        await Filler.FillAsync(peer, 0, warm.Keys, warm.Bytes);
        for (var round = 0; round < 3; round++)
        {
            await LoadRun.RunAsync(peer, warm, TimeSpan.Zero, 6 * Run, seed: 1);
            await LoadRun.RunAsync(peer, warm with { Clients = 1 }, TimeSpan.Zero, 2 * Run, seed: 1);
            await UntilIdleAsync(peer);
        }
    }

    // Code is compiled anew in the background long after the load that made it worth while: with one client nothing else would be seen.
    private static async Task UntilIdleAsync(IPeer peer)
    {
        var clock = Stopwatch.StartNew();
        var isIdle = false;
        while (!isIdle && clock.Elapsed < 20 * Run)
        {
            var before = peer.Servers.Sum(s => s.CpuSeconds);
            await Task.Delay(Run);
            isIdle = peer.Servers.Sum(s => s.CpuSeconds) - before < 0.2 * Run.TotalSeconds;
        }
    }

    private static async Task MeasureAsync(IPeer peer, Contender contender, string over, int x, Workload workload, GrowthPoints points)
    {
        foreach (var gets in (double[])[0, 1])
        {
            var measured = await LoadRun.RunAsync(peer, workload with { Gets = gets }, Run / 4, over == OverKeys ? KeysRun : Run, seed: x);
            var what = gets == 0 ? PutsPerSecond : GetsPerSecond;
            Say($"{contender.Title,-28} {x,10:n0} {over,-7} {measured.PerSecond,9:n0} {what}{(measured.NotDone > 0 ? $", {measured.NotDone} NOT DONE" : "")}");
            points.Add(Of($"{what} over {over}", contender, x, measured.PerSecond));
        }
    }

    private static GrowthPoint Of(string series, Contender contender, double x, double y) => new(series, contender.Id, x, y, ReportFolder.Commit);

    private static void Write(GrowthPoints points, ReportFolder folder)
    {
        folder.Write(Table, points.ToTable(ReportFolder.Machine));
        var text = new StringBuilder();
        foreach (var series in points.All.Where(p => p.Y > 0).GroupBy(p => p.Series))
        {
            var curves = series.ToLookup(p => p.Contender);
            var lines = Contenders.Where(c => curves.Contains(c.Id))
                .Select(c => new Line(c.Title.Replace(", RESP", "", StringComparison.Ordinal), [.. curves[c.Id].Select(p => (p.X, p.Y))]));
            var over = series.Key.Split(" over ");
            var file = $"growth-{series.Key.Replace(' ', '-')}.svg";
            var title = string.Concat(char.ToUpperInvariant(series.Key[0]), series.Key[1..]);
            folder.Write(file, new Plot(title, over[1] == OverBytes ? "bytes of a value" : over[1], over[0] == "memory" ? "MiB of all servers" : over[0], [.. lines]).ToSvg());
            text.Append(CultureInfo.InvariantCulture, $"![{title}]({folder.Link(file)})\n");
        }
        var commits = points.All.Select(p => p.Commit).Distinct();
        text.Append(CultureInfo.InvariantCulture, $"\nLast run: {ReportFolder.Machine}. Curves of {string.Join(", ", commits)}. The numbers: [growth.tsv]({folder.Link(Table)}).\n");
        folder.Show("growth", text.ToString());
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
