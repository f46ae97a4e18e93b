// ScanReader.cs - drives a Scan: asks every member for page after page, and gets what the pages leave open.
//
// MEMORY   two pages per member, and MaxGets values.
// FAILURE  a member that does not answer is left out while the others are a quorum, and asked again when they are not.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Client.Backup;

/// <summary>Reads every key of a running cluster, each as it was at some moment meanwhile.</summary>
/// <param name="client">A client of the cluster.</param>
/// <param name="cluster">The cluster.</param>
/// <param name="withValues">False: versions are enough.</param>
internal sealed class ScanReader(FirecloudClient client, ClusterView cluster, bool withValues)
{
    private const int Batch = 256;
    private const int MaxGets = 64;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly Scan _scan = new(cluster.Configuration);
    private readonly Codec _codec = new(cluster.Configuration.Members.Count, cluster.Configuration.Shards);
    private readonly Task<(ScanAnswer? Page, string? Why)>?[] _asked = new Task<(ScanAnswer?, string?)>?[cluster.Configuration.Members.Count];
    private readonly string?[] _silent = new string?[cluster.Configuration.Members.Count];
    private readonly List<Task<BackupRecord?>> _gets = [];
    private ulong _nonce;
    private int _valuesFrom = -1;
    private Ballot _highestGot;

    /// <summary>How long it waits for a quorum that is lost.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The cluster's id; 0 before the first page came.</summary>
    public ulong ClusterId { get; private set; }

    /// <summary>The part that is done, from 0 to 1.</summary>
    public double Fraction => _scan.Fraction;

    /// <summary>Keys that the pages left open.</summary>
    public long Got { get; private set; }

    /// <summary>At the end: no version of a write that was done before the scan began, or that it found, has a higher ballot.</summary>
    public Ballot Highest => _scan.Promised >= _highestGot ? _scan.Promised : _highestGot;

