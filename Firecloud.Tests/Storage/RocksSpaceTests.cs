// RocksSpaceTests.cs - what was deleted gives its room back by itself, and does not slow down what comes after.
using System.Diagnostics;
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Storage;

public sealed class RocksSpaceTests(ITestOutputHelper output) : IDisposable
{
    private readonly StoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Deleted_and_dropped_values_give_their_room_back()
    {
        var store = _bench.Open(_bench.Options with { FlushLeftoversAfter = TimeSpan.FromMilliseconds(1) });
        var random = new Random(1);
        var bytes = new byte[8 << 10];
        await WriteAsync(store, 3000, i =>
        {
            random.NextBytes(bytes);
            return StoreBench.Value((ulong)i + 1, Convert.ToBase64String(bytes));
        });
        var before = Size();
        Assert.True(before > 20 << 20, $"{before} bytes");
        await WriteAsync(store, 3000, i => StoreBench.Value((ulong)i + 10_000, null));
        foreach (var (shard, key, _) in store.Tombstones(10_000)) store.Remove(shard, key);
        await store.SyncAsync();
        Assert.Equal(0, store.Count);
        for (var watch = Stopwatch.StartNew(); Size() > before / 4; await Task.Delay(50))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), $"{Size()} of {before} bytes after {watch.Elapsed}");
            store.Poll();
        }
    }

    // Set FIRECLOUD_STORE_KEYS=300000 to measure; what is printed is no promise.
    [Fact]
    public async Task A_look_at_the_tombstones_does_not_step_over_those_that_were_dropped()
    {
        var keys = int.TryParse(Environment.GetEnvironmentVariable("FIRECLOUD_STORE_KEYS"), out var asked) ? asked : 3_000;
        var options = _bench.Options with { WriteBufferBytes = 32 << 20, ReserveBytes = 96 << 20 };
        var store = _bench.Open(options);
        for (var done = 0; done < keys; done += 1000)
        {
            for (var i = 0; i < 1000; i++) StoreBench.Put(store, StoreBench.KeyOf(done + i), StoreBench.Value(1, null));
            await store.SyncAsync();
            foreach (var (shard, key, _) in store.Tombstones(1000)) store.Remove(shard, key);
            await store.SyncAsync();
        }
        StoreBench.Put(store, StoreBench.KeyOf(1), StoreBench.Value(2, null));
        await store.SyncAsync();
        var watch = Stopwatch.StartNew();
        Assert.Single(store.Tombstones(300));
        output.WriteLine($"Tombstones(300) after {keys} were dropped: {watch.Elapsed.TotalMilliseconds:f2} ms");
        Assert.Equal(1, store.TombstoneScans);
        _bench.Crash();
        store = _bench.Open(options with { Folder = _bench.Folder });
        foreach (var time in new[] { "first", "second" })
        {
            watch.Restart();
            Assert.Single(store.Tombstones(300));
            output.WriteLine($"after opening, {time}: {watch.Elapsed.TotalMilliseconds:f2} ms");
        }
        Assert.Equal(1, store.TombstoneScans);
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task More_tombstones_than_are_held_are_all_found(int seed)
    {
        var random = new Random(seed);
        var store = _bench.Open(_bench.Options with { TombstonesHeld = 10 });
        var expected = new Dictionary<string, Firecloud.Actors.Protocol.Version>();
        for (var step = 0; step < 600; step++)
        {
            var key = StoreBench.KeyOf(random.Next(200));
            var version = Make.Version(1, (ulong)step + 1);
            if (random.Next(3) > 0 && step < 400)
            {
                store.Put(StoreBench.ShardOf(key), key, new(Make.Written(version, random.Next(3) == 0 ? "x" : null), false));
                if (store.Get(StoreBench.ShardOf(key), key).Record.IsTombstone) expected[key.ToString()] = version;
                else expected.Remove(key.ToString());
            }
            else
            {
                var found = store.Tombstones(random.Next(1, 15));
                Assert.Equal(expected.Count == 0, found.Count == 0);
                foreach (var (shard, gone, its) in found)
                {
                    Assert.Equal(expected[gone.ToString()], its);
                    if (random.Next(2) == 0 && step < 400) continue;
                    store.Remove(shard, gone);
                    expected.Remove(gone.ToString());
                }
            }
            if (random.Next(5) == 0) await store.SyncAsync();
        }
        Assert.Empty(expected);
    }

    private static async Task WriteAsync(RocksRecordStore store, int keys, Func<int, Firecloud.Actors.Protocol.Record> record)
    {
        for (var i = 0; i < keys; i++)
        {
            StoreBench.Put(store, StoreBench.KeyOf(i), record(i));
            if (i % 50 == 49) await store.SyncAsync();
        }
        await store.SyncAsync();
    }

    private long Size() => _bench.Files("*").Where(f => Path.GetFileName(f) != DiskSpace.Name).Sum(f => File.Exists(f) ? new FileInfo(f).Length : 0);
}
