// StoreFolderTests.cs - what damages a folder as a whole, what only refuses it, and how a damaged one is set aside.
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class StoreFolderTests : IDisposable
{
    private readonly StoreBench _bench = new();

    public void Dispose()
    {
        StoreFolder.Synced = null;
        _bench.Dispose();
    }

    [Fact]
    public async Task A_store_that_lost_CURRENT_is_damaged_and_does_not_begin_anew()
    {
        await FillAsync();
        File.Delete(Path.Combine(_bench.Folder, "CURRENT"));
        Damaged("CURRENT");
    }

    [Fact]
    public async Task A_store_that_lost_all_but_its_mark_is_damaged()
    {
        await FillAsync();
        foreach (var file in Directory.GetFiles(_bench.Folder).Where(f => Path.GetFileName(f) != SyncedMark.Name)) File.Delete(file);
        Damaged("CURRENT", SyncedMark.Name);
    }

    [Theory, InlineData("*.sst"), InlineData("MANIFEST-*")]
    public async Task A_missing_file_is_damage(string pattern)
    {
        await FillAsync();
        _bench.Change(db => db.CompactRange((byte[]?)null, null));
        File.Delete(_bench.Files(pattern).First());
        Damaged(_bench.Folder);
    }

    [Theory, InlineData("MANIFEST-*"), InlineData("CURRENT")]
    public async Task A_flipped_byte_of_a_file_that_names_others_is_damage(string pattern)
    {
        await FillAsync();
        var file = _bench.Files(pattern).Single();
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 0x11;
        File.WriteAllBytes(file, bytes);
        Damaged(_bench.Folder);
    }

    [Fact]
    public async Task Data_without_a_header_is_damage()
    {
        await FillAsync();
        _bench.Change(db => db.Remove(RocksLayout.KeyOf(RocksTable.Header)));
        Damaged("no header");
    }

    [Fact]
    public async Task A_store_without_anything_in_it_is_damage()
    {
        await FillAsync();
        _bench.Change(db =>
        {
            using var iterator = db.NewIterator();
            for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next()) db.Remove(iterator.Key());
        });
        Damaged("ends with batch 0");
    }

    // As RocksDB words them.
    [Theory]
    [InlineData("Corruption: block checksum mismatch: stored = 1, computed = 2  in /d/000009.sst offset 0 size 9", true)]
    [InlineData("Corruption: Can't access /000009.sst: IO error: No such file or directory: while stat a file for size: /d/000009.sst", true)]
    [InlineData("IO error: No such file or directory: While opening a file for sequentially reading: /d/MANIFEST-000005", true)]
    [InlineData("IO error: No space left on device: While appending to file: /d/000012.log", false)]
    [InlineData("IO error: Permission denied: While open a file for random read: /d/000009.sst", false)]
    [InlineData("Corruption: Can't access /000009.sst: IO error: Permission denied", false)]
    [InlineData("IO error: Input/output error: While pread offset 0 len 4096: /d/000009.sst", false)]
    [InlineData("Invalid argument: /d: does not exist (create_if_missing is false)", false)]
    public void An_error_of_the_database_is_damage_or_the_operators_business(string message, bool damage)
    {
        Assert.Equal(damage, RocksErrors.IsDamage(message));
        var (opening, reading) = (RocksErrors.OfOpening("/d", new IOException(message)), RocksErrors.OfReading("/d", new IOException(message)));
        Assert.IsType(damage ? typeof(DamagedStoreException) : typeof(StoreRefusedException), opening);
        Assert.IsType(damage ? typeof(DamagedStoreException) : typeof(StoreFailedException), reading);
        Assert.Contains(message, opening.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sync_that_meets_damage_says_so()
    {
        var store = _bench.Open();
        store.BeforeWrite = () => throw new IOException("Corruption: block checksum mismatch");
        store.SetPromised(0, Make.Ballot(1));
        await Assert.ThrowsAsync<DamagedStoreException>(async () => await store.SyncAsync());
        Assert.Throws<DamagedStoreException>(() => store.Count);
    }

    [Fact]
    public async Task A_marked_folder_is_not_opened_again()
    {
        var store = _bench.Open();
        StoreFolder.Synced = [];
        StoreFolder.MarkDamaged(_bench.Folder, "Record of shard 3 is damaged.");
        Assert.Equal([_bench.Folder], StoreFolder.Synced);
        store.SetPromised(0, Make.Ballot(1));   // who has it open can go on
        await store.SyncAsync();
        store.Dispose();
        Damaged("Record of shard 3 is damaged.");
    }

    [Fact]
    public async Task A_damaged_folder_is_set_aside_with_the_reason()
    {
        await FillAsync();
        StoreFolder.MarkDamaged(_bench.Folder, "x");
        var parent = Path.GetDirectoryName(_bench.Folder)!;
        var names = Enumerable.Range(1, 3).Select(i =>
        {
            Directory.CreateDirectory(_bench.Folder);
            StoreFolder.Synced = [];
            var name = StoreFolder.SetAside(_bench.Folder + "/", $"reason {i}");
            Assert.Equal([_bench.Folder, parent], StoreFolder.Synced);
            Assert.False(Path.Exists(_bench.Folder));
            Assert.Equal($"reason {i}", File.ReadAllText(Path.Combine(name, StoreFolder.ReasonName)));
            return name;
        }).ToList();
        Assert.Equal(3, names.Distinct().Count());
        Assert.All(names, name => Assert.Matches(@"/store\.damaged-\d{8}-\d{6}(-\d+)?$", name));
        Assert.True(File.Exists(Path.Combine(names[0], "CURRENT")));
        Assert.Equal(0, _bench.Open().Count);
    }

    [Fact]
    public void What_cant_be_set_aside_is_said()
    {
        var refusal = Assert.Throws<StoreRefusedException>(() => StoreFolder.SetAside(_bench.Folder, "Lives is damaged."));
        Assert.Contains("Lives is damaged.", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(_bench.Folder, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_folder_and_those_above_it_are_synced()
    {
        StoreFolder.Synced = [];
        var (parent, above) = (_bench.Folder, Path.GetDirectoryName(_bench.Folder)!);
        var folder = Path.Combine(parent, "deep");
        _bench.Open(_bench.Options with { Folder = folder });
        Assert.Equal([above, parent, folder], StoreFolder.Synced);
    }

    [Fact]
    public void A_folder_that_cant_be_synced_is_said() =>
        Assert.Contains("error 2", Assert.Throws<IOException>(() => StoreFolder.SyncFolder(_bench.Folder)).Message, StringComparison.Ordinal);

    private async Task FillAsync()
    {
        using var store = _bench.Open();
        store.SetPromised(0, Make.Ballot(1));
        await store.SyncAsync();
    }

    private void Damaged(params string[] words)
    {
        var damage = Assert.Throws<DamagedStoreException>(() => _bench.Open());
        Assert.All(words, word => Assert.Contains(word, damage.Message, StringComparison.Ordinal));
    }
}
