// DamageTests.cs - a byte of a stopped node's files is changed, file after file: the node refuses to start with a sentence, or recovers
// from the others, or was not touched; a wrong value is never served, and never kept.
using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

public class DamageTests(ITestOutputHelper output)
{
    private const int Node = 3;
    private const int Keys = 200;

    [Fact]
    public async Task A_changed_byte_in_any_file_ends_in_repair_or_refusal()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var cluster = await TestCluster.StartAsync(onDisk: true);
        await FillAsync(cluster);
        await cluster.CrashAsync(Node);
        cluster.StartNode(Node);   // what was in the log is in a table now
        await VotesAsync(cluster);
        await cluster.CrashAsync(Node);
        var whole = cluster.FolderOf(Node) + ".whole";
        Copy(cluster.FolderOf(Node), whole);
        var (repaired, refused) = (0, 0);
        foreach (var name in Directory.GetFiles(whole).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal).ToArray())
        {
            // At the begin, at the end, and somewhere: what a byte means depends on where it is.
            var length = new FileInfo(Path.Combine(whole, name)).Length;
            foreach (var at in new[] { 0, length - 1, (long)(random.NextDouble() * length) }.Where(a => a >= 0 && a < length).Distinct())
            {
                Directory.Delete(cluster.FolderOf(Node), recursive: true);
                Copy(whole, cluster.FolderOf(Node));
                Flip(Path.Combine(cluster.FolderOf(Node), name), at);
                var end = await StartDamagedAsync(cluster);
                output.WriteLine($"{name}, byte {at} of {length}: {end}");
                if (end.StartsWith("recovered", StringComparison.Ordinal)) repaired++;
                if (end.StartsWith("refused", StringComparison.Ordinal)) refused++;
                AssertNothingWrong(cluster.FolderOf(Node));
            }
        }
        Assert.True(repaired > 5, $"repaired {repaired}, refused {refused}");
    }

    [Fact]
    public async Task Damage_that_a_running_node_meets_is_named_in_status_and_repaired_without_a_restart()
    {
        await using var cluster = await TestCluster.StartAsync(onDisk: true);
        await FillAsync(cluster);
        await cluster.CrashAsync(Node);
        cluster.StartNode(Node);
        await VotesAsync(cluster);
        await cluster.CrashAsync(Node);
        // The first block of the largest table: nothing reads it before somebody asks for one of its keys, or the scrub comes by.
        Flip(Directory.GetFiles(cluster.FolderOf(Node), "*.sst").MaxBy(f => new FileInfo(f).Length)!, 100);
        cluster.StartNode(Node);
        await cluster.UntilAsync(Node, s => s.State == "voting" && s.Store!.SetAside.Count == 1);
        await AssertAllAsync(cluster);
        var reason = Directory.GetFiles((await cluster.Node(Node).StatusAsync(TimeSpan.FromSeconds(5))).Store!.SetAside[0], "REASON");
        Assert.Contains(cluster.FolderOf(Node), File.ReadAllText(Assert.Single(reason)), StringComparison.Ordinal);
    }

    private static async Task<string> StartDamagedAsync(TestCluster cluster)
    {
        try
        {
            cluster.StartNode(Node);
        }
        catch (StoreRefusedException e)
        {
            await cluster.CrashAsync(Node);
            Assert.Contains(cluster.FolderOf(Node), e.Message, StringComparison.Ordinal);
            return $"refused: {e.Message}";
        }
        await VotesAsync(cluster);
        await AssertAllAsync(cluster);
        await VotesAsync(cluster);   // what the gets have met is repaired
        var aside = (await cluster.Node(Node).StatusAsync(TimeSpan.FromSeconds(5))).Store!.SetAside;
        await cluster.CrashAsync(Node);
        if (aside.Count == 0) return "nothing was lost";
        var reason = File.ReadAllText(Path.Combine(aside[0], "REASON"));
        foreach (var folder in aside) Directory.Delete(folder, recursive: true);
        return $"recovered: {reason}";
    }

    private static Task VotesAsync(TestCluster cluster) =>
        cluster.UntilAsync(Node, s => s.State == "voting" && s.Counters["keys"] >= Keys && s.Members.All(m => m is { Reachable: true, Voting: true }));

    private static async Task FillAsync(TestCluster cluster)
    {
        for (var i = 0; i < Keys; i++) Assert.Equal(ResultKind.Done, (await cluster.PutAsync(i % 4, KeyOf(i), ValueOf(i))).Kind);
    }

    private static async Task AssertAllAsync(TestCluster cluster)
    {
        for (var i = 0; i < Keys; i++)
        {
            var result = await cluster.GetAsync(Node, KeyOf(i));
            Assert.Equal((ResultKind.Done, ValueOf(i)), (result.Kind, System.Text.Encoding.UTF8.GetString(result.Value ?? [])));
        }
    }

    // Behind the cluster's back: what the node itself has kept is right, or is known to be damaged.
    private static void AssertNothingWrong(string folder)
    {
        try
        {
            using var store = new RocksRecordStore(new RocksStoreOptions
            {
                Folder = folder, Member = Node, Votes = [2, 1, 1, 1], Shards = 256, WriteBufferBytes = 4 << 20, ScrubBytesPerSecond = 0,
            });
            for (var i = 0; i < Keys; i++)
            {
                var key = new Key(KeyOf(i));
                var record = store.Get(key.Shard(256), key).Record;
                Assert.Equal(ValueOf(i), System.Text.Encoding.UTF8.GetString(record.Value!));
            }
        }
        catch (Exception e) when (e is StoreRefusedException or DamagedStoreException) { }   // found, and not served
    }

    private static string KeyOf(int i) => string.Create(CultureInfo.InvariantCulture, $"key-{i}");

    private static string ValueOf(int i) => string.Create(CultureInfo.InvariantCulture, $"value {i} {new string((char)('a' + i % 26), 50)}");

    private static void Flip(string file, long at)
    {
        using var bytes = File.Open(file, FileMode.Open, FileAccess.ReadWrite);
        bytes.Seek(at, SeekOrigin.Begin);
        var value = bytes.ReadByte();
        bytes.Seek(at, SeekOrigin.Begin);
        bytes.WriteByte((byte)(value ^ 0x20));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            if (Path.GetFileName(file) != "reserve") File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }
}
