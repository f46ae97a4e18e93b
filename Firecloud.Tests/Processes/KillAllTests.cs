// KillAllTests.cs - all four processes are killed at one moment, under load, and started again from their disks: what was answered done
// is there. FIRECLOUD_KILL_ROUNDS sets how often (3 where it is not set).
using System.Globalization;
using Firecloud.Tests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Processes;

public sealed class KillAllTests(ITestOutputHelper output)
{
    private const int Clients = 16;
    private const int LogBlock = 32 << 10;

    [Fact]
    public async Task Killed_at_one_moment_under_load_again_and_again_they_lose_nothing()
    {
        var rounds = int.Parse(Environment.GetEnvironmentVariable("FIRECLOUD_KILL_ROUNDS") ?? "3", CultureInfo.InvariantCulture);
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var cluster = await ProcessCluster.StartAsync(onDisk: true);
        var load = new CheckedLoad(cluster.Addresses, keys: 500, seed, Clients);
        var result = await load.RunAsync(async () =>
        {
            for (var round = 0; round < rounds; round++)
            {
                var before = load.Operations;
                await WaitAsync(() => load.Operations > before + 500 + random.Next(1000));
                await cluster.KillAllAsync();
                if (round % 2 == 1) Tear(cluster, random);
                for (var node = 0; node < 4; node++) cluster.Start(node);
                for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
            }
        });
        output.WriteLine($"{rounds} times killed: {result}");
        for (var node = 0; node < 4; node++)
        {
            await cluster.UntilAsync(node, s => s.Members.All(m => m.DifferingShards == 0) && s.Counters["divergent"] == 0);
            // From the disk, every time: nobody has recovered, and no folder was set aside.
            Assert.DoesNotContain("lost its memory", cluster.Node(node).Log, StringComparison.Ordinal);
            Assert.Empty(Directory.GetDirectories(Path.GetDirectoryName(cluster.FolderOf(node))!, $"{Path.GetFileName(cluster.FolderOf(node))}.damaged-*"));
        }
    }

    // What a loss of power leaves at the end of a log: the begin of a batch that nobody was answered for.
    private static void Tear(ProcessCluster cluster, Random random)
    {
        for (var node = 0; node < 4; node++)
        {
            var log = Directory.GetFiles(cluster.FolderOf(node), "*.log").Max(StringComparer.Ordinal)!;
            using var file = File.Open(log, FileMode.Open, FileAccess.ReadWrite);
            // A record of RocksDB's log: sum (4), length (2), type (1), content.
            var header = new byte[7];
            if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length) continue;
            var record = new byte[header.Length + header[4] + (header[5] << 8)];
            file.Seek(0, SeekOrigin.Begin);
            file.ReadExactly(record);
            // The log is written in blocks, and no record goes over the end of one.
            if (file.Length % LogBlock + record.Length > LogBlock) continue;
            file.Seek(0, SeekOrigin.End);
            file.Write(record.AsSpan(0, random.Next(record.Length)));
        }
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        var end = DateTime.UtcNow.AddSeconds(60);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < end, "no operation is done any more");
            await Task.Delay(20);
        }
    }
}
