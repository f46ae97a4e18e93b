using Firecloud.Actors.Transport;
using Firecloud.Tests.Cluster;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>Secrets from files and from the environment, with processes as operators run them.</summary>
public sealed class SecretTests : IAsyncLifetime
{
    private const string Members = "a secret of the members only";

    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-").FullName;
    private readonly List<NodeProcess> _nodes = [];
    private string[] _addresses = [];

    private string MembersFile => Path.Combine(_folder, "members");

    private string ClientsFile => Path.Combine(_folder, "clients");

    // One node has the file from its arguments, the other one from its environment.
    public async Task InitializeAsync()
    {
        _addresses = [.. TestCluster.FreePorts(2).Select(p => $"127.0.0.1:{p}")];
        await File.WriteAllTextAsync(MembersFile, $"{Members}\n");
        for (var i = 0; i < 2; i++)
        {
            await File.WriteAllTextAsync(ConfigFile(i), $$"""
                firecloud {
                  node = {{i}}
                  members = [{{string.Join(", ", _addresses.Select(a => $"\"{a}\""))}}]
                  votes = [1, 1]
                }
                """);
        }
        _nodes.Add(NodeProcess.Start("--config", ConfigFile(0), "--secret-file", MembersFile));
        _nodes.Add(NodeProcess.Start(WithSecret(MembersFile, "--config", ConfigFile(1))));
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Nodes_and_clients_with_the_secret_work_together_and_others_are_refused()
    {
        var printed = await Command.RunAsync(Command.Host("client-secret", "--secret-file", MembersFile));
        Assert.True(printed is { ExitCode: 0, Errors: "" }, $"{printed}");
        Assert.Equal(Secrets.ForClients(Members), printed.Output.TrimEnd('\n'));
        Assert.Equal(printed, await Command.RunAsync(WithSecret(MembersFile, "client-secret")));
        await File.WriteAllTextAsync(ClientsFile, printed.Output);

        // The first put waits until the two have founded their cluster, which they can't without a common secret.
        var put = await PutUntilDoneAsync();
        Assert.True(put is { ExitCode: 0, Output: "done\n" }, $"{put}\n{Logs}");
        var get = await Command.RunAsync(WithSecret(ClientsFile, "get", "k", "--node", _addresses[1]));
        Assert.True(get is { ExitCode: 0, Output: "v\n" }, $"{get}\n{Logs}");

        var orders = await Command.RunAsync(Command.Host("bootstrap", "--node", _addresses[0], "--secret-file", ClientsFile));
        Assert.Contains("Orders need the members' secret", $"{orders}", StringComparison.Ordinal);
        Assert.NotEqual(0, orders.ExitCode);
        await File.WriteAllTextAsync(Path.Combine(_folder, "other"), "a secret of nobody here");
        foreach (var arguments in new string[][] { [], ["--secret-file", Path.Combine(_folder, "other")] })
        {
            var refused = await Command.RunAsync(Command.Host(["put", "k", "w", "--node", _addresses[0], "--timeout", "1000", .. arguments]));
            Assert.True(refused is { ExitCode: 3, Output: "" }, $"{refused}");
        }
        Assert.Equal("v\n", (await Command.RunAsync(WithSecret(ClientsFile, "get", "k", "--node", _addresses[0]))).Output);
        Assert.All(_nodes, node => Assert.DoesNotContain(Members, node.Log, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_secret_that_can_not_be_read_is_said_with_its_file()
    {
        var nowhere = Path.Combine(_folder, "nowhere");
        foreach (var info in new[]
        {
            Command.Host("--config", ConfigFile(0), "--secret-file", nowhere), WithSecret(nowhere, "--config", ConfigFile(0)),
            Command.Host("client-secret", "--secret-file", nowhere), WithSecret(nowhere, "client-secret"),
        })
        {
            var bad = await Command.RunAsync(info);
            Assert.True(bad.ExitCode == 2 && bad.Errors.Contains($"the file {nowhere} can't be read", StringComparison.Ordinal), $"{bad}");
        }
        var none = await Command.RunAsync(Command.Host("client-secret"));
        Assert.True(none.ExitCode == 2 && none.Errors.Contains("--secret-file FILE", StringComparison.Ordinal), $"{none}");
    }

    private string Logs => string.Join("\n---\n", _nodes.Select(n => n.Log));

    private async Task<Finished> PutUntilDoneAsync()
    {
        Finished put;
        var end = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        do put = await Command.RunAsync(Command.Host("put", "k", "v", "--node", _addresses[0], "--secret-file", ClientsFile));
        while (put.ExitCode != 0 && DateTime.UtcNow < end);
        return put;
    }

    private string ConfigFile(int node) => Path.Combine(_folder, $"node-{node}.conf");

    private static System.Diagnostics.ProcessStartInfo WithSecret(string file, params string[] arguments)
    {
        var info = Command.Host(arguments);
        info.Environment["FIRECLOUD_SECRET_FILE"] = file;
        return info;
    }
}
