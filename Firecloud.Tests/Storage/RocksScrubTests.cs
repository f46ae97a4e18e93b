// RocksScrubTests.cs - damage is found though nobody asks for the key, at the pace that was set.
using System.Diagnostics;
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class RocksScrubTests : IDisposable
{
    private const int Keys = 3000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly StoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_whole_store_is_read_again_and_again()
    {
        await FillAsync();
        var store = _bench.Open(_bench.Options with { ScrubBytesPerSecond = 1L << 30 });
        var scrub = store.StartScrub(e => Assert.Fail(e.ToString()), TimeSpan.Zero)!;
        await UntilAsync(() => scrub.Rounds >= 3);
        Assert.True(scrub.BytesRead > 3L * Keys * 500, $"{scrub.BytesRead} bytes in {scrub.Rounds} rounds");
        store.Dispose();   // in the middle of a round
    }

    // Opening reads the other tables.
    [Theory, InlineData('R'), InlineData('T')]
    public async Task A_value_that_is_not_what_was_written_is_found(char table)
    {
        await FillAsync();
        _bench.Change(db =>
        {
            using var iterator = db.NewIterator();
            iterator.SeekForPrev([(byte)(table + 1)]);   // the last one
            var (key, value) = (iterator.Key(), iterator.Value());
            Assert.Equal((byte)table, key[0]);
            value[^1] ^= 1;
            db.Put(key, value);
        });
        await FoundAsync(_bench.Open(_bench.Options with { ScrubBytesPerSecond = 1L << 30 }), $"{(RocksTable)table} of shard");
    }

    [Fact]
    public async Task A_flipped_byte_of_a_table_file_is_found()
    {
        await FillAsync();
        _bench.Change(db => db.CompactRange((byte[]?)null, null));
        var file = _bench.Files("*.sst").MaxBy(f => new FileInfo(f).Length)!;
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
        await FoundAsync(_bench.Open(_bench.Options with { ScrubBytesPerSecond = 1L << 30 }), "checksum");
    }

    [Fact]
    public async Task It_keeps_to_its_pace()
    {
        await FillAsync();
        var store = _bench.Open(_bench.Options with { ScrubBytesPerSecond = 1 << 20 });
        var watch = Stopwatch.StartNew();
        var scrub = store.StartScrub(e => Assert.Fail(e.ToString()), roundPause: null)!;
        await UntilAsync(() => scrub.Rounds == 1);
        var slowest = (scrub.BytesRead - (512 << 10)) / (double)(1 << 20);   // the last step is not waited for
        Assert.True(watch.Elapsed.TotalSeconds > slowest, $"{scrub.BytesRead} bytes in {watch.Elapsed}");
        Assert.True(slowest > 0.5, $"{scrub.BytesRead} bytes say nothing of the pace");
    }

    [Fact]
    public void A_pace_of_0_turns_it_off() =>
        Assert.Null(_bench.Open(_bench.Options with { ScrubBytesPerSecond = 0 }).StartScrub(_ => { }, roundPause: null));

    private static async Task UntilAsync(Func<bool> done)
    {
        for (var watch = Stopwatch.StartNew(); !done(); await Task.Delay(10)) Assert.True(watch.Elapsed < Patience, "too late");
    }

    private static async Task FoundAsync(RocksRecordStore store, string word)
    {
        var found = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        store.StartScrub(found.SetResult);
        var damage = Assert.IsType<DamagedStoreException>(await found.Task.WaitAsync(Patience));
        Assert.Contains(word, damage.Message, StringComparison.Ordinal);
    }

    private async Task FillAsync()
    {
        using var store = _bench.Open();
        for (var i = 0; i < Keys; i++)
        {
            StoreBench.Put(store, StoreBench.KeyOf(i), StoreBench.Value((ulong)i + 1, i % 100 == 0 ? null : new string((char)('a' + i % 26), 500)));
        }
        store.SetPromised(0, Make.Ballot(1));
        await store.SyncAsync();
    }
}
