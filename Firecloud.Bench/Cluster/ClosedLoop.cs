using System.Diagnostics;
using System.Globalization;
using Firecloud.Client;

namespace Firecloud.Bench.Cluster;

/// <summary>What a load came to.</summary>
/// <param name="PerSecond">Puts done per second.</param>
/// <param name="NotDone">Puts refused or unknown.</param>
/// <param name="MedianMs">Median time of a put, milliseconds.</param>
/// <param name="Tail">99th percentile, milliseconds.</param>
internal readonly record struct LoadResult(double PerSecond, int NotDone, double MedianMs, double Tail);

/// <summary>Callers that each put one value after the other.</summary>
internal static class ClosedLoop
{
    /// <summary>Runs callers, spread over the clients, for a time.</summary>
    /// <param name="clients">Clients of the library.</param>
    /// <param name="callers">Puts under way at one time.</param>
    /// <param name="keys">Different keys.</param>
    /// <param name="size">Bytes of a value.</param>
    /// <param name="time">How long; a fifth more before, to warm up, does not count.</param>
    public static async Task<LoadResult> RunAsync(IReadOnlyList<FirecloudClient> clients, int callers, int keys, int size, TimeSpan time)
    {
        using var stop = new CancellationTokenSource();
        var counting = new Counting();
        var tasks = Enumerable.Range(0, callers).Select(i => Task.Run(() => CallAsync(clients[i % clients.Count], i, keys, size, counting, stop.Token))).ToArray();
        await Task.Delay(time / 5);
        counting.On = true;
        var clock = Stopwatch.StartNew();
        await Task.Delay(time);
        counting.On = false;
        var seconds = clock.Elapsed.TotalSeconds;
        await stop.CancelAsync();
        var results = await Task.WhenAll(tasks);
        var times = results.SelectMany(r => r.Times).Order().ToArray();
        double At(double share) => times.Length == 0 ? 0 : times[(int)(share * (times.Length - 1))];
        return new LoadResult(times.Length / seconds, results.Sum(r => r.NotDone), At(0.5), At(0.99));
    }

    private static async Task<(List<double> Times, int NotDone)> CallAsync(
        FirecloudClient client, int caller, int keys, int size, Counting counting, CancellationToken stop)
    {
        var (random, times, notDone, value) = (new Random(caller), new List<double>(), 0, new byte[size]);
        random.NextBytes(value);
        while (!stop.IsCancellationRequested)
        {
            var clock = Stopwatch.StartNew();
            var answer = await client.PutAsync(string.Create(CultureInfo.InvariantCulture, $"k{random.Next(keys)}"), value, cancellationToken: CancellationToken.None);
            if (!counting.On) continue;
            if (answer.IsDone) times.Add(clock.Elapsed.TotalMilliseconds);
            else notDone++;
        }
        return (times, notDone);
    }

    private sealed class Counting
    {
        public volatile bool On;
    }
}
