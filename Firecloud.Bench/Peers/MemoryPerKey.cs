using System.Diagnostics;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers;

/// <summary>What the memory of all servers grows by with every key.</summary>
internal static class MemoryPerKey
{
    /// <summary>Puts keys until there are enough or the time is up.</summary>
    /// <param name="peer">A store that has been in use, so that what it takes anyway it has taken.</param>
    /// <param name="first">The first key, above all others in use.</param>
    /// <param name="most">Keys to put.</param>
    /// <param name="time">Most time to take.</param>
    /// <returns>Keys put, and bytes of memory of all servers together for each.</returns>
    public static async Task<(int Keys, double Bytes)> MeasureAsync(IPeer peer, int first, int most, TimeSpan time)
    {
        var before = Resident(peer);
        var clock = Stopwatch.StartNew();
        const int step = 20_000;
        var keys = 0;
        while (keys < most && clock.Elapsed < time)
        {
            var count = Math.Min(step, most - keys);
            await Filler.FillAsync(peer, first + keys, count, new Workload().Bytes);
            keys += count;
        }
        return (keys, (double)(Resident(peer) - before) / keys);
    }

    private static long Resident(IPeer peer) => peer.Servers.Sum(s => s.ResidentBytes);
}
