// RocksRefusalTests.cs - a folder that is not this member's store is refused with a sentence, and not changed.
using Firecloud.Actors.Protocol;
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

    [Theory, InlineData(2, 1, 1, 1, 1), InlineData(1, 1, 1, 1), InlineData(1, 2, 1, 1)]
    public void Other_votes_are_refused(params int[] votes) =>
        RefusedAfterOpening(o => o with { Votes = votes }, "[2, 1, 1, 1]", $"[{string.Join(", ", votes)}]");

    [Fact]
    public async Task The_identity_is_kept()
    {
        var store = _bench.Open();
        var drawn = store.Identity;
        Assert.NotEqual(0UL, drawn.Id);
        Assert.False(drawn.IsWhole);
        store.Identity = drawn with { ClusterId = 0xabc, Founders = [1, drawn.Id, 3, 4] };
        await store.SyncAsync();
        store.Dispose();
        store = _bench.Open();
        Assert.Equal((drawn.Id, 0xabcUL, true), (store.Identity.Id, store.Identity.ClusterId, store.Identity.IsWhole));
        Assert.Equal([1UL, drawn.Id, 3, 4], store.Identity.Founders);
    }

    [Fact]
    public async Task A_memory_that_was_not_taken_over_to_its_end_begins_anew_as_another_one()
    {
        var store = _bench.Open();
        var drawn = store.Identity;
        store.Identity = drawn with { IsRecovering = true };
        StoreBench.Put(store, StoreBench.KeyOf(1), StoreBench.Value(1, "half"));
        store.SetPromised(0, Make.Ballot(1));
        await store.SyncAsync();
        store.Dispose();
        Directory.CreateDirectory(_bench.Folder + ".unfinished");   // an earlier start was cut short here
        store = _bench.Open();
        Assert.Equal((0L, Ballot.None, false), (store.Count, store.GetPromised(0), store.Identity.IsRecovering));
        Assert.NotEqual(drawn.Id, store.Identity.Id);
        Assert.False(Directory.Exists(_bench.Folder + ".unfinished"));
    }

    [Fact]
    public void A_newer_format_is_refused()
    {
        _bench.Open().Dispose();
        var key = RocksLayout.KeyOf(RocksTable.Header);
        _bench.Change(db => db.Put(key, RocksLayout.Seal(key, RocksLayout.Header(new RocksHeader(4, 1, 4, [2, 1, 1, 1], new StoreIdentity(1))))));
        Refused(_bench.Options, "format 4", "up to 3");
    }

    [Fact]
    public void An_older_format_is_opened_and_refused_by_its_own_program_from_then_on()
    {
        _bench.Open().Dispose();
        var key = RocksLayout.KeyOf(RocksTable.Header);
        var old = new RocksHeader(1, 1, 4, [2, 1, 1, 1], new StoreIdentity(7));
        _bench.Change(db => db.Put(key, RocksLayout.Seal(key, RocksLayout.Header(old))));
        using (var store = _bench.Open()) Assert.Equal(7ul, store.Identity.Id);
        _bench.Change(db => Assert.Equal(3ul, RocksLayout.ReadHeader(RocksLayout.Open(key, db.Get(key))).Format));
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
