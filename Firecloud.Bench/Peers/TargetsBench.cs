using System.CommandLine;
using System.Globalization;
using Firecloud.Bench.Load;
using Firecloud.Bench.Report;

namespace Firecloud.Bench.Peers;

/// <summary>What Firecloud is to reach, and whether it does: medians of three rounds.</summary>
internal static class TargetsBench
{
    private const int Rounds = 3;

    private static readonly Workload Puts = new() { Clients = 64 };
    private static readonly Workload Gets = new() { Gets = 1, Clients = 64 };
    private static readonly Workload Pipelined = new() { Clients = 64, Depth = 32 };

    private static readonly Target[] Targets =
    [
        new("puts on disk, 64 clients, to etcd", Puts, [Contender.DiskLibrary, Contender.DiskResp], Contender.Etcd, 2),
        new("gets, 64 clients, to etcd", Gets, [Contender.DiskLibrary, Contender.DiskResp], Contender.Etcd, 3),
        new("puts in memory, 64 clients, to Akka.DistributedData", Puts, [Contender.MemoryLibrary, Contender.MemoryResp], Contender.DistributedData, 3),
        new("SET pipelined by 32, per second", Pipelined, [Contender.DiskResp, Contender.MemoryResp], null, 80_000),
    ];

    /// <param name="Name">What is compared.</param>
    /// <param name="Workload">The load.</param>
    /// <param name="Ours">Firecloud by one way or another; the target is met if one of them meets it.</param>
    /// <param name="Theirs">With whom it is compared; null: with nobody, the figure counts.</param>
    /// <param name="Least">Least ratio or operations per second.</param>
    private sealed record Target(string Name, Workload Workload, Contender[] Ours, Contender? Theirs, double Least);

    public static Command Command()
    {
        var seconds = new Option<double>("--seconds") { Description = "Time of each run, 0.2 to 60.", DefaultValueFactory = _ => 3 };
        seconds.Validators.Add(r =>
        {
            if (!(r.GetValueOrDefault<double>() is >= 0.2 and <= 60)) r.AddError($"--seconds is {r.GetValueOrDefault<double>()}; 0.2 to 60 are allowed.");
        });
        var command = new Command("targets", "The first targets: met or missed, and by how much.") { seconds };
        command.SetAction((parsed, stop) => Guard.RunAsync(() => RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds)), stop)));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan time, CancellationToken stop)
    {
        Event[] events = [.. Targets.Select(t => new Event(t.Workload, [.. t.Ours, .. t.Theirs is null ? Array.Empty<Contender>() : [t.Theirs]]))];
        Arena.CheckInstalled(events.SelectMany(e => e.Contenders));
        await using var arena = new Arena();
        var results = await Contest.RunAsync(arena, events, Rounds, time, stop);
        var table = new Table("target", "by", "is", "wanted", "is to wanted", "");
        foreach (var target in Targets)
        {
            double PerSecond(Contender contender) => results.First(r => r.Workload == target.Workload && r.Contender == contender).Measured.PerSecond;
            foreach (var contender in target.Ours)
            {
                var figure = PerSecond(contender) / (target.Theirs is null ? 1 : PerSecond(target.Theirs));
                table.Add(
                    target.Name, contender.Title, Shown(figure), Shown(target.Least), (figure / target.Least).ToString("f2", CultureInfo.InvariantCulture),
                    figure >= target.Least ? "met" : "missed");
            }
        }
        Console.WriteLine(table.ToText());
        Console.WriteLine(RatioTable.Absolute(results, m => Shown(m.PerSecond)).ToText());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"medians of {Rounds} runs of {time.TotalSeconds:0.#} s; {ReportFolder.Machine}"));
        return 0;
    }

    private static string Shown(double figure) => figure.ToString(figure < 1000 ? "f2" : "n0", CultureInfo.InvariantCulture);
}
