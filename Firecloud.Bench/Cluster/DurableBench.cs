// DurableBench.cs - what it costs that a put is on disk before it is answered: four nodes in memory, then four on
// disk, then syncs alone, in every round anew.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;

namespace Firecloud.Bench.Cluster;

internal static class DurableBench
{
    private const int Rounds = 5;
    private const int Stores = 4;

    private static readonly int[] Callers = [1, 16, 64];

    public static Command Command()
    {
        var seconds = new Option<double>("--seconds") { Description = "Time of each run, 1 to 600.", DefaultValueFactory = _ => 3 };
        seconds.Validators.Add(r =>
        {
            if (!(r.GetValueOrDefault<double>() is >= 1 and <= 600)) r.AddError($"--seconds is {r.GetValueOrDefault<double>()}; 1 to 600 are allowed.");
        });
        var command = new Command("durable", "Puts of four nodes in memory and on disk, and the sync of one record, by turns.") { seconds };
        command.SetAction((parsed, _) => RunAsync(TimeSpan.FromSeconds(parsed.GetValue(seconds))));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan time)
    {
        var root = Directory.CreateTempSubdirectory("firecloud-bench-").FullName;
        var (memory, disk) = (Callers.ToDictionary(c => c, _ => new List<double>()), Callers.ToDictionary(c => c, _ => new List<double>()));
        var (one, four) = (new List<double>(), new List<double>());
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                await MeasureAsync("memory", null, time, memory);
                await MeasureAsync("disk", Path.Combine(root, $"{round}"), time, disk);
                var stores = Enumerable.Range(0, Stores).Select(i => Open(Path.Combine(root, $"{round}-{i}"))).ToArray();
                one.Add(await SyncAsync(stores[..1], time));
                four.Add(await SyncAsync(stores, time));
                foreach (var store in stores) store.Dispose();
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
        Say($"a sync {Median(one):f2} ms, beside three others {Median(four):f2} ms");
        foreach (var callers in Callers)
        {
            var sum = Median(four) + Median(memory[callers]);
            Say($"{callers,3} callers: put in memory {Median(memory[callers]):f2} ms, on disk {Median(disk[callers]):f2} ms: {Median(disk[callers]) / sum:f2} of one such sync and memory, {sum:f2} ms");
        }
        return 0;
    }

    private static async Task MeasureAsync(string what, string? folder, TimeSpan time, Dictionary<int, List<double>> medians)
    {
        await using var cluster = await LocalCluster.StartAsync(clients: 4, folder);
        await ClosedLoop.RunAsync(cluster.Clients, 16, 10_000, 100, time);   // to warm up
        foreach (var callers in Callers)
        {
            var result = await ClosedLoop.RunAsync(cluster.Clients, callers, 10_000, 100, time);
            medians[callers].Add(result.MedianMs);
            Say($"{callers,3} callers, {what,6}: {result.PerSecond,8:n0} puts/s, median {result.MedianMs:f2} ms, 99 % {result.Tail:f2} ms, {result.NotDone} not done");
        }
    }

    // Median time of a sync of one record by stores that all sync at the same time, as the nodes of one machine do.
    private static async Task<double> SyncAsync(RocksRecordStore[] stores, TimeSpan time)
    {
        var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        var times = await Task.WhenAll(stores.Select(store => Task.Run(async () =>
        {
            var took = new List<double>();
            for (ulong i = 1; Stopwatch.GetTimestamp() < end; i++)
            {
                var key = new Key(string.Create(CultureInfo.InvariantCulture, $"k{i % 10_000}"));
                var version = new Actors.Protocol.Version(new Ballot(1, 1, 0, 1), (ulong)Stopwatch.GetTimestamp());
                var clock = Stopwatch.StartNew();
                store.Put(key.Shard(256), key, new StoredRecord(new Record { Version = version, Modified = version, Value = new byte[100] }, false));
                await store.SyncAsync();
                took.Add(clock.Elapsed.TotalMilliseconds);
            }
            return took;
        })));
        return Median([.. times.SelectMany(t => t)]);
    }

    private static RocksRecordStore Open(string folder) =>
        new(new RocksStoreOptions { Folder = folder, Member = 0, Votes = [2, 1, 1, 1], Shards = 256, ScrubBytesPerSecond = 0 });

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
