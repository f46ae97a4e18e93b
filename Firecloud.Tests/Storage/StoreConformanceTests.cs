// StoreConformanceTests.cs - what every store does, in memory or on disk.
using Firecloud.Actors;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;

namespace Firecloud.Tests.Storage;

public sealed class StoreConformanceTests : IDisposable
{
    private static readonly Key K = StoreBench.KeyOf(1);
    private readonly StoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory, InlineData("memory"), InlineData("rocks")]
    public async Task A_new_store_is_empty(string kind)
    {
        var store = _bench.Open(kind);
        StoreBench.AssertSame(new MemoryRecordStore(StoreBench.Shards, StoreBench.Members), store);
        Assert.False(store.Get(StoreBench.ShardOf(K), K).Record.Held);
        Assert.False(store.IsDirty);
        await store.SyncAsync();
    }

    [Theory, InlineData("memory"), InlineData("rocks")]
    public async Task What_was_written_is_read_before_and_after_the_sync(string kind)
    {
        var store = _bench.Open(kind);
        foreach (var sync in new[] { false, true })
        {
            for (var i = 0; i < 50; i++)
            {
                var stored = StoreBench.Any(new Random(i), Make.Version(sync ? 3UL : 2UL, (ulong)i + 1));
                store.Put(StoreBench.ShardOf(StoreBench.KeyOf(i)), StoreBench.KeyOf(i), stored);
            }
            if (sync) await store.SyncAsync();
            for (var i = 0; i < 50; i++)
            {
                var stored = StoreBench.Any(new Random(i), Make.Version(sync ? 3UL : 2UL, (ulong)i + 1));
                StoreBench.AssertSame(stored, store.Get(StoreBench.ShardOf(StoreBench.KeyOf(i)), StoreBench.KeyOf(i)));
            }
            Assert.Equal(50, store.Count);
        }
    }

    [Theory, InlineData("memory"), InlineData("rocks")]
    public async Task A_tombstone_is_counted_and_listed_until_it_is_removed(string kind)
    {
        var store = _bench.Open(kind);
        var shard = StoreBench.ShardOf(K);
        StoreBench.Put(store, K, StoreBench.Value(1, "a"));
        Assert.Empty(store.Tombstones(9));
        await store.SyncAsync();
        var empty = new HashTree()[K.Leaf];
        StoreBench.Put(store, K, StoreBench.Value(2, null));
        await store.SyncAsync();
        Assert.Equal((shard, K, Make.Version(1, 2)), Assert.Single(store.Tombstones(9)));
        Assert.Empty(store.Tombstones(0));
        Assert.Equal(1, store.Count);
        store.Remove(shard, K);
        Assert.Empty(store.Tombstones(9));
        await store.SyncAsync();
        Assert.Equal((0, false), (store.Count, store.Get(shard, K).Record.Held));
        Assert.Empty(store.Tombstones(9));
        Assert.Empty(store.Keys(shard));
        Assert.Equal(empty, store.LeafHash(shard, K.Leaf));
        store.Remove(shard, K);   // what is not there is no mistake
        Assert.Equal(0, store.Count);
    }

    [Theory, InlineData("memory"), InlineData("rocks")]
    public async Task A_tombstone_written_over_is_none_any_more(string kind)
    {
        var store = _bench.Open(kind);
        StoreBench.Put(store, K, StoreBench.Value(1, null));
        await store.SyncAsync();
        StoreBench.Put(store, K, StoreBench.Value(2, "a"));
        StoreBench.Put(store, K, StoreBench.Value(3, "b"));
        Assert.Empty(store.Tombstones(9));
        await store.SyncAsync();
        Assert.Empty(store.Tombstones(9));
    }

    [Theory, InlineData("memory"), InlineData("rocks")]
    public void What_breaks_the_contract_is_a_bug(string kind)
    {
        var store = _bench.Open(kind);
        StoreBench.Put(store, K, StoreBench.Value(1, "a"));
        store.SetPromised(0, Make.Ballot(5));
        Assert.Throws<InvariantViolationException>(() => store.Remove(StoreBench.ShardOf(K), K));
        Assert.Throws<InvariantViolationException>(() => store.Put(StoreBench.ShardOf(K), K, StoredRecord.None));
        Assert.Throws<InvariantViolationException>(() => store.SetPromised(0, Make.Ballot(4)));
    }

    [Theory, InlineData("memory"), InlineData("rocks")]
    public void A_dropped_version_only_rises(string kind)
    {
        var store = _bench.Open(kind);
        store.RaiseDropped(2, Make.Version(3, 1));
        store.RaiseDropped(2, Make.Version(2, 9));
        Assert.Equal(Make.Version(3, 1), store.GetDropped(2));
        Assert.True(store.GetDropped(1).IsNone);
    }

    [Theory, InlineData("memory"), InlineData("rocks")]
    public async Task What_has_expired_is_listed_until_it_is_written_over(string kind)
    {
        var store = _bench.Open(kind);
        foreach (var sync in new[] { false, true })
        {
            var first = sync ? 100 : 0;
            for (var i = 0; i < 5; i++) Put(store, first + i, version: 1, expiresAt: 50 - i);
            Put(store, first + 5, version: 1, expiresAt: 0);
            if (sync) await store.SyncAsync();
            Assert.Equal([$"{first + 3}", $"{first + 4}"], Names(store.Expired(47, 9)));
            Assert.Single(store.Expired(47, 1));
            Assert.Empty(store.Expired(45, 9));
            Assert.Equal(5, store.Expired(50, 9).Count);
            Put(store, first + 4, version: 2, expiresAt: 60);   // a later expiry
            Put(store, first + 3, version: 2, expiresAt: 0);    // none any more
            StoreBench.Put(store, Named(first + 2), StoreBench.Value(2, null));
            if (sync) await store.SyncAsync();
            Assert.Equal([$"{first}", $"{first + 1}"], Names(store.Expired(50, 9)));
            Put(store, first + 2, version: 3, expiresAt: 10);   // earlier than all that was looked at before
            if (sync) await store.SyncAsync();
            Assert.Contains($"{first + 2}", Names(store.Expired(10, 9)));
            foreach (var i in new[] { 0, 1, 2 }) StoreBench.Put(store, Named(first + i), StoreBench.Value(4, null));
            if (sync) await store.SyncAsync();
            Assert.Empty(store.Expired(59, 9));
            Assert.Equal($"{first + 4}", Assert.Single(Names(store.Expired(60, 9))));
            StoreBench.Put(store, Named(first + 4), StoreBench.Value(4, null));
            Assert.Empty(store.Expired(long.MaxValue, 9));
        }
    }

    [Fact]
    public async Task What_expires_is_found_after_a_restart()
    {
        using (var store = _bench.Open())
        {
            Put(store, 1, version: 1, expiresAt: 50);
            Put(store, 2, version: 1, expiresAt: -50);
            await store.SyncAsync();
            Put(store, 1, version: 2, expiresAt: 60);
            await store.SyncAsync();
        }
        using var again = _bench.Open();
        Assert.Equal("2", Assert.Single(Names(again.Expired(59, 9))));
        Assert.Equal(["1", "2"], Names(again.Expired(60, 9)));
    }

    private static Key Named(int i) => new($"{i}");

    private static IEnumerable<string> Names(IReadOnlyList<Key> keys) => keys.Select(k => k.ToString()).Order(StringComparer.Ordinal);

    private static void Put(IRecordStore store, int i, ulong version, long expiresAt) => StoreBench.Put(
        store, Named(i), new Record { Version = Make.Version(1, version), Modified = Make.Version(1, version), Value = [1], ExpiresAt = expiresAt });
}
