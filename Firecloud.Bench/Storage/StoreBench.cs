// StoreBench.cs - one replica's store on disk with many keys: room, writes per byte, memory, the time to open, the latency of a sync.
// It is filled in a process of its own, so that the memory of the one that opens it is that of opening.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;

namespace Firecloud.Bench.Storage;

internal static class StoreBench
{
    private const int Shards = 256;
    private const int Batch = 2000;
    private const int Syncs = 500;

    public static Command Command()
    {
        var keys = new Option<int>("--keys") { Description = "Keys, 1000 to 100000000.", DefaultValueFactory = _ => 1_000_000 };
        var bytes = new Option<int>("--bytes") { Description = "Bytes of each value, 1 to 65536.", DefaultValueFactory = _ => 100 };
        var folder = new Option<string?>("--folder") { Description = "Where to put the store: a folder that does not exist; it goes at the end." };
        var fill = new Option<bool>("--fill") { Description = "Fills only.", Hidden = true };
        keys.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1000, 100_000_000, "--keys", r.AddError));
        bytes.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1, 65_536, "--bytes", r.AddError));
        var command = new Command("store", "A store with many keys: room, memory, time to open, latency of a sync.") { keys, bytes, folder, fill };
        command.SetAction((parsed, _) => RunAsync(
            parsed.GetValue(keys), parsed.GetValue(bytes), parsed.GetValue(folder), parsed.GetValue(fill)));
        return command;
    }

    private static void Check(int value, int least, int most, string name, Action<string> add)
    {
        if (value < least || value > most) add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; {least} to {most} are allowed."));
    }

    private static async Task<int> RunAsync(int keys, int bytes, string? folder, bool fill)
    {
        folder ??= Path.Combine(Path.GetTempPath(), $"firecloud-bench-{Environment.ProcessId}");
        if (fill)
        {
            await FillAsync(folder, keys, bytes);
            return 0;
        }
        if (Path.Exists(folder))
        {
            await Console.Error.WriteLineAsync($"--folder is {folder}, which exists; name one that does not.");
            return 2;
        }
        try
        {
            using var child = Process.Start(Environment.ProcessPath!, Arguments(folder, keys, bytes));
            await child.WaitForExitAsync();
            if (child.ExitCode != 0) return child.ExitCode;
            Say($"on disk: {Mebibytes(SizeOf(folder))} MiB, {SizeOf(folder) / keys} bytes per key");
            await OpenAsync(folder, keys);
            return 0;
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    private static List<string> Arguments(string folder, int keys, int bytes)
    {
        List<string> arguments = ["store", "--fill", "--folder", folder, "--keys", Text(keys), "--bytes", Text(bytes)];
        var program = Environment.GetCommandLineArgs()[0];
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") arguments.Insert(0, program);
        return arguments;
    }

    private static async Task FillAsync(string folder, int keys, int bytes)
    {
        using var store = Open(folder);
        var random = new Random(1);
        var before = WrittenBytes();
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < keys; i++)
        {
            Put(store, i, bytes, random, (ulong)i + 1);
            if (i % Batch == Batch - 1) await store.SyncAsync();
        }
        await store.SyncAsync();
        var written = WrittenBytes() - before;
        Say($"{keys} keys with values of {bytes} B, {Batch} per sync: {watch.Elapsed.TotalSeconds:f0} s, {keys / watch.Elapsed.TotalSeconds:f0}/s");
        Say($"written to disk: {Mebibytes(written)} MiB, {(double)written / keys / bytes:f1} times the values");
    }

    private static async Task OpenAsync(string folder, int keys)
    {
        var (before, watch) = (Memory(), Stopwatch.StartNew());
        using var store = Open(folder);
        Say($"opened in {watch.Elapsed.TotalMilliseconds:f0} ms with {store.Count} keys; memory {Memory()} MiB, before {before} MiB");
        var random = new Random(2);
        watch.Restart();
        const int reads = 50_000;
        for (var i = 0; i < reads; i++)
        {
            var key = KeyOf(random.Next(keys));
            if (!store.Get(key.Shard(Shards), key).Record.Held) throw new InvalidOperationException($"{key} is missing.");
        }
        Say($"random reads: {reads / watch.Elapsed.TotalSeconds:f0}/s; memory {Memory()} MiB");
        var times = new List<double>();
        for (var i = 0; i < Syncs; i++)
        {
            watch.Restart();
            Put(store, random.Next(keys), 100, random, (ulong)(keys + i) + 1);
            await store.SyncAsync();
            times.Add(watch.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        Say($"one record per sync: median {times[Syncs / 2]:f2} ms, 99 % {times[Syncs * 99 / 100]:f2} ms");
        watch.Restart();
        for (var i = 0; i < 1000; i++) store.Poll();
        Say($"a look at the room on the disk: {watch.Elapsed.TotalMicroseconds / 1000:f1} us");
    }

    private static RocksRecordStore Open(string folder) =>
        new(new RocksStoreOptions { Folder = folder, Member = 0, Votes = [2, 1, 1, 1], Shards = Shards, CompactionBytesPerSecond = 0 });

    private static Key KeyOf(int number) => new($"key-{number:d9}");

    private static void Put(RocksRecordStore store, int number, int bytes, Random random, ulong sequence)
    {
        var (key, value, version) = (KeyOf(number), new byte[bytes], new Actors.Protocol.Version(new Ballot(1, 1, 0, 7), sequence));
        random.NextBytes(value);   // of the kind that does not compress
        var writer = new Writer(new RequestId(9, sequence), version, Outcome.Applied, 0);
        store.Put(key.Shard(Shards), key, new StoredRecord(new Record { Version = version, Modified = version, Value = value, Writers = [writer] }, false));
    }

    // Bytes that this process caused to be written to disk; 0 where the system does not say.
    private static long WrittenBytes() => File.Exists("/proc/self/io")
        ? long.Parse(File.ReadLines("/proc/self/io").First(l => l.StartsWith("write_bytes", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture)
        : 0;

    private static long SizeOf(string folder) =>
        Directory.GetFiles(folder).Where(f => Path.GetFileName(f) != "reserve").Sum(f => new FileInfo(f).Length);

    private static long Memory()
    {
        using var self = Process.GetCurrentProcess();
        return Mebibytes(self.WorkingSet64);
    }

    private static long Mebibytes(long bytes) => bytes >> 20;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Say(string line) => Console.WriteLine(line);
}
