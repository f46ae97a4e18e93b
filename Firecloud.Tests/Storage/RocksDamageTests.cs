// RocksDamageTests.cs - bytes that changed on disk are found: no wrong record is served, and none is taken for missing.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class RocksDamageTests : IDisposable
{
    private const int Keys = 1000;
    private readonly StoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Any_flipped_bit_of_a_record_is_found_and_the_key_named()
    {
        await FillAsync(2);
        var (bad, good) = (StoreBench.KeyOf(0), StoreBench.KeyOf(1));
        var at = At(RocksTable.Record, bad);
        byte[] value = [];
        _bench.Change(db => value = db.Get(at));
        for (var bit = 0; bit < value.Length * 8; bit += 7)
        {
            value[bit / 8] ^= (byte)(1 << bit % 8);
            _bench.Change(db => db.Put(at, value));
            value[bit / 8] ^= (byte)(1 << bit % 8);
            using var store = _bench.Open();
            var damage = Assert.Throws<DamagedStoreException>(() => store.Get(StoreBench.ShardOf(bad), bad));
            Assert.Contains("key-0", damage.Message, StringComparison.Ordinal);
            Assert.Throws<DamagedStoreException>(() => StoreBench.Put(store, bad, StoreBench.Value(99, "x")));
            Assert.Equal(2, store.Count);
            Assert.Equal("1", Make.Text(store.Get(StoreBench.ShardOf(good), good).Record.Value));
        }
    }

    [Fact]
    public async Task A_record_under_another_key_is_found()
    {
        await FillAsync(2);
        _bench.Change(db => db.Put(At(RocksTable.Record, StoreBench.KeyOf(0)), db.Get(At(RocksTable.Record, StoreBench.KeyOf(1)))));
        using var store = _bench.Open();
        Assert.Throws<DamagedStoreException>(() => store.Get(StoreBench.ShardOf(StoreBench.KeyOf(0)), StoreBench.KeyOf(0)));
    }

    [Theory, InlineData('P', "Promised"), InlineData('D', "Dropped"), InlineData('L', "Lives"), InlineData('J', "Leaves"), InlineData('F', "Leaf"), InlineData('H', "header"), InlineData('N', "Batch")]
    public async Task What_opening_needs_is_checked_when_it_opens(char table, string word)
    {
        if (table == 'F') _bench.LeavesPerRow = 0;   // each leaf in a row of its own
        await FillAsync(3);
        Flip(table);
        var refusal = Assert.Throws<DamagedStoreException>(() => _bench.Open());
        Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_tombstone_is_found()
    {
        await FillAsync(3);
        Flip('T');
        using var store = _bench.Open();
        Assert.Throws<DamagedStoreException>(() => store.Tombstones(9));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task Flipped_bytes_of_a_table_file_are_never_served(int seed)
    {
        await FillAsync(Keys);
        _bench.Change(db => db.CompactRange((byte[]?)null, null));
        var (random, found) = (new Random(seed), 0);
        for (var i = 0; i < 10; i++)
        {
            _bench.Crash();
            var file = _bench.Files("*.sst").MaxBy(f => new FileInfo(f).Length)!;
            var bytes = File.ReadAllBytes(file);
            var at = random.Next(bytes.Length * 3 / 4);
            bytes[at] ^= 0x10;
            File.WriteAllBytes(file, bytes);
            if (!ReadsAll()) found++;
            _bench.Back();
        }
        Assert.Equal(10, found);
    }

    [Theory, InlineData(1), InlineData(2)]
    public async Task A_damaged_log_is_refused_and_not_cut_off_at_the_damage(int seed)
    {
        var store = await FillAsync(Keys, close: false);
        Assert.False(store.IsDirty);
        var random = new Random(seed);
        for (var i = 0; i < 10; i++)
        {
            _bench.Crash();
            var file = _bench.Files("*.log").MaxBy(f => new FileInfo(f).Length)!;
            var bytes = File.ReadAllBytes(file);
            Assert.True(bytes.Length > 65_536, $"{bytes.Length} bytes: the damage may be in the last block of 32 KiB, where a wrong length looks like the end");
            var at = random.Next(bytes.Length / 2);
            bytes[at] ^= 0x10;
            File.WriteAllBytes(file, bytes);
            Assert.Throws<DamagedStoreException>(() => _bench.Open());
            _bench.Back();
        }
        _bench.Crash();
        Assert.True(ReadsAll());
    }

    [Fact]
    public async Task A_last_batch_that_was_cut_short_is_gone_whole()
    {
        var store = await FillAsync(10, close: false);
        store.SetPromised(0, Make.Ballot(100));
        StoreBench.Put(store, StoreBench.KeyOf(500), StoreBench.Value(501, "500"));
        var before = new FileInfo(_bench.Files("*.log").Single()).Length;
        var unanswered = File.ReadAllBytes(Path.Combine(_bench.Folder, SyncedMark.Name));
        await store.SyncAsync();
        var after = new FileInfo(_bench.Files("*.log").Single()).Length;
        for (var length = before; length < after; length += 5)
        {
            _bench.Crash();
            using (var log = File.OpenWrite(_bench.Files("*.log").Single())) log.SetLength(length);
            File.WriteAllBytes(Path.Combine(_bench.Folder, SyncedMark.Name), unanswered);
            using var torn = _bench.Open();
            Assert.Equal((10, Make.Ballot(1)), (torn.Count, torn.GetPromised(0)));
            Assert.False(torn.Get(StoreBench.ShardOf(StoreBench.KeyOf(500)), StoreBench.KeyOf(500)).Record.Held);
            torn.Dispose();
            _bench.Back();
        }
    }

    private static byte[] At(RocksTable table, Key key) => RocksLayout.KeyOf(table, StoreBench.ShardOf(key), key.Leaf, key.Span);

    private async Task<RocksRecordStore> FillAsync(int keys, bool close = true)
    {
        var store = _bench.Open();
        store.Lives = new Lives([0, 1, 0, 2]);
        store.SetPromised(0, Make.Ballot(1));
        store.RaiseDropped(0, Make.Version(1, 1));
        for (var i = 0; i < keys; i++)
        {
            StoreBench.Put(store, StoreBench.KeyOf(i), StoreBench.Value((ulong)i + 1, i == 2 ? null : $"{i}"));
            if (i % 50 == 49) await store.SyncAsync();
        }
        await store.SyncAsync();
        if (close) store.Dispose();
        return store;
    }

    private void Flip(char table) => _bench.Change(db =>
    {
        using var iterator = db.NewIterator();
        iterator.Seek([(byte)table]);
        var (key, value) = (iterator.Key(), iterator.Value());
        Assert.Equal((byte)table, key[0]);
        value[^1] ^= 1;
        db.Put(key, value);
    });

    // False when damage was found. Every record that is served is right, and the others are named.
    private bool ReadsAll()
    {
        try
        {
            using var store = _bench.Open();
            var whole = true;
            for (var i = 0; i < Keys; i++)
            {
                var key = StoreBench.KeyOf(i);
                try
                {
                    var record = store.Get(StoreBench.ShardOf(key), key).Record;
                    Assert.Equal((true, i == 2 ? null : $"{i}"), (record.Held, Make.Text(record.Value)));
                }
                catch (DamagedStoreException e)
                {
                    Assert.Contains($"\"{key}\"", e.Message, StringComparison.Ordinal);
                    whole = false;
                }
            }
            try
            {
                Assert.Equal(Keys, Enumerable.Range(0, StoreBench.Shards).Sum(s => store.Keys(s).Count));
            }
            catch (DamagedStoreException)
            {
                whole = false;
            }
            return whole;
        }
        catch (DamagedStoreException)
        {
            return false;
        }
    }
}
