// RocksTuning.cs - the options of RocksDB, and why they are not the defaults.
using RocksDbSharp;

namespace Firecloud.Actors.Storage;

internal static class RocksTuning
{
    // Of so many neighbouring keys of a table so many were deleted: it is merged with what lies below, which gives the space back
    // and spares scans the way over deletion marks.
    private const int DeletionWindow = 1024;
    private const int DeletionTrigger = 512;

    // A cache is cut into parts by itself, 64 of them where it has 64 MiB, and keeps no block larger than its part: neither the blocks of
    // large values nor, before they were cut up, the index of a table. It is used by few threads.
    private const int CachePartBits = 2;
    private const int TwoLevels = 2;
    private const ulong MetadataBlockBytes = 4096;

    private const long RefillMicroseconds = 100_000;
    private const int Fairness = 10;

    public static DbOptions Options(RocksStoreOptions options, bool mayBeNew)
    {
        var tables = new BlockBasedTableOptions()
            .SetCacheIndexAndFilterBlocks(true)
            .SetPinL0FilterAndIndexBlocksInCache(true)
            .SetFilterPolicy(BloomFilterPolicy.Create(10, false));
        var native = Native.Instance;
        // Index and filter in blocks of their own: in one piece each they grow with the keys, to megabytes, and were read anew for every record.
        native.rocksdb_block_based_options_set_index_type(tables.Handle, TwoLevels);
        native.rocksdb_block_based_options_set_partition_filters(tables.Handle, 1);
        native.rocksdb_block_based_options_set_pin_top_level_index_and_filter(tables.Handle, 1);
        native.rocksdb_block_based_options_set_metadata_block_size(tables.Handle, MetadataBlockBytes);
        var sizes = native.rocksdb_lru_cache_options_create();
        native.rocksdb_lru_cache_options_set_capacity(sizes, (nuint)options.BlockCacheBytes);
        native.rocksdb_lru_cache_options_set_num_shard_bits(sizes, CachePartBits);
        var cache = native.rocksdb_cache_create_lru_opts(sizes);
        native.rocksdb_lru_cache_options_destroy(sizes);
        native.rocksdb_block_based_options_set_block_cache(tables.Handle, cache);
        native.rocksdb_cache_destroy(cache);   // the options hold it
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
            .SetWriteBufferSize((ulong)options.OwnWriteBufferBytes)
            .SetMaxWriteBufferNumber(2)
            .SetMaxOpenFiles(512)
            .SetMaxLogFileSize(1 << 20)
            .SetKeepLogFileNum(4);
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