    /// <summary>Every key that is there, in no particular order. To be called once.</summary>
    /// <exception cref="FirecloudException">Too few members answer.</exception>
    public async IAsyncEnumerable<BackupRecord> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lastPage = Stopwatch.StartNew();
        JoinAll();
        try
        {
            while (!_scan.IsDone)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var keys = _scan.Take(Batch);
                foreach (var record in Sort(keys, stop.Token)) yield return record;
                while (_gets.Count >= MaxGets || (_gets.Count > 0 && _gets[0].IsCompleted))
                {
                    if (await NextGetAsync().ConfigureAwait(false) is { } record) yield return record;
                }
                AskAll(stop.Token);
                if (await TakePagesAsync(keys.Count < Batch, cancellationToken).ConfigureAwait(false)) lastPage.Restart();
                if (!_scan.HasQuorum) await WaitForQuorumAsync(lastPage, cancellationToken).ConfigureAwait(false);
            }
            while (_gets.Count > 0)
            {
                if (await NextGetAsync().ConfigureAwait(false) is { } record) yield return record;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private void JoinAll()
    {
        for (var member = 0; member < _asked.Length; member++)
        {
            if ((_scan.Members >> member & 1) == 0) _scan.Join(member);
        }
    }

    // Values travel from one member; the others only say which versions they hold.
    private List<BackupRecord> Sort(IReadOnlyList<ScannedKey> keys, CancellationToken stop)
    {
        var records = new List<BackupRecord>(keys.Count);
        var without = 0;
        foreach (var key in keys)
        {
            // Firecloud's own keys belong to the cluster, not to its data.
            if (ReservedKeys.Contains(key.Key)) continue;
            if (key.IsDecided && (key.Value is not null || !withValues))
            {
                records.Add(new BackupRecord(key.Key.Bytes, key.Value ?? [], key.Version, key.ExpiresAt));
                continue;
            }
            without += key.IsDecided ? 1 : 0;
            Got++;
            _gets.Add(GetAsync(key, stop));
        }
        // It lags behind: another one has more of what is asked for.
        if (without > Batch / 2) _valuesFrom = -1 - _valuesFrom;
        return records;
    }

    private void AskAll(CancellationToken stop)
    {
        if (withValues && (_valuesFrom < 0 || (_scan.Members >> _valuesFrom & 1) == 0)) _valuesFrom = NextWithValues();
        for (var member = 0; member < _asked.Length; member++)
        {
            if (_asked[member] is not null || !_scan.Wants(member)) continue;
            _asked[member] = PageAsync(member, new ScanQuestion(
                cluster.Configuration.Epoch, ++_nonce, _scan.Next(member), withValues && member == _valuesFrom), stop);
        }
    }

    // Round robin, the master last: it has the votes' work already.
    private int NextWithValues()
    {
        var last = _valuesFrom < 0 ? -1 - _valuesFrom : _valuesFrom;
        var count = _asked.Length;
        return Enumerable.Range(1, count).Select(step => (last + step) % count)
            .Where(m => (_scan.Members >> m & 1) != 0)
            .OrderBy(m => m == cluster.Configuration.Votes.Master)
            .FirstOrDefault(-1);
    }

    /// <returns>True when a page was added.</returns>
    private async Task<bool> TakePagesAsync(bool wait, CancellationToken cancellationToken)
    {
        var underWay = _asked.OfType<Task>().ToArray();
        if (wait && underWay.Length > 0) await Task.WhenAny(underWay).WaitAsync(cancellationToken).ConfigureAwait(false);
        var added = false;
        for (var member = 0; member < _asked.Length; member++)
        {
            if (_asked[member] is not { IsCompleted: true } task) continue;
            _asked[member] = null;
            var (page, why) = await task.ConfigureAwait(false);
            if (page is not null && page.From == member && _scan.Add(page))
            {
                added = true;
                continue;
            }
            _silent[member] = why ?? $"{cluster.Configuration.Members[member]} sent a page that can't be; is it of another version?";
            _scan.Leave(member);
        }
        return added;
    }

    private async Task WaitForQuorumAsync(Stopwatch lastPage, CancellationToken cancellationToken)
    {
        var votes = cluster.Configuration.Votes;
        if (lastPage.Elapsed > Patience)
        {
            var missing = Enumerable.Range(0, votes.Members).Where(m => (_scan.Members >> m & 1) == 0).Select(m => _silent[m]);
            throw new FirecloudException(
                $"Members with {votes.Of(_scan.Members)} of {votes.Quorum} votes needed can be read. {string.Join(" ", missing)}");
        }
        await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        JoinAll();
    }

    private async Task<(ScanAnswer? Page, string? Why)> PageAsync(int member, ScanQuestion question, CancellationToken stop)
    {
        try
        {
            var node = cluster.Configuration.Members[member].ToString();
            var frame = await client.AskFrameAsync(node, FirecloudNode.ScansName, question, AnswerTime, stop).ConfigureAwait(false);
            var answer = _codec.Decode(frame.Bytes);
            if (answer is AdminReply { Done: false } no) return (null, no.Message);
            var why = IsOfCluster(node, Codec.ClusterOf(frame.Bytes));
            return (why is null && answer is ScanAnswer page && page.Nonce == question.Nonce ? page : null, why);
        }
        catch (Exception e) when (e is FirecloudException or WireFormatException or OperationCanceledException)
        {
            return (null, e.Message);
        }
    }

    private string? IsOfCluster(string node, ulong cluster)
    {
        lock (_codec)
        {
            if (ClusterId == 0) ClusterId = cluster;
            return cluster == ClusterId && cluster != 0 ? null : $"{node} belongs to another cluster ({cluster:x}, not {ClusterId:x}).";
        }
    }

    private async Task<BackupRecord?> NextGetAsync()
    {
        var done = await Task.WhenAny(_gets).ConfigureAwait(false);
        _gets.Remove(done);
        var record = await done.ConfigureAwait(false);
        if (record is not null && record.Version.Ballot > _highestGot) _highestGot = record.Version.Ballot;
        return record;
    }

    private async Task<BackupRecord?> GetAsync(ScannedKey key, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var got = await client.RunAsync(key.Key.Bytes, Operation.Get with { ReturnsExpiry = true }, AnswerTime, stop).ConfigureAwait(false);
            if (got.Kind == ResultKind.Done)
            {
                return got.Value is null ? null : new BackupRecord(key.Key.Bytes, got.Value, got.Version, got.ExpiresAt);
            }
            stop.ThrowIfCancellationRequested();
            if (clock.Elapsed > Patience) throw new FirecloudException($"A key could not be read: {got.Message}");
            await Task.Delay(Pause, stop).ConfigureAwait(false);
        }
    }
}
