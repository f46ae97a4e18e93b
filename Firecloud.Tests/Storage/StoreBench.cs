// StoreBench.cs - stores of both kinds in folders of their own, records of every shape, and the comparison of two stores.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using RocksDbSharp;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Storage;

/// <summary>A folder that goes when the test ends, and copies of it.</summary>
internal sealed class StoreBench : IDisposable
{
    public const int Shards = 4;
    public const int Members = 4;

    private readonly string _root = Directory.CreateTempSubdirectory("firecloud-store-").FullName;
    private readonly List<IRecordStore> _open = [];
    private int _copies;

    public StoreBench() => Folder = Path.Combine(_root, "store");

    /// <summary>Where the next store is opened.</summary>
    public string Folder { get; private set; }

    public RocksStoreOptions Options => new()
    {
        Folder = Folder, Member = 1, Votes = [2, 1, 1, 1], Shards = Shards, BlockCacheBytes = 1 << 20, WriteBufferBytes = 1 << 20,
        ReserveBytes = 3 << 20, LeafRows = LeafRows, LeavesPerRow = LeavesPerRow,
    };

    public int LeafRows { get; init; } = 4096;

    public int LeavesPerRow { get; set; } = 512;

    public IRecordStore Open(string kind) => kind == "memory" ? new MemoryRecordStore(Shards, Members) : Open();

    public RocksRecordStore Open(RocksStoreOptions? options = null)
    {
        var store = new RocksRecordStore(options ?? Options);
        _open.Add(store);
        return store;
    }

    /// <summary>Goes on with the folder as it is now, as after a loss of power: what is in memory only is not in the copy.</summary>
    public void Crash()
    {
        string copy;
        do copy = Path.Combine(_root, $"copy{++_copies}");
        while (!TryCopy(Folder, copy));
        Folder = copy;
    }

    // A copy of one moment: RocksDB merges files in the background, and each merge makes new ones and deletes old ones.
    private static bool TryCopy(string from, string to)
    {
        Directory.CreateDirectory(to);
        // How far it was synced goes first: a batch that is synced meanwhile must not be in it without being in the log.
        var files = Listed();
        try
        {
            foreach (var file in files)
            {
                // To open and close LOCK would end the lock of this process (POSIX).
                if (Path.GetFileName(file) is not ("LOCK" or DiskSpace.Name)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
            }
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        return files.SequenceEqual(Listed());

        List<string> Listed() =>
            [.. Directory.GetFiles(from).OrderBy(f => Path.GetFileName(f) != SyncedMark.Name).ThenBy(f => f, StringComparer.Ordinal)];
    }

    /// <summary>Goes on with the folder that was first.</summary>
    public void Back() => Folder = Path.Combine(_root, "store");

    /// <summary>Changes what is stored behind the store's back, with RocksDB's own sums kept right.</summary>
    public void Change(Action<RocksDb> change)
    {
        using var db = RocksDb.Open(new DbOptions(), Folder);
        change(db);
    }

    public string[] Files(string pattern) => Directory.GetFiles(Folder, pattern);

    public void Dispose()
    {
        foreach (var store in _open) store.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    public static Key KeyOf(int number) => new($"key-{number}");

    public static int ShardOf(Key key) => key.Shard(Shards);

    public static void Put(IRecordStore store, Key key, Record record, bool heard = false) =>
        store.Put(ShardOf(key), key, new StoredRecord(record, heard));

    public static Record Value(ulong sequence, string? value) => Make.Written(Make.Version(1, sequence), value);

    /// <summary>A record with any of its parts.</summary>
    public static StoredRecord Any(Random random, Version version)
    {
        var value = random.Next(3) == 0 ? null : Bytes(random);
        var keeps = random.Next(2) == 0;
        var writers = Enumerable.Range(0, random.Next(Record.WritersKept + 1)).Select(i => new Writer(
            new RequestId((ulong)random.NextInt64(), (ulong)i), random.Next(2) == 0 ? version : Make.Version(1, (ulong)i + 1, node: 3),
            (Outcome)random.Next(1, 4), random.NextInt64(-5, 5)));
        return new StoredRecord(
            new Record
            {
                Version = version,
                Modified = random.Next(2) == 0 ? version : Make.Version(1, 1),
                Value = value,
                ExpiresAt = random.Next(2) == 0 ? 0 : random.NextInt64(),
                Writers = [.. writers],
                Forgotten = random.Next(2) == 0 ? Version.None : Make.Version(1, 7),
                KeepsPrevious = keeps,
                Previous = keeps && random.Next(2) == 0 ? Bytes(random) : null,
            },
            random.Next(2) == 0);
    }

    public static void AssertSame(IRecordStore expected, IRecordStore actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(expected.Lives, actual.Lives);
        for (var shard = 0; shard < Shards; shard++)
        {
            Assert.Equal(expected.GetPromised(shard), actual.GetPromised(shard));
            Assert.Equal(expected.GetDropped(shard), actual.GetDropped(shard));
            Assert.Equal(Sorted(expected.Keys(shard)), Sorted(actual.Keys(shard)));
            for (var leaf = 0; leaf < HashTree.Leaves; leaf++)
            {
                Assert.Equal(expected.LeafHash(shard, leaf), actual.LeafHash(shard, leaf));
                Assert.Equal(Sorted(expected.Keys(shard, leaf)), Sorted(actual.Keys(shard, leaf)));
            }
            foreach (var key in expected.Keys(shard)) AssertSame(expected.Get(shard, key), actual.Get(shard, key));
        }
        Assert.Equal(expected.Tombstones(int.MaxValue).ToHashSet(), actual.Tombstones(int.MaxValue).ToHashSet());
        foreach (var until in new[] { long.MaxValue / 3, long.MaxValue / 2, long.MaxValue })
        {
            Assert.Equal(Sorted(expected.Expired(until, int.MaxValue)), Sorted(actual.Expired(until, int.MaxValue)));
        }
    }

    public static void AssertSame(StoredRecord expected, StoredRecord actual)
    {
        var (e, a) = (expected.Record, actual.Record);
        Assert.Equal((expected.Heard, e.Version, e.Modified, e.ExpiresAt), (actual.Heard, a.Version, a.Modified, a.ExpiresAt));
        Assert.Equal((e.Forgotten, e.KeepsPrevious), (a.Forgotten, a.KeepsPrevious));
        Assert.Equal(e.Value, a.Value);
        Assert.Equal(e.Previous, a.Previous);
        Assert.Equal(e.Writers, a.Writers);
    }

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[random.Next(40)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static IEnumerable<string> Sorted(IEnumerable<Key> keys) => keys.Select(k => k.ToString()).Order(StringComparer.Ordinal);
}
