using System.Text.Json.Nodes;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>backup, restore, export, import: processes against a cluster of processes.</summary>
public sealed class BackupCommandTests(SharedCluster shared) : IClassFixture<SharedCluster>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-backup-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Everything_is_saved_restored_exported_and_imported()
    {
        for (var i = 0; i < 50; i++) Assert.True((await shared.Cluster.Client.PutAsync($"key {i}", $"välue {i}")).IsDone);
        var saved = await RunAsync(0, "backup", _folder, "--json");
        var summary = JsonNode.Parse(saved.Output)!;
        Assert.Equal(("done", 50), ((string?)summary["status"], (int)summary["keys"]!));
        var file = (string)summary["file"]!;
        Assert.Equal(file, Assert.Single(Directory.GetFiles(_folder)));
        Assert.Equal((await shared.Cluster.StatusAsync(0)).Cluster, ((string)summary["cluster"]!).TrimStart('0'));

        var full = await RunAsync(3, "restore", file);
        Assert.Contains("The cluster holds keys; nothing was written.", full.Errors, StringComparison.Ordinal);
        for (var i = 0; i < 50; i++) Assert.True((await shared.Cluster.Client.DeleteAsync($"key {i}")).IsDone);
        Assert.Contains("50 keys", (await RunAsync(0, "restore", file)).Output, StringComparison.Ordinal);
        Assert.Equal("välue 7", (await shared.Cluster.Client.GetAsync("key 7")).Result!.Text);
        await RunAsync(0, "restore", file, "--force");

        var lines = await RunAsync(0, "export", "-");
        Assert.Equal(50, lines.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("{\"key\":\"key 7\",\"value\":\"välue 7\",\"version\":\"1.", lines.Output, StringComparison.Ordinal);
        Assert.True((await shared.Cluster.Client.DeleteAsync("key 7")).IsDone);
        var imported = await RunAsync(0, lines.Output, ["import", "-"]);
        Assert.Contains("50 lines imported", imported.Output, StringComparison.Ordinal);
        Assert.Equal("välue 7", (await shared.Cluster.Client.GetAsync("key 7")).Result!.Text);
        var named = Path.Combine(_folder, "lines");
        await RunAsync(0, "export", named);
        Assert.Contains("can't be opened", (await RunAsync(2, "export", named)).Errors, StringComparison.Ordinal);
        await RunAsync(0, "import", named, "--json");
    }

    [Fact]
    public async Task What_can_t_be_used_ends_with_a_sentence_and_nothing_is_written()
    {
        var client = shared.Cluster.Client;
        Assert.True((await client.PutAsync("stays", "as it is")).IsDone);
        var file = Path.Combine(_folder, "b");
        await RunAsync(0, "backup", file);
        Assert.Contains("is there already", (await RunAsync(2, "backup", file)).Errors, StringComparison.Ordinal);
        Assert.Contains("can't be written", (await RunAsync(2, "backup", _folder + "/none/b")).Errors, StringComparison.Ordinal);
        Assert.True((await client.PutAsync("stays", "newer")).IsDone);

        var bytes = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, bytes[..^1]);
        Assert.Contains("is damaged, nothing of it is used. It ends after", (await RunAsync(2, "restore", file, "--force")).Errors, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, "something else");
        Assert.Contains("is no backup of Firecloud", (await RunAsync(2, "restore", file, "--force")).Errors, StringComparison.Ordinal);
        Assert.Contains("can't be read", (await RunAsync(2, "restore", _folder + "/none", "--force")).Errors, StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, "{\"key\":\"stays\",\"value\":\"not this\"}\nnonsense\n");
        Assert.Contains("Line 2: It is not JSON", (await RunAsync(2, "import", file)).Errors, StringComparison.Ordinal);
        Assert.Equal("newer", (await client.GetAsync("stays")).Result!.Text);
        // What comes through a pipe can't be looked at twice.
        var piped = await RunAsync(4, "{\"key\":\"piped\",\"value\":\"v\"}\nnonsense\n", ["import", "-"]);
        Assert.Contains("Line 2: It is not JSON", piped.Errors, StringComparison.Ordinal);
        Assert.Contains("The lines before it were written.", piped.Errors, StringComparison.Ordinal);
        Assert.Equal("v", (await client.GetAsync("piped")).Result!.Text);
        foreach (var key in new[] { "stays", "piped" }) Assert.True((await client.DeleteAsync(key)).IsDone);
    }

    private Task<Finished> RunAsync(int exitCode, params string[] arguments) => RunAsync(exitCode, "", arguments);

    private async Task<Finished> RunAsync(int exitCode, string input, string[] arguments)
    {
        var info = Command.Host(arguments);
        info.Environment["FIRECLOUD_NODES"] = string.Join(' ', shared.Cluster.Addresses);
        var finished = await Command.RunAsync(info, input);
        Assert.True(finished.ExitCode == exitCode, $"{string.Join(' ', arguments)}: {finished}");
        return finished;
    }
}
