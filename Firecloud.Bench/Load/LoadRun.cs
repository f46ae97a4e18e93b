using Firecloud.Bench.Peers;

namespace Firecloud.Bench.Load;

/// <summary>What one run of a load showed.</summary>
/// <param name="PerSecond">Calls done per second.</param>
/// <param name="P50">Median time, microseconds.</param>
/// <param name="P99">99th percentile, microseconds.</param>
/// <param name="P999">99.9th percentile, microseconds.</param>
/// <param name="Cpu">CPU time of all servers per call, microseconds.</param>
/// <param name="ClientCpu">CPU time of the load per call, microseconds.</param>
/// <param name="NotDone">Calls refused, unknown or with a wrong answer.</param>
internal readonly record struct Measured(double PerSecond, double P50, double P99, double P999, double Cpu, double ClientCpu, long NotDone)
{
    /// <summary>The median of each figure by itself; calls not done are added up.</summary>
    public static Measured Median(IReadOnlyCollection<Measured> runs)
    {
        return new Measured(Of(r => r.PerSecond), Of(r => r.P50), Of(r => r.P99), Of(r => r.P999), Of(r => r.Cpu), Of(r => r.ClientCpu), runs.Sum(r => r.NotDone));

        double Of(Func<Measured, double> figure)
        {
            var sorted = runs.Select(figure).Order().ToArray();
            var middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }
}

/// <summary>Runs loads against stores.</summary>
internal static class LoadRun
{
    /// <summary>Runs a load for a time, after a warm-up that does not count.</summary>
    public static async Task<Measured> RunAsync(IPeer peer, Workload workload, TimeSpan warmUp, TimeSpan time, int seed)
    {
        var connections = await peer.ConnectAsync(workload.Clients, new Dataset(workload.Bytes));
        using var window = new Window();
        var callers = workload.Rate > 0
            ? (ICallers)new PacedCallers(connections, workload, window, seed)
            : new ClosedCallers(connections, workload, window, seed);
        callers.Start();
        await Task.Delay(warmUp);
        var (servers, client) = (CpuOf(peer), Environment.CpuUsage.TotalTime);
        window.Open();
        await Task.Delay(time);
        window.Close();
        (servers, client) = (CpuOf(peer) - servers, Environment.CpuUsage.TotalTime - client);
        await callers.StopAsync();
        foreach (var connection in connections) await connection.DisposeAsync();
        var times = window.Times();
        var count = Math.Max(1, times.TotalCount);
        return new Measured(
            times.TotalCount / window.Seconds, At(50), At(99), At(99.9),
            1e6 * servers / count, client.TotalMicroseconds / count, window.NotDone);

        double At(double percent) => times.TotalCount == 0 ? 0 : times.GetValueAtPercentile(percent);
    }

    private static double CpuOf(IPeer peer) => peer.Servers.Sum(s => s.CpuSeconds);
}
