// BackupClusterTests.cs - backup and restore of running clusters: four nodes each, over the UDP transport.
using System.Text;
using Firecloud.Client;
using Firecloud.Client.Backup;
using Firecloud.Tests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Backup;

public sealed class BackupClusterTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-backup-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Backups_under_load_are_for_each_key_a_get_of_that_time_and_a_restored_cluster_goes_on_above_its_versions(
        bool nodeFails, bool onDisk)
    {
        const int keys = 400;
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        BackupSummary summary = null!;
        Dictionary<string, BackupRecord> saved = [];
        await using (var cluster = await TestCluster.StartAsync(settings: "firecloud.coordinator.drop-after = 100 ms", onDisk: onDisk))
        {
            await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[1]}");
            var load = new WriteLoad(client, keys, seed);
            var verdict = await load.RunAsync(async () =>
            {
                for (var i = 0; i < 5; i++)
                {
                    // The checker takes each key's record in the file for a get that was under way for as long as the backup.
                    var gets = load.CallGets();
                    var backup = FirecloudBackup.BackupAsync(client, Path.Combine(_folder, $"{i}"));
                    if (nodeFails && i == 2) await cluster.CrashAsync(3);
                    summary = await backup;
                    saved = Read(summary.File);
                    load.ReturnGets(gets, saved);
                }
            });
            output.WriteLine($"{load.Operations} writes; {summary.Records} keys in the file");
            Assert.True(verdict.IsOk, $"seed {seed}\n{verdict}");
        }
        var highest = saved.Values.Select(r => r.Version).Max();
        Assert.InRange(saved.Count, 1, keys);

        await using var second = await TestCluster.StartAsync();
        await using var restored = await FirecloudClient.ConnectAsync($"127.0.0.1:{second.Ports[2]}");
        Assert.Equal(summary, await FirecloudBackup.RestoreAsync(restored, summary.File) with { Header = summary.Header });
        for (var i = 0; i < keys; i++)
        {
            var entry = (await restored.GetAsync($"k{i}")).Result;
            Assert.Equal(saved.TryGetValue($"k{i}", out var r) ? Encoding.UTF8.GetString(r.Value) : null, entry?.Text);
            // Also of a key that the file does not have: a lock that was deleted before must not give an old fence again.
            Assert.True((await restored.PutAsync($"k{i}", "next")).Result.Ballot.Round > summary.HighestRound);
            Assert.True(entry is null || entry.Version > highest);
        }
        Assert.True((await restored.PutAsync("never seen", "v")).Result > highest);
    }

    [Fact]
    public async Task With_a_node_down_and_one_that_is_behind_everything_done_is_in_it_and_without_a_quorum_it_ends_with_a_sentence()
    {
        await using var cluster = await TestCluster.StartAsync(settings: "firecloud.coordinator.max-lingering = 0, firecloud.compare-interval = 1 h");
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[0]}");
        for (var i = 0; i < 300; i++) Assert.True((await client.PutAsync($"k{i}", $"v{i}")).IsDone);
        await cluster.CutAsync([3], [0, 1, 2]);
        await cluster.UntilAsync(0, s => !s.Members[3].Reachable);
        for (var i = 0; i < 100; i++) Assert.True((await client.DeleteAsync($"k{i}")).IsDone);
        for (var i = 100; i < 200; i++) Assert.True((await client.PutAsync($"k{i}", "new")).IsDone);
        await cluster.CutAsync([3], [0, 1, 2], heal: true);
        await cluster.CrashAsync(1);
        await cluster.UntilAsync(0, s => s.Members[3].Reachable && !s.Members[1].Reachable);

        var saved = Read((await FirecloudBackup.BackupAsync(client, _folder)).File);
        Assert.Equal(
            Enumerable.Range(100, 200).Select(i => i < 200 ? $"k{i}=new" : $"k{i}=v{i}"),
            saved.Select(s => $"{s.Key}={Encoding.UTF8.GetString(s.Value.Value)}").Order(StringComparer.Ordinal));

        await cluster.CrashAsync(0);
        await using var left = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[2]}");
        var view = await ClusterView.AskAsync(left, default);
        var scan = new ScanReader(left, view, withValues: true) { Patience = TimeSpan.FromSeconds(1) };
        var refused = await Assert.ThrowsAsync<FirecloudException>(async () =>
        {
            await foreach (var record in scan.ReadAsync(default)) Assert.Fail($"{record} without a quorum");
        });
        Assert.Contains("of 3 votes needed can be read", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Binary_empty_and_large_values_survive_and_a_cluster_that_holds_keys_or_can_t_is_left_alone()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[0]}");
        byte[] binary = [0xFF, 0, 10, 13];
        var large = new byte[1 << 20];
        new Random(1).NextBytes(large);
        Assert.True((await client.PutAsync(binary, binary)).IsDone);
        Assert.True((await client.PutAsync("empty", Array.Empty<byte>())).IsDone);
        for (var i = 0; i < 5; i++) Assert.True((await client.PutAsync($"large{i}", large)).IsDone);
        var told = new List<BackupProgress>();
        var summary = await FirecloudBackup.BackupAsync(client, Path.Combine(_folder, "b"), new Listener(told));
        Assert.Equal((7, 1 << 20), (summary.Records, summary.LongestValue));
        Assert.Equal(("backup", 1.0, 7), (told[^1].Step, told[^1].Fraction, told[^1].Records));

        var full = await Assert.ThrowsAsync<FirecloudException>(() => FirecloudBackup.RestoreAsync(client, summary.File));
        Assert.Contains("holds keys; nothing was written", full.Message, StringComparison.Ordinal);
        Assert.False(full.MayHaveHappened);
        await client.PutAsync("empty", "not any more");
        await client.PutAsync("other", "stays");
        await FirecloudBackup.RestoreAsync(client, summary.File, force: true);
        Assert.Equal("", (await client.GetAsync("empty")).Result!.Text);
        Assert.Equal("stays", (await client.GetAsync("other")).Result!.Text);

        await using var small = await TestCluster.StartAsync([1, 1, 1], "firecloud.limits.value = 1 KiB, firecloud.shards = 7");
        await using var local = FirecloudClient.For(small.System(0));   // a node's own client does it too
        var wrong = await Assert.ThrowsAsync<FirecloudException>(() => FirecloudBackup.RestoreAsync(local, summary.File));
        Assert.Contains("its longest value 1048576; the cluster allows 1024 and 1024", wrong.Message, StringComparison.Ordinal);
        Assert.Null((await local.GetAsync("empty")).Result);

        foreach (var i in Enumerable.Range(0, 5)) await client.DeleteAsync($"large{i}");
        var less = await FirecloudBackup.BackupAsync(client, Path.Combine(_folder, "less"));
        await FirecloudBackup.RestoreAsync(local, less.File);
        Assert.Equal(binary, (await local.GetAsync(binary)).Result!.Value.ToArray());
        Assert.True((await local.PutAsync("x", "y")).Result.Ballot.Round > less.HighestRound);
    }

    [Fact]
    public async Task A_cancelled_backup_leaves_no_file()
    {
        await using var cluster = await TestCluster.StartAsync([1, 1, 1]);
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[0]}");
        using var stop = new CancellationTokenSource();
        await client.PutAsync("k", "v");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FirecloudBackup.BackupAsync(client, _folder, null, stop.Token));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task Exported_lines_are_imported_and_the_last_line_of_a_key_counts()
    {
        await using var cluster = await TestCluster.StartAsync([1, 1, 1]);
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[0]}");
        for (var i = 0; i < 500; i++) Assert.True((await client.PutAsync($"k{i}", $"wörtlich {i}")).IsDone);
        Assert.True((await client.PutAsync(new byte[] { 0xFF }, new byte[] { 0xFE })).IsDone);
        using var lines = new MemoryStream();
        Assert.Equal(501, await FirecloudLines.ExportAsync(client, lines));
        Assert.Contains("{\"keyBase64\":\"/w==\",\"valueBase64\":\"/g==\",", Encoding.UTF8.GetString(lines.ToArray()), StringComparison.Ordinal);
        lines.Write("\n{\"key\":\"k7\",\"value\":\"last\"}\n{\"key\":\"k8\",\"value\":\"first\"}\n{\"key\":\"k8\",\"value\":\"last\"}"u8);
        for (var i = 0; i < 500; i++) await client.DeleteAsync($"k{i}");

        lines.Position = 0;
        Assert.Equal(504, await FirecloudLines.ImportAsync(client, lines));
        for (var i = 0; i < 500; i++) Assert.Equal(i is 7 or 8 ? "last" : $"wörtlich {i}", (await client.GetAsync($"k{i}")).Result!.Text);

        using var bad = new MemoryStream("{\"key\":\"a\",\"value\":\"b\"}\n\n{\"key\":\"\",\"value\":\"b\"}"u8.ToArray());
        var refused = await Assert.ThrowsAsync<ImportLineException>(() => FirecloudLines.ImportAsync(client, bad));
        Assert.Equal("Line 3: The key is empty; a key has at least one byte.", refused.Message);
        Assert.Null((await client.GetAsync("a")).Result);   // all of it is checked first
    }

    private static Dictionary<string, BackupRecord> Read(string file)
    {
        using var reader = new BackupReader(file);
        return reader.Records().ToDictionary(r => Encoding.UTF8.GetString(r.Key), StringComparer.Ordinal);
    }

    private sealed class Listener(List<BackupProgress> told) : IProgress<BackupProgress>
    {
        public void Report(BackupProgress value) => told.Add(value);
    }
}
