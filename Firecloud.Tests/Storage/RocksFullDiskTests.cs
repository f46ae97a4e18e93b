// RocksFullDiskTests.cs - a disk that others fill: what must go on goes on, and all is well again when there is room, without reopening.
using System.Diagnostics;
using Firecloud.Actors.Storage;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class RocksFullDiskTests : IDisposable
{
    private const long Reserve = 12 << 20;
    private static readonly string Large = new('v', 20_000);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly SmallDisk? _disk = OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess ? new SmallDisk(64) : null;
    private readonly StoreBench _bench = new();
    private ulong _sequence;

    public void Dispose()
    {
        _bench.Dispose();
        _disk?.Dispose();
    }

    [SmallDiskFact]
    public void The_reserve_takes_its_room()
    {
        var store = Open();
        Assert.False(store.IsFull);
        Assert.InRange(_disk!.Free, (64 << 20) - Reserve - (8 << 20), (64 << 20) - Reserve);   // RocksDB takes some for its log and manifest
    }

    [SmallDiskFact]
    public async Task Deleting_goes_on_from_the_reserve_and_the_disk_is_not_full_when_there_is_room()
    {
        var store = Open();
        await PutAsync(store, 400, Large);
        _disk!.FillAllBut(1 << 20);
        store.Poll();   // nothing is written: it is seen all the same
        Assert.Equal((true, false), (store.IsFull, store.IsExhausted));
        Assert.InRange(store.FreeBytes, 10 << 20, 15 << 20);
        await PutAsync(store, 400, null);
        foreach (var (shard, key, _) in store.Tombstones(200)) store.Remove(shard, key);
        await store.SyncAsync();
        Assert.True(store.IsFull);
        _disk.FillAllBut(-1);
        store.Poll();
        Assert.Equal((false, false), (store.IsFull, store.IsExhausted));
        Assert.True(File.Exists(Path.Combine(_disk.Folder, DiskSpace.Name)));
        await PutAsync(store, 300, Large);
        Assert.Equal(400, store.Count);
    }

    [SmallDiskFact]
    public async Task A_flush_that_found_no_room_is_tried_again_and_nothing_is_lost()
    {
        var store = Open();
        await PutAsync(store, 40, Large);
        _disk!.FillAllBut(1 << 20);
        store.Poll();
        _disk.FillAllBut(0);   // the reserve is eaten too
        store.Poll();
        Assert.True(store.IsExhausted);
        store.Flush();
        await UntilAsync(() => store.Property("rocksdb.background-errors") != "0");
        store.Poll();
        Assert.True(store.IsExhausted);
        _disk.FillAllBut(-1);
        store.Poll();
        Assert.Equal((false, true), (store.IsFull, store.IsExhausted));   // there is room, but RocksDB has not tried again yet
        await UntilAsync(() =>
        {
            store.Poll();
            return !store.IsExhausted;
        });
        await PutAsync(store, 100, Large);
        store.Dispose();
        Assert.Equal(100, Open().Count);
    }

    private static async Task UntilAsync(Func<bool> done)
    {
        for (var watch = Stopwatch.StartNew(); !done(); await Task.Delay(20)) Assert.True(watch.Elapsed < Patience, "too late");
    }

    private RocksRecordStore Open() => _bench.Open(_bench.Options with { Folder = _disk!.Folder, ReserveBytes = Reserve });

    private async Task PutAsync(RocksRecordStore store, int keys, string? value)
    {
        for (var i = 0; i < keys; i++)
        {
            StoreBench.Put(store, StoreBench.KeyOf(i), StoreBench.Value(++_sequence, value is null ? null : $"{Random.Shared.NextInt64()}{value}"));
            if (i % 20 == 19) await store.SyncAsync();
        }
        await store.SyncAsync();
    }
}
