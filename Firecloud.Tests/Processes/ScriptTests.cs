using System.Diagnostics;
using System.Globalization;
using Firecloud.Tests.Cluster;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>The scripts, with ports, state folder and build of their own.</summary>
public sealed class ScriptTests : IAsyncLifetime
{
    // Stands for iptables: keeps its rules in a file, and knows -C, -A and -D as the real one does.
    private const string Iptables = """
        #!/usr/bin/env bash
        rule="${*:2}"
        case "$1" in
            -C) grep -qxF -- "$rule" "$RULES" ;;
            -A) echo "$rule" >> "$RULES" ;;
            -D) grep -qxF -- "$rule" "$RULES" && { grep -vxF -- "$rule" "$RULES" > "$RULES.new" || true; mv "$RULES.new" "$RULES"; } ;;
        esac
        """;

    private readonly string _state = Directory.CreateTempSubdirectory("firecloud-").FullName;
    private readonly string[] _servers = [.. TestCluster.FreePorts(4).Select(p => $"127.0.0.1:{p}")];

    private readonly int[] _respPorts = Resp.RespCluster.FreePorts(4);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await RunAsync("kill.sh", "-9");
        Directory.Delete(_state, recursive: true);
    }

    [Fact]
    public async Task Launch_put_get_kill()
    {
        var launch = await RunAsync("launch.sh");
        AssertSays(0, "4 servers answer", launch);
        Assert.Contains("scripts/firecloud put greeting hello", launch.Output, StringComparison.Ordinal);
        AssertSays(0, $"Server 3 ({_servers[3]}) runs already.", await RunAsync("launch.sh"));
        AssertSays(0, "done", await RunAsync("firecloud", "put", "greeting", "hello"));
        AssertSays(0, "hello", await RunAsync("firecloud", "get", "greeting", "--node", _servers[3]));
        AssertSays(1, "(absent)", await RunAsync("firecloud", "get", "nothing"));
        await using (var redis = await Resp.RespTestClient.ConnectAsync(_respPorts[2])) Assert.Equal("\"hello\"", await redis.AskAsync("GET", "greeting"));

        AssertSays(0, $"Server 2 ({_servers[2]}) has ended.", await RunAsync("kill.sh", "-9", "2"));
        AssertSays(0, $"Server 2 ({_servers[2]}) does not run.", await RunAsync("kill.sh", _servers[2]));
        AssertSays(0, $"n2 {_servers[2]}  1 vote  itself", await RunAsync("launch.sh", "2"));
        AssertSays(0, "hello", await RunAsync("firecloud", "get", "greeting"));

        var kill = await RunAsync("kill.sh");
        for (var i = 0; i < 4; i++) AssertSays(0, $"Server {i} ({_servers[i]}) has ended.", kill);
        Assert.Empty(Directory.GetFiles(_state, "*.pid"));
    }

    [Fact]
    public async Task What_can_t_work_is_said()
    {
        AssertSays(1, "There is no server 7. Say 0 to 3, or one of", await RunAsync("launch.sh", "7"));
        AssertSays(1, "There is no server x", await RunAsync("kill.sh", "x"));
        using var taken = new System.Net.Sockets.UdpClient(System.Net.IPEndPoint.Parse(_servers[1]));
        AssertSays(1, $"UDP {_servers[1]} is in use", await RunAsync("launch.sh"));
        Assert.Empty(Directory.GetFiles(_state, "*.pid"));

        // Another process has got the id of a node that is gone.
        var own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(Path.Combine(_state, "node-0.pid"), own);
        AssertSays(0, $"Server 0 ({_servers[0]}) does not run.", await RunAsync("kill.sh", "-9", "0"));
    }

    [Fact]
    public async Task Partition_drops_what_the_two_send_each_other()
    {
        var rules = Path.Combine(_state, "rules");
        await File.WriteAllTextAsync(rules, "");
        foreach (var (name, text) in new[] { ("iptables", Iptables), ("id", "#!/usr/bin/env bash\necho 0\n") })
        {
            var tool = Path.Combine(_state, name);
            await File.WriteAllTextAsync(tool, text.ReplaceLineEndings("\n"));
            await Command.RunAsync(Command.Program("chmod", "+x", tool));
        }
        AssertSays(0, $"{_servers[0]} and {_servers[3]} are cut off from each other", await RunAsync("partition.sh", "-A", "0", _servers[3]));
        var (left, right) = (_servers[0].Split(':')[1], _servers[3].Split(':')[1]);
        Assert.Equal(
            [
                $"INPUT -p udp -s 127.0.0.1 --sport {left} -d 127.0.0.1 --dport {right} -j DROP",
                $"INPUT -p udp -s 127.0.0.1 --sport {right} -d 127.0.0.1 --dport {left} -j DROP",
            ],
            await File.ReadAllLinesAsync(rules));
        AssertSays(0, "is cut already", await RunAsync("partition.sh", "-A", "3", "0"));
        AssertSays(0, "reach each other again", await RunAsync("partition.sh", "-D", "0", "3"));
        Assert.Empty(await File.ReadAllLinesAsync(rules));
        AssertSays(1, $"{_servers[0]} → {_servers[3]} is not cut", await RunAsync("partition.sh", "-D", "0", "3"));
        AssertSays(1, "SERVER1 and SERVER2 are the same", await RunAsync("partition.sh", "-A", "1", "1"));
        AssertSays(1, "Say partition.sh -A", await RunAsync("partition.sh", "0", "1"));
    }

    private static void AssertSays(int exitCode, string text, Finished finished)
    {
        Assert.True(finished.ExitCode == exitCode, $"{finished}");
        Assert.Contains(text, finished.Output + finished.Errors, StringComparison.Ordinal);
    }

    private Task<Finished> RunAsync(string script, params string[] arguments)
    {
        var info = Command.Program("bash", [Path.Combine(Command.Root, "scripts", script), .. arguments]);
        Set(info, "FIRECLOUD_SERVERS", string.Join(' ', _servers));
        Set(info, "FIRECLOUD_RESP_PORTS", string.Join(' ', _respPorts));
        Set(info, "FIRECLOUD_STATE", _state);
        Set(info, "FIRECLOUD_DLL", Command.HostDll);
        Set(info, "RULES", Path.Combine(_state, "rules"));
        Set(info, "PATH", $"{_state}:{Environment.GetEnvironmentVariable("PATH")}");
        foreach (var other in new[] { "FIRECLOUD_VOTES", "FIRECLOUD_SETTINGS", "FIRECLOUD_NODES", "FIRECLOUD_HERE" }) info.Environment.Remove(other);
        return Command.RunAsync(info);
    }

    private static void Set(ProcessStartInfo info, string name, string value) => info.Environment[name] = value;
}
