// RocksRefusalTests.cs - a folder that is not this member's store is refused with a sentence, and not changed.
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using RocksDbSharp;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class RocksRefusalTests : IDisposable
{
    private readonly StoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Another_members_folder_is_refused() => RefusedAfterOpening(o => o with { Member = 2 }, "member 1", "member 2");

    [Fact]
    public void Another_number_of_shards_is_refused() => RefusedAfterOpening(o => o with { Shards = 256 }, "4 shards", "256");

    [Fact]
    public void Another_number_of_members_is_refused() => RefusedAfterOpening(o => o with { Members = 5 }, "4 members", "5");

    [Fact]
    public async Task Another_clusters_folder_is_refused_once_one_is_set()
    {
        var store = _bench.Open();
        Assert.Equal(0UL, store.ClusterId);
        store.SetCluster(0xabc);
        await store.SyncAsync();
        Assert.Throws<StoreRefusedException>(() => store.SetCluster(0xdef));
        store.Dispose();
        Refused(_bench.Options with { ClusterId = 0xdef }, "0000000000000abc", "0000000000000def");
        store = _bench.Open(_bench.Options);   // it need not know yet
        Assert.Equal(0xabcUL, store.ClusterId);
        store.Dispose();
        Assert.Equal(0xabcUL, _bench.Open(_bench.Options with { ClusterId = 0xabc }).ClusterId);
    }

    [Fact]
    public void A_cluster_named_at_opening_is_kept()
    {
        _bench.Open().Dispose();
        _bench.Open(_bench.Options with { ClusterId = 7 }).Dispose();
        Refused(_bench.Options with { ClusterId = 8 }, "cluster 0000000000000007");
    }

    [Fact]
    public void A_newer_format_is_refused()
    {
        _bench.Open().Dispose();
        var key = RocksLayout.KeyOf(RocksTable.Header);
        _bench.Change(db => db.Put(key, RocksLayout.Seal(key, RocksLayout.Header(new RocksHeader(2, 0, 1, 4, 4)))));
        Refused(_bench.Options, "format 2", "up to 1");
    }

    [Fact]
    public void A_folder_in_use_is_refused()
    {
        var store = _bench.Open();
        Refused(_bench.Options, "in use");
        store.SetPromised(0, Make.Ballot(1));   // who has it goes on
        Assert.True(store.IsDirty);
    }

    [Fact]
    public void A_file_is_refused()
    {
        File.WriteAllText(_bench.Folder, "a file");
        Refused(_bench.Options, "is a file");
    }

    [Fact]
    public void A_folder_with_something_else_in_it_is_refused()
    {
        Directory.CreateDirectory(_bench.Folder);
        File.WriteAllText(Path.Combine(_bench.Folder, "thesis.txt"), "");
        Refused(_bench.Options, "thesis.txt");
    }

    [Fact]
    public void A_folder_whose_creation_was_cut_short_is_used()
    {
        Directory.CreateDirectory(_bench.Folder);
        foreach (var name in new[] { "LOCK", "LOG", "IDENTITY", "MANIFEST-000001", SyncedMark.NewName }) File.WriteAllText(Path.Combine(_bench.Folder, name), "");
        Assert.Equal(0, _bench.Open().Count);
    }

    [Fact]
    public void Another_programs_database_is_refused()
    {
        Directory.CreateDirectory(_bench.Folder);
        using (var db = RocksDb.Open(new DbOptions().SetCreateIfMissing(), _bench.Folder)) db.Put("a"u8, "b"u8);
        Refused(_bench.Options, "not a store of Firecloud");
        File.Delete(Path.Combine(_bench.Folder, "CURRENT"));
        Refused(_bench.Options, "no store");
    }

    [Fact]
    public void Too_little_memory_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _bench.Options with { BlockCacheBytes = 1000 });

    private void RefusedAfterOpening(Func<RocksStoreOptions, RocksStoreOptions> change, params string[] words)
    {
        _bench.Open().Dispose();
        Refused(change(_bench.Options), words);
        _bench.Open().Dispose();
    }

    private void Refused(RocksStoreOptions options, params string[] words)
    {
        var refusal = Assert.Throws<StoreRefusedException>(() => _bench.Open(options));
        Assert.Contains(_bench.Folder, refusal.Message, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, refusal.Message, StringComparison.Ordinal));
    }
}
