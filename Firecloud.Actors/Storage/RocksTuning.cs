// RocksTuning.cs - the options of RocksDB, and why they are not the defaults.
using RocksDbSharp;

namespace Firecloud.Actors.Storage;

internal static class RocksTuning
{
    // Of so many neighbouring keys of a table so many were deleted: it is merged with what lies below, which gives the space back
    // and spares scans the way over deletion marks.
    private const int DeletionWindow = 1024;
    private const int DeletionTrigger = 512;

    private const long RefillMicroseconds = 100_000;
    private const int Fairness = 10;

    public static DbOptions Options(RocksStoreOptions options, bool mayBeNew)
    {
        var tables = new BlockBasedTableOptions()
            .SetBlockCache(Cache.CreateLru((ulong)options.BlockCacheBytes))
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false));
        // Of the ways to read the log after a crash this is the one that forgives a last batch cut short, which nobody was answered
        // for. The default drops everything behind a damaged batch, and with it promises that were given. What else looks like a
        // batch cut short, SyncedMark finds. What was read from the log goes to a table, synced, before the opening ends: a process
        // that was killed may have left it unsynced.
        var database = new DbOptions()
            .SetCreateIfMissing(mayBeNew)
            .SetParanoidChecks(true)
            .SetWalRecoveryMode(RocksDbSharp.Recovery.TolerateCorruptedTailRecords)
            .SetBlockBasedTableFactory(tables)
            .SetCompression(Compression.Lz4)
            .SetWriteBufferSize((ulong)options.WriteBufferBytes)
            .SetMaxWriteBufferNumber(2)
            .SetMaxOpenFiles(512)
            .SetMaxLogFileSize(1 << 20)
            .SetKeepLogFileNum(4);
        var native = Native.Instance;
        native.rocksdb_options_set_avoid_flush_during_recovery(database.Handle, 0);
        native.rocksdb_options_set_track_and_verify_wals_in_manifest(database.Handle, 1);
        native.rocksdb_options_add_compact_on_deletion_collector_factory(database.Handle, DeletionWindow, DeletionTrigger);
        if (options.CompactionBytesPerSecond > 0)
        {
            var limiter = native.rocksdb_ratelimiter_create(options.CompactionBytesPerSecond, RefillMicroseconds, Fairness);
            native.rocksdb_options_set_ratelimiter(database.Handle, limiter);
            native.rocksdb_ratelimiter_destroy(limiter);   // the options hold it
        }
        return database;
    }
}
