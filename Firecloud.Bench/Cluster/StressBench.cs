// StressBench.cs - four nodes under what networks and clients do to them: datagrams lost, and more asked than can be carried.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Firecloud.Bench.Cluster;

internal static class StressBench
{
    private const int BigKeys = 500;   // few, so that what is held in memory is little and what is queued shows

    private static readonly int[] Callers = [8, 16, 32, 64];

    public static Command LossCommand()
    {
        var seconds = Seconds();
        var command = new Command("loss", "Puts with and without 5 % of the datagrams lost in each direction, by turns.") { seconds };
        command.SetAction((parsed, _) => LossAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds))));
        return command;
    }

    public static Command OverloadCommand()
    {
        var seconds = Seconds();
        var command = new Command("overload", "Puts of 64 KiB: the most that is carried, then 256 callers at once.") { seconds };
        command.SetAction((parsed, _) => OverloadAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds))));
        return command;
    }

    private static Option<double> Seconds()
    {
        var seconds = new Option<double>("--seconds") { Description = "Time of each run, 1 to 600.", DefaultValueFactory = _ => 4 };
        seconds.Validators.Add(r =>
        {
            if (!(r.GetValueOrDefault<double>() is >= 1 and <= 600)) r.AddError($"--seconds is {r.GetValueOrDefault<double>()}; 1 to 600 are allowed.");
        });
        return seconds;
    }

    private static async Task<int> LossAsync(TimeSpan time)
    {
        await using var cluster = await LocalCluster.StartAsync(clients: 4);
        await ClosedLoop.RunAsync(cluster.Clients, 64, 10_000, 100, time * 2);   // to warm up
        foreach (var callers in new[] { 1, 64 })
        {
            var (clean, lossy) = (new List<double>(), new List<double>());
            for (var round = 0; round < 3; round++)
            {
                foreach (var share in new[] { 0, 0.05 })
                {
                    await cluster.LoseAsync(share);
                    var result = await ClosedLoop.RunAsync(cluster.Clients, callers, 10_000, 100, time);
                    (share == 0 ? clean : lossy).Add(result.PerSecond);
                    Say($"{callers,3} callers, {share * 100,2:0} % lost: {result.PerSecond,8:n0} puts/s, median {result.MedianMs:f1} ms, 99 % {result.Tail:f1} ms, {result.NotDone} not done");
                }
            }
            Say($"{callers,3} callers: with loss {lossy.Order().ElementAt(1) / clean.Order().ElementAt(1):f2} of without; {cluster.Unreachable} times taken for dead");
        }
        return 0;
    }

    private static async Task<int> OverloadAsync(TimeSpan time)
    {
        await using var cluster = await LocalCluster.StartAsync(clients: 4);
        var peak = 0.0;
        foreach (var callers in Callers)
        {
            var result = await ClosedLoop.RunAsync(cluster.Clients, callers, BigKeys, 64 << 10, time);
            Show(callers, result);
            peak = Math.Max(peak, result.PerSecond);
        }
        var overloaded = await ClosedLoop.RunAsync(cluster.Clients, 256, BigKeys, 64 << 10, time * 2);
        Show(256, overloaded);
        var after = await ClosedLoop.RunAsync(cluster.Clients, 16, BigKeys, 64 << 10, time);
        Show(16, after);
        Say($"256 callers carry {overloaded.PerSecond / peak:f2} of the peak; {cluster.Unreachable} times taken for dead; 16 callers afterwards {after.PerSecond / peak:f2}");
        return 0;
    }

    private static void Show(int callers, LoadResult result)
    {
        using var process = Process.GetCurrentProcess();
        Say($"{callers,3} callers: {result.PerSecond,7:n0} puts/s, median {result.MedianMs:f1} ms, 99 % {result.Tail:f1} ms, {result.NotDone} not done, {process.WorkingSet64 >> 20} MiB");
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
