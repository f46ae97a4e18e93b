// RocksModelTests.cs - any sequence of writes, syncs, restarts and crashes leaves what the model has: SimStore, a journal in memory.
using Firecloud.Actors.Storage;
using Firecloud.Tests.Protocol;
using Firecloud.Tests.Simulation;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class RocksModelTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 16)];

    [Theory, MemberData(nameof(Seeds))]
    public async Task Any_sequence_leaves_what_the_model_has(int seed)
    {
        using var run = new Run(seed);
        for (var step = 0; step < 250; step++) await run.StepAsync();
        await run.EndAsync();
    }

    private sealed class Run(int seed) : IDisposable
    {
        private readonly Random _random = new(seed);
        private readonly StoreBench _bench = new() { LeafRows = seed % 2 == 0 ? 1 + seed % 5 : 4096, LeavesPerRow = seed % 4 == 0 ? 2 : 512 };
        private readonly SimStore _model = new(StoreBench.Shards, StoreBench.Members);
        private readonly SemaphoreSlim _disk = new(0);
        private RocksRecordStore? _store;
        private Task? _sync;
        private int _syncing;
        private ulong _version;

        public async Task StepAsync()
        {
            _store ??= Open();
            switch (_random.Next(40))
            {
                case 0: Begin(); break;
                case 1 or 2: await FinishAsync(); break;
                case 3: StoreBench.AssertSame(_model, _store); break;
                case 4: await ReopenAsync(); break;
                case 5: Crash(); break;
                case 6: Both(s => s.Lives = s.Lives.Raised(_version % 2 == 0 ? 1 : 2, (int)_version + 1)); _version++; break;
                case 7: Both(s => s.SetPromised(0, Make.Ballot(++_version))); break;
                case 8: Both(s => s.RaiseDropped(3, Make.Version(++_version, 1))); break;
                case < 14: Remove(); break;
                default: Put(); break;
            }
            Assert.Equal(_model.Count, _store.Count);
        }

        public async Task EndAsync()
        {
            await FinishAsync();
            StoreBench.AssertSame(_model, _store!);
            await ReopenAsync();
            StoreBench.AssertSame(_model, _store!);
        }

        public void Dispose()
        {
            _disk.Release(1000);
            _bench.Dispose();
            _disk.Dispose();
        }

        private RocksRecordStore Open()
        {
            var store = _bench.Open();
            store.BeforeWrite = _disk.Wait;
            return store;
        }

        private void Both(Action<IRecordStore> write)
        {
            var before = _version;
            write(_model);
            var after = _version;
            _version = before;   // the second run of the same write draws the same number
            write(_store!);
            _version = after;
        }

        private void Put()
        {
            var key = StoreBench.KeyOf(_random.Next(30));
            var stored = StoreBench.Any(_random, Make.Version(9, ++_version));
            Both(s => s.Put(StoreBench.ShardOf(key), key, stored));
        }

        private void Remove()
        {
            var tombstones = _model.Tombstones(int.MaxValue);
            if (tombstones.Count == 0) return;
            var (shard, key, _) = tombstones[_random.Next(tombstones.Count)];
            Both(s => s.Remove(shard, key));
        }

        // Held up at the disk until the sync is finished: what is read and written meanwhile must not notice.
        private void Begin()
        {
            if (_sync is not null) return;
            Assert.Equal(_model.IsDirty, _store!.IsDirty);
            if (!_store.IsDirty) return;
            _syncing = _model.Written;
            _sync = _store.SyncAsync().AsTask();
            Assert.False(_store.IsDirty);
        }

        private async Task FinishAsync()
        {
            if (_sync is null) Begin();
            if (_sync is null) return;
            _disk.Release();
            await _sync;
            _model.Synced(_syncing);
            _sync = null;
        }

        private async Task ReopenAsync()
        {
            await FinishAsync();
            await FinishAsync();
            _store!.Dispose();
            _store = Open();
            StoreBench.AssertSame(_model, _store);
        }

        private void Crash()
        {
            _bench.Crash();
            _model.Crash();
            if (_sync is not null) _disk.Release();
            _sync = null;
            _store!.Dispose();
            _store = Open();
            StoreBench.AssertSame(_model, _store);
        }
    }
}
