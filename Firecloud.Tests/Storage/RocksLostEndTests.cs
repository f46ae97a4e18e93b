// RocksLostEndTests.cs - a log that lost what was synced is damage, though RocksDB would open it as if nothing had been there.
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class RocksLostEndTests : IDisposable
{
    private const int Batches = 20;
    private readonly StoreBench _bench = new();
    private readonly List<long> _ends = [];   // of the log, after each batch

    public void Dispose() => _bench.Dispose();

    private string Mark => Path.Combine(_bench.Folder, SyncedMark.Name);

    [Fact]
    public async Task A_log_that_lost_synced_batches_is_damage()
    {
        await FillAsync();
        for (var kept = 0; kept < Batches - 1; kept++)
        {
            _bench.Crash();
            Cut(_ends[kept]);
            var damage = Assert.Throws<DamagedStoreException>(() => _bench.Open());
            Assert.Contains($"ends with batch {kept + 2}, but batch {Batches + 1} was synced", damage.Message, StringComparison.Ordinal);
            _bench.Back();
        }
    }

    [Fact]
    public async Task A_log_that_lost_everything_is_damage()
    {
        await FillAsync();
        _bench.Crash();
        Cut(0);
        Assert.Throws<DamagedStoreException>(() => _bench.Open());
    }

    [Fact]
    public async Task A_log_file_that_is_missing_is_damage()
    {
        await FillAsync();
        _bench.Crash();
        File.Delete(Log());
        Assert.Throws<DamagedStoreException>(() => _bench.Open());
    }

    // RocksDB alone takes many of these for a batch cut short and drops it with everything behind.
    [Fact]
    public async Task Any_flipped_byte_of_the_logs_end_is_damage_or_changes_nothing()
    {
        await FillAsync();
        _bench.Crash();
        var (file, length) = (Log(), new FileInfo(Log()).Length);
        var bytes = File.ReadAllBytes(file);
        var (found, step) = (0, (int)length / 400);
        for (var at = 0; at < length; at += step)
        {
            _bench.Back();
            _bench.Crash();
            bytes[at] ^= 0x40;
            File.WriteAllBytes(Log(), bytes);
            bytes[at] ^= 0x40;
            try
            {
                using var store = _bench.Open();
                Assert.Equal((Batches, Make.Ballot(Batches)), (store.Count, store.GetPromised(0)));
            }
            catch (DamagedStoreException)
            {
                found++;
            }
        }
        Assert.True(found > 350, $"{found} found of 400");
    }

    [Fact]
    public async Task One_damaged_slot_leaves_the_other()
    {
        await FillAsync();
        foreach (var slot in new[] { 0, 4096 })
        {
            for (var i = 0; i < 16; i += 5)
            {
                _bench.Crash();
                Flip(slot + i);
                _bench.Open().Dispose();
                _bench.Back();
            }
            _bench.Crash();
            Flip(slot);
            Cut(_ends[^3]);   // still found: the other slot is one batch behind at most
            Assert.Throws<DamagedStoreException>(() => _bench.Open());
            _bench.Back();
        }
    }

    [Fact]
    public async Task Two_damaged_slots_are_damage()
    {
        await FillAsync();
        _bench.Crash();
        Flip(3);
        Flip(4096 + 12);
        Assert.Contains("both places", Assert.Throws<DamagedStoreException>(() => _bench.Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_short_file_is_damage()
    {
        await FillAsync();
        _bench.Crash();
        File.WriteAllBytes(Mark, []);
        Assert.Throws<DamagedStoreException>(() => _bench.Open());
    }

    [Fact]
    public async Task Without_the_file_a_store_is_damaged()
    {
        await FillAsync();
        _bench.Crash();
        File.Delete(Mark);
        Assert.Contains("lost its file synced", Assert.Throws<DamagedStoreException>(() => _bench.Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_left_behind_by_a_loss_of_power_is_brought_up_to_date()
    {
        var store = _bench.Open();
        await WriteAsync(store, 0);
        var behind = File.ReadAllBytes(Mark);
        for (var i = 1; i < 4; i++) await WriteAsync(store, i);
        _bench.Crash();
        File.WriteAllBytes(Mark, behind);
        _bench.Open().Dispose();
        using var mark = SyncedMark.Open(_bench.Folder);
        Assert.Equal(5UL, mark!.Number);
    }

    [Fact]
    public async Task What_was_in_the_log_of_a_killed_process_is_in_a_synced_table_when_it_is_open_again()
    {
        await FillAsync();
        _bench.Crash();
        Assert.Empty(_bench.Files("*.sst"));
        _bench.Open();
        Assert.NotEmpty(_bench.Files("*.sst"));
        Assert.All(_bench.Files("*.log"), log => Assert.Equal(0, new FileInfo(log).Length));
    }

    [Fact]
    public async Task The_number_is_noted_after_the_sync_only()
    {
        var store = _bench.Open();
        await WriteAsync(store, 0);
        store.BeforeWrite = () => throw new IOException("the disk is gone");
        store.SetPromised(1, Make.Ballot(1));
        await Assert.ThrowsAsync<StoreFailedException>(async () => await store.SyncAsync());
        using var mark = SyncedMark.Open(_bench.Folder);
        Assert.Equal(2UL, mark!.Number);
    }

    private static async Task WriteAsync(RocksRecordStore store, int i)
    {
        StoreBench.Put(store, StoreBench.KeyOf(i), StoreBench.Value((ulong)i + 1, $"{i}"));
        store.SetPromised(0, Make.Ballot((ulong)i + 1));
        await store.SyncAsync();
    }

    private async Task FillAsync()
    {
        var store = _bench.Open();
        for (var i = 0; i < Batches; i++)
        {
            await WriteAsync(store, i);
            _ends.Add(new FileInfo(Log()).Length);
        }
    }

    private string Log() => _bench.Files("*.log").Single();

    private void Cut(long length)
    {
        using var log = File.OpenWrite(Log());
        log.SetLength(length);
    }

    private void Flip(int at)
    {
        var bytes = File.ReadAllBytes(Mark);
        bytes[at] ^= 0x10;
        File.WriteAllBytes(Mark, bytes);
    }
}
