// RocksSyncTests.cs - when what was written is durable, and what a sync that fails does.
using Firecloud.Actors;
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Storage;

public sealed class RocksSyncTests(ITestOutputHelper output) : IDisposable
{
    private readonly StoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Another_sync_may_not_begin_while_one_is_under_way()
    {
        var store = _bench.Open();
        using var disk = new SemaphoreSlim(0);
        store.BeforeWrite = disk.Wait;
        store.SetPromised(0, Make.Ballot(1));
        var first = store.SyncAsync().AsTask();
        var same = store.SyncAsync().AsTask();   // nothing was written since: that is what has to be waited for
        Assert.False(same.IsCompleted);
        store.SetPromised(0, Make.Ballot(2));
        Assert.True(store.IsDirty);
        await Assert.ThrowsAsync<InvariantViolationException>(async () => await store.SyncAsync());
        disk.Release(2);
        await Task.WhenAll(first, same);
        await store.SyncAsync();
        _bench.Crash();
        Assert.Equal(Make.Ballot(2), _bench.Open().GetPromised(0));
    }

    [Fact]
    public async Task A_sync_that_fails_ends_the_store()
    {
        var store = _bench.Open();
        store.SetPromised(0, Make.Ballot(1));
        await store.SyncAsync();
        store.SetPromised(0, Make.Ballot(2));
        store.BeforeWrite = () => throw new IOException("No space left on device");
        var failure = await Assert.ThrowsAsync<StoreFailedException>(async () => await store.SyncAsync());
        Assert.Contains("No space left on device", failure.Message, StringComparison.Ordinal);
        Assert.Contains(_bench.Folder, failure.Message, StringComparison.Ordinal);
        store.BeforeWrite = null;
        var (key, shard) = (Make.Key, StoreBench.ShardOf(Make.Key));
        Action[] uses =
        [
            () => store.Get(shard, key), () => store.Put(shard, key, new(StoreBench.Value(1, "a"), false)), () => store.Remove(shard, key),
            () => store.GetPromised(0), () => store.SetPromised(0, Make.Ballot(3)), () => store.GetDropped(0),
            () => store.RaiseDropped(0, Make.Version(1, 1)), () => store.Keys(0), () => store.Keys(0, 0), () => store.LeafHash(0, 0),
            () => store.Tombstones(1), () => _ = store.Lives, () => store.Lives = new(4), () => _ = store.Count, () => _ = store.IsDirty,
            () => store.Identity = new StoreIdentity(1),
        ];
        Assert.All(uses, use => Assert.Throws<StoreFailedException>(use));
        await Assert.ThrowsAsync<StoreFailedException>(async () => await store.SyncAsync());
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => store.Count);
        Assert.Equal(Make.Ballot(1), _bench.Open().GetPromised(0));
    }

    [Fact]
    public async Task A_thread_that_is_ended_from_itself_begins_nothing_any_more()
    {
        var thread = new SyncThread();
        using var may = new ManualResetEventSlim();
        var (ran, second) = (false, Task.CompletedTask);
        var ended = thread.Begin(may.Wait).ContinueWith(
            _ =>
            {
                second = thread.Begin(() => ran = true);   // on the thread itself: queued behind this
                thread.Dispose();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        may.Set();
        await ended;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second);
        Assert.False(ran);
    }

    // Set FIRECLOUD_STORE_KEYS=1000000 to measure; what is printed is no promise.
    [Fact]
    public async Task Opening_reads_no_records()
    {
        var keys = int.TryParse(Environment.GetEnvironmentVariable("FIRECLOUD_STORE_KEYS"), out var asked) ? asked : 5_000;
        const int batch = 500;
        var options = _bench.Options with { BlockCacheBytes = 64 << 20, WriteBufferBytes = 32 << 20, ReserveBytes = 96 << 20 };
        var store = _bench.Open(options);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < keys; i++)
        {
            StoreBench.Put(store, StoreBench.KeyOf(i), StoreBench.Value((ulong)i + 1, new string('v', 100)));
            if (i % batch == batch - 1) await store.SyncAsync();
        }
        await store.SyncAsync();
        output.WriteLine($"{keys} puts of 100 B, {batch} per sync: {watch.Elapsed.TotalSeconds:f1} s");
        store.Dispose();
        watch.Restart();
        store = _bench.Open(options);
        output.WriteLine($"opened after closing: {watch.Elapsed.TotalMilliseconds:f0} ms");
        Assert.Equal(keys, store.Count);
        Assert.Equal(0, store.RecordsRead);
        _bench.Crash();
        watch.Restart();
        Assert.Equal(keys, _bench.Open(options with { Folder = _bench.Folder }).Count);
        output.WriteLine($"opened after a crash: {watch.Elapsed.TotalMilliseconds:f0} ms");
        watch.Restart();
        for (var i = 0; i < 200; i++)
        {
            StoreBench.Put(store, StoreBench.KeyOf(i), StoreBench.Value((ulong)(keys + i), "one"));
            await store.SyncAsync();
        }
        output.WriteLine($"one put per sync: {200 / watch.Elapsed.TotalSeconds:f0} per second");
    }
}
