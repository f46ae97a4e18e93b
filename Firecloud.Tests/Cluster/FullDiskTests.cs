using Firecloud.Actors.Protocol;
using Firecloud.Tests.Storage;
using Xunit;

namespace Firecloud.Tests.Cluster;

/// <summary>Nodes whose small disk is filled by another program.</summary>
public class FullDiskTests
{
    private const string Small = """
        firecloud.storage {
          write-buffer = 1 MiB
          reserve = 6 MiB
        }
        """;

    [SmallDiskFact]
    public async Task New_values_are_refused_with_the_reason_until_there_is_room_and_gets_and_deletes_go_on()
    {
        var root = Directory.CreateTempSubdirectory("firecloud-").FullName;
        var disks = Enumerable.Range(0, 4).Select(i => new SmallDisk(48, Path.Combine(root, $"node-{i}"))).ToArray();
        try
        {
            await FillAndFreeAsync(disks, root);
        }
        finally
        {
            foreach (var disk in disks) disk.Dispose();
            Directory.Delete(root);
        }
    }

    private static async Task FillAndFreeAsync(SmallDisk[] disks, string root)
    {
        await using var cluster = await TestCluster.StartAsync(folder: root, settings: Small);
        for (var i = 0; i < 100; i++) Assert.Equal(ResultKind.Done, (await cluster.PutAsync(i % 4, $"key-{i}", "value")).Kind);
        foreach (var disk in disks) disk.FillAllBut(256 << 10);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.Store!.Full && s.Members.All(m => m.Full));
        for (var node = 0; node < 4; node++)
        {
            var refused = await cluster.PutAsync(node, $"new-{node}", "value");
            Assert.Equal((ResultKind.Refused, RefusalReason.DiskFull), (refused.Kind, refused.Reason));
            Assert.Contains("Disks are full", refused.Message, StringComparison.Ordinal);
        }
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal("value"u8.ToArray(), (await cluster.GetAsync(i % 4, $"key-{i}")).Value);
            if (i % 2 == 0) Assert.Equal(ResultKind.Done, (await cluster.RunAsync(i % 4, $"key-{i}", Operation.Delete())).Kind);
        }
        foreach (var disk in disks) disk.FillAllBut(-1);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => !s.Store!.Full && s.Members.All(m => !m.Full));
        for (var node = 0; node < 4; node++) Assert.Equal(ResultKind.Done, (await cluster.PutAsync(node, $"new-{node}", "value")).Kind);
        for (var i = 0; i < 100; i++) Assert.Equal(i % 2 == 1, (await cluster.GetAsync(i % 4, $"key-{i}")).Value is not null);
    }

    [SmallDiskFact]
    public async Task One_full_disk_holds_nobody_up_and_catches_up_when_it_has_room()
    {
        using var disk = new SmallDisk(48);
        await using var cluster = await TestCluster.StartAsync(onDisk: true, settings: Small);
        await cluster.CrashAsync(2);
        cluster.StartNode(2, $"firecloud.storage.folder = \"{disk.Folder}\"");   // a new, empty and small one: it recovers
        await cluster.UntilAsync(2, s => s.State == "voting");
        disk.FillAllBut(256 << 10);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.Members[2].Full);
        for (var i = 0; i < 300; i++) Assert.Equal(ResultKind.Done, (await cluster.PutAsync(i % 4, $"key-{i}", new string('v', 1000))).Kind);
        Assert.Equal(0, (await cluster.Node(2).StatusAsync(TimeSpan.FromSeconds(5))).Counters["keys"]);
        Assert.Equal(1000, (await cluster.GetAsync(2, "key-7")).Value!.Length);
        disk.FillAllBut(-1);
        await cluster.UntilAsync(2, s => !s.Store!.Full && s.Counters["keys"] == 300);
        await cluster.CrashAsync(2);
    }
}
