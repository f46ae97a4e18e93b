using System.Diagnostics;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers;

/// <summary>A store that runs, and how clients reach it.</summary>
internal interface IPeer : IAsyncDisposable
{
    /// <summary>The processes that serve; none where they are threads of this one.</summary>
    IReadOnlyList<ServerProcess> Servers { get; }

    /// <summary>Puts under way while the store is filled.</summary>
    int FillDepth => 1024;

    /// <summary>Opens connections, which are closed together.</summary>
    Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data);
}

internal static class Patience
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    /// <summary>Waits until servers are ready.</summary>
    /// <exception cref="BenchException">One has ended, or it takes more than a minute.</exception>
    public static async Task UntilAsync(string what, IEnumerable<ServerProcess> servers, Func<Task<bool>> ready)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await ready()) return;
            }
            catch (Exception e) when (e is not BenchException && clock.Elapsed < Most)
            {
                // Not yet.
            }
            if (servers.FirstOrDefault(s => s.HasEnded) is { } ended) throw new BenchException($"{what}: a server has ended.\n{ended.LastWords}");
            if (clock.Elapsed > Most) throw new BenchException($"{what}: not ready within {Most.TotalSeconds} s.\n{servers.FirstOrDefault()?.LastWords}");
            await Task.Delay(50);
        }
    }
}
