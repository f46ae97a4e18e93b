using System.Diagnostics;
using System.Threading.Channels;
using Firecloud.Actors.Protocol;

namespace Firecloud.Client.Backup;

/// <summary>Puts many keys, some at a time; of one key in the order given. What can't be done at once is tried again.</summary>
internal sealed class PutPipeline : IAsyncDisposable
{
    private const int MostLanes = 128;
    private const int MostBytes = 32 << 20;   // under way at one time
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly FirecloudClient _client;
    private readonly Channel<BackupRecord>[] _lanes;
    private readonly Task[] _workers;
    private readonly CancellationTokenSource _stop;
    private Exception? _failure;
    private long _done;
    private long _bytes;

    /// <summary>Starts it.</summary>
    /// <param name="client">A client of the cluster.</param>
    /// <param name="longest">Bytes of the longest value to come.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public PutPipeline(FirecloudClient client, int longest, CancellationToken cancellationToken)
    {
        _client = client;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lanes = Math.Clamp(MostBytes / Math.Max(1, longest), 4, MostLanes);
        _lanes = [.. Enumerable.Range(0, lanes).Select(_ => Channel.CreateBounded<BackupRecord>(1))];
        _workers = [.. _lanes.Select(WorkAsync)];
    }

    /// <summary>How long one put is tried again.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Puts that are done.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>Bytes of their keys and values.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes a put, when there is room for it.</summary>
    public async ValueTask AddAsync(BackupRecord record)
    {
        var lane = _lanes[(new Key(record.Key).GetHashCode() & int.MaxValue) % _lanes.Length];
        try
        {
            await lane.Writer.WriteAsync(record, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_failure is not null)
        {
            throw _failure;
        }
    }

    /// <summary>Waits until every put is done.</summary>
    public async Task CompleteAsync()
    {
        foreach (var lane in _lanes) lane.Writer.Complete();
        await Task.WhenAll(_workers).ConfigureAwait(false);
        if (_failure is not null) throw _failure;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WorkAsync(Channel<BackupRecord> lane)
    {
        try
        {
            await foreach (var record in lane.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                await PutAsync(record).ConfigureAwait(false);
                Interlocked.Increment(ref _done);
                Interlocked.Add(ref _bytes, record.Key.Length + record.Value.Length);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            await _stop.CancelAsync().ConfigureAwait(false);
        }
    }

    // Doing it twice does no harm: nobody else writes what is restored, and an import's last line of a key wins in any case.
    private async Task PutAsync(BackupRecord record)
    {
        var clock = Stopwatch.StartNew();
        var put = Operation.Put(record.Value) with { ExpiresAt = record.ExpiresAt };
        while (true)
        {
            var result = await _client.RunAsync(record.Key, put, OneTry, _stop.Token).ConfigureAwait(false);
            if (result.Kind == ResultKind.Done) return;
            _stop.Token.ThrowIfCancellationRequested();
            if (result.Reason == RefusalReason.BadRequest || clock.Elapsed > Patience)
            {
                throw new FirecloudException($"The key {Text(record.Key)} could not be written: {result.Message}", mayHaveHappened: true);
            }
            await Task.Delay(Pause, _stop.Token).ConfigureAwait(false);
        }
    }

    private static string Text(byte[] key) =>
        System.Text.Unicode.Utf8.IsValid(key) ? $"\"{System.Text.Encoding.UTF8.GetString(key)}\"" : Convert.ToHexString(key);
}
