// RecoveryTests.cs - protocol.md section 7, the transfer of records: in chunks, several shards at one time, from servers that may be
// started again in the middle. What it must not forget under faults is simulated (Simulation/).
using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class RecoveryTests
{
    private const int Keys = 300;
    private const int ChunkSize = 400;

    private readonly Configuration _configuration = Make.Configuration();
    private readonly MemoryRecordStore[] _stores;
    private readonly StateServer[] _servers;
    private readonly MemoryRecordStore _lost;
    private readonly Recovery _recovery;

    public RecoveryTests()
    {
        _stores = [.. Enumerable.Range(0, 4).Select(_ => Filled(Enumerable.Range(0, Keys)))];
        _servers = [.. _stores.Select((s, i) => new StateServer(s, _configuration, i, ChunkSize))];
        _lost = new MemoryRecordStore(_configuration.Shards, 4);
        _recovery = new Recovery(_configuration, 3, nonce: 7, _lost);
    }

    [Fact]
    public void Everything_is_taken_and_some_shards_are_under_way_at_one_time()
    {
        var most = 0;
        Run(asked => most = Math.Max(most, asked.OfType<StateQuestion>().GroupBy(q => q.Shard).Count()));
        AssertWhole();
        Assert.InRange(most, Math.Min(2, _configuration.Shards), 16);
    }

    [Fact]
    public void A_server_that_is_started_again_in_the_middle_of_a_shard_begins_that_shard_anew()
    {
        var restarted = 0;
        Run(asked =>
        {
            if (restarted > 0 || !asked.OfType<StateQuestion>().Any(q => q.Position > 0)) return;
            restarted++;
            // The same records, from its disk; but its list of keys has another order.
            for (var i = 0; i < 3; i++) _servers[i] = new StateServer(Filled(Enumerable.Range(0, Keys).Reverse()), _configuration, i, ChunkSize);
        });
        Assert.Equal(1, restarted);
        AssertWhole();
    }

    [Fact]
    public void A_chunk_that_comes_late_or_twice_changes_nothing()
    {
        var late = new List<StateChunk>();
        Run(_ => { }, chunk =>
        {
            late.Add(chunk);
            _recovery.OnChunk(late[late.Count / 2]);
            _recovery.OnChunk(chunk);
        });
        AssertWhole();
    }

    private void Run(Action<IReadOnlyList<object>> asked, Action<StateChunk>? onChunk = null)
    {
        _recovery.Start(0);
        for (var guard = 0; !_recovery.IsDone; guard++)
        {
            Assert.True(guard < 10_000, "the recovery does not end");
            var questions = _recovery.Outbox.ToArray();
            _recovery.Outbox.Clear();
            asked([.. questions.Select(q => q.Message)]);
            foreach (var (member, message) in questions) Answer(_servers[member], message, onChunk ?? _recovery.OnChunk);
        }
    }

    private void Answer(StateServer server, object message, Action<StateChunk> onChunk)
    {
        if (message is LifeQuestion life) _recovery.OnAnswer(server.OnQuestion(life));
        else if (message is LifeAnnouncement announcement) _recovery.OnNoted(server.OnAnnouncement(announcement));
        else onChunk(server.OnQuestion((StateQuestion)message));
    }

    private void AssertWhole()
    {
        Assert.Equal(Keys, _lost.Count);
        for (var shard = 0; shard < _configuration.Shards; shard++)
        {
            for (var leaf = 0; leaf < HashTree.Leaves; leaf++) Assert.Equal(_stores[0].LeafHash(shard, leaf), _lost.LeafHash(shard, leaf));
            Assert.All(_lost.Keys(shard), key => Assert.False(_lost.Get(shard, key).Heard));
        }
    }

    private MemoryRecordStore Filled(IEnumerable<int> numbers)
    {
        var store = new MemoryRecordStore(_configuration.Shards, 4);
        foreach (var i in numbers)
        {
            var key = new Key(string.Create(CultureInfo.InvariantCulture, $"key-{i}"));
            store.Put(key.Shard(_configuration.Shards), key, new StoredRecord(Make.Written(Make.Version(1, (ulong)i + 1), "some value"), Heard: false));
        }
        return store;
    }
}
