// FirecloudBackup.cs - backup and restore of a running cluster. What they guarantee and why: docs/operations.md, Backup and restore.
using Firecloud.Actors.Protocol;

namespace Firecloud.Client.Backup;

/// <summary>Saves all keys of a running cluster to a file, and puts them into another one.</summary>
/// <remarks>
/// Nodes answer only clients that have the members' secret, where there is one. Clients go on reading and writing meanwhile.
/// </remarks>
public static class FirecloudBackup
{
    /// <summary>
    /// A restored cluster begins so many rounds above the backup's highest one. So it outranks whatever the old cluster gave away
    /// after the backup too, unless a shard changed hands more often than that.
    /// </summary>
    public const ulong RoundsPerRestore = 1 << 24;

    /// <summary>
    /// Saves all keys to a file. For each key the file has what a get of it would have returned at some moment between the call
    /// and its end: every write and every delete that was done before the call is in it. It is no picture of one moment over
    /// several keys.
    /// </summary>
    /// <param name="client">A client of the cluster.</param>
    /// <param name="target">A folder that exists: the file is named by cluster id and time; or a file that does not.</param>
    /// <param name="progress">Told about ten times per second.</param>
    /// <param name="cancellationToken">Gives up; no file is left.</param>
    /// <exception cref="BackupFileException">The file can't be written.</exception>
    /// <exception cref="FirecloudException">Too few members answer; no file is left.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<BackupSummary> BackupAsync(
        FirecloudClient client, string target, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var writer = new BackupWriter(target);
        var cluster = await ClusterView.AskAsync(client, cancellationToken).ConfigureAwait(false);
        var begun = Now();
        var scan = new ScanReader(client, cluster, withValues: true);
        var report = new Pace(progress);
        var hasBegun = false;
        await foreach (var record in scan.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!hasBegun) Begin();
            writer.Add(record);
            report.Say("backup", scan.Fraction, writer.Records, writer.Bytes);
        }
        if (!hasBegun) Begin();
        var summary = writer.Complete(Now(), scan.Highest);
        report.End("backup", writer.Records, writer.Bytes);
        return summary;

        // The cluster's id is known once a member has answered.
        void Begin()
        {
            hasBegun = true;
            var configuration = cluster.Configuration;
            var members = configuration.Members.Select((m, i) => (m.ToString(), configuration.Votes[i]));
            writer.Begin(new BackupHeader(scan.ClusterId, begun, configuration.Epoch, configuration.Shards, [.. members]));
        }
    }

    /// <summary>Reads a backup from its beginning to its end and checks every sum.</summary>
    /// <param name="file">The file.</param>
    /// <param name="progress">Told about ten times per second.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="BackupFileException">It can't be read, is no backup, is damaged or was cut short.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static BackupSummary Verify(string file, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var reader = new BackupReader(file);
        var report = new Pace(progress);
        var (records, bytes) = (0L, 0L);
        foreach (var record in reader.Records())
        {
            cancellationToken.ThrowIfCancellationRequested();
            records++;
            bytes += record.Key.Length + record.Value.Length;
            report.Say("check", reader.Fraction, records, bytes);
        }
        report.End("check", records, bytes);
        return reader.Summary!;
    }

    /// <summary>
    /// Writes all keys of a backup to a running cluster, by ordinary puts. The cluster may have other members, votes and shards.
    /// Every version that it gives from then on is above every version that the old cluster gave before the backup was begun.
    /// </summary>
    /// <param name="client">A client of the cluster.</param>
    /// <param name="file">The backup; it is checked before anything is written.</param>
    /// <param name="force">Also into a cluster that holds keys: those of the same name are overwritten, others stay.</param>
    /// <param name="progress">Told about ten times per second.</param>
    /// <param name="cancellationToken">Gives up; some keys may have been written.</param>
    /// <exception cref="BackupFileException">The file can't be used; nothing was written.</exception>
    /// <exception cref="FirecloudException">The cluster holds keys or can't hold these, or too few members answer;
    /// <see cref="FirecloudException.MayHaveHappened"/> tells whether some keys may have been written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<BackupSummary> RestoreAsync(
        FirecloudClient client, string file, bool force = false, IProgress<BackupProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var summary = Verify(file, progress, cancellationToken);
        var cluster = await ClusterView.AskAsync(client, cancellationToken).ConfigureAwait(false);
        Check(summary, cluster);
        var report = new Pace(progress);
        if (!force && await CountAsync(client, cluster, most: 1, cancellationToken).ConfigureAwait(false) > 0)
        {
            throw new FirecloudException("The cluster holds keys; nothing was written. Restore into an empty one, or say that it may overwrite (--force).");
        }
        await OutrankAsync(client, cluster, summary, cancellationToken).ConfigureAwait(false);
        using (var reader = new BackupReader(file))
        {
            var puts = new PutPipeline(client, summary.LongestValue, cancellationToken);
            await using var _ = puts.ConfigureAwait(false);
            foreach (var record in reader.Records())
            {
                await puts.AddAsync(record).ConfigureAwait(false);
                report.Say("restore", (double)puts.Done / Math.Max(1, summary.Records), puts.Done, puts.Bytes);
            }
            await puts.CompleteAsync().ConfigureAwait(false);
            report.End("restore", puts.Done, puts.Bytes);
        }
        var held = await CountAsync(client, cluster, long.MaxValue, cancellationToken).ConfigureAwait(false);
        return held >= summary.Records ? summary : throw new FirecloudException(
            $"{summary.Records} keys were written, but the cluster holds {held}. Somebody deletes keys meanwhile, or this is a bug: please report it.",
            mayHaveHappened: true);
    }

    // As the file has it.
    private static DateTimeOffset Now() => DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());

    private static void Check(BackupSummary summary, ClusterView cluster)
    {
        var limits = cluster.Limits;
        if (summary.LongestKey > limits.Key || summary.LongestValue > limits.Value)
        {
            throw new FirecloudException(
                $"The longest key of the backup has {summary.LongestKey} bytes, its longest value {summary.LongestValue}; the cluster allows "
                + $"{limits.Key} and {limits.Value} (firecloud.limits). Nothing was written; raise the limits on every node.");
        }
        if (summary.HighestEpoch > cluster.Configuration.Epoch)
        {
            throw new FirecloudException(
                $"The backup is of a cluster at epoch {summary.HighestEpoch} of its configuration, this one is at {cluster.Configuration.Epoch}: its versions "
                + "would be below the backup's. Nothing was written.");
        }
    }

    private static async Task<long> CountAsync(FirecloudClient client, ClusterView cluster, long most, CancellationToken cancellationToken)
    {
        var count = 0L;
        await foreach (var _ in new ScanReader(client, cluster, withValues: false).ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (++count >= most) break;
        }
        return count;
    }

    // Rule 2 of protocol.md, section 6: a version given to a request is above its floor. So this client's floors are raised; and a
    // key of every shard is deleted that nobody has, so that shards without any restored key give higher versions too.
    private static async Task OutrankAsync(FirecloudClient client, ClusterView cluster, BackupSummary summary, CancellationToken cancellationToken)
    {
        var configuration = cluster.Configuration;
        var round = summary.HighestEpoch == configuration.Epoch ? summary.HighestRound + RoundsPerRestore : RoundsPerRestore;
        if (round >= 1UL << 61) throw new FirecloudException($"The backup's highest round is {summary.HighestRound}; no honest node gets there. Nothing was written.");
        var nodeOfFloor = configuration.Preferred(0, configuration.Votes.AllMembers);
        await client.RaiseFloorsAsync(new Version(new Ballot(configuration.Epoch, round, nodeOfFloor, 1), 0), cancellationToken).ConfigureAwait(false);
        var options = new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(KeysOfEveryShard(configuration.Shards), options, async (key, stop) =>
        {
            for (var left = 6; ; left--)
            {
                var result = await client.RunAsync(key.Bytes, Operation.Delete(), TimeSpan.FromSeconds(10), stop).ConfigureAwait(false);
                if (result.Kind == ResultKind.Done) return;
                stop.ThrowIfCancellationRequested();
                if (left == 0) throw new FirecloudException($"No key of the backup was written: {result.Message}");
                await Task.Delay(200, stop).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    private static IEnumerable<Key> KeysOfEveryShard(int shards)
    {
        var name = $"firecloud restore {Guid.NewGuid():n} ";
        var left = Enumerable.Range(0, shards).ToHashSet();
        for (var i = 0; left.Count > 0; i++)
        {
            var key = new Key(name + i);
            if (left.Remove(key.Shard(shards))) yield return key;
        }
    }
}
