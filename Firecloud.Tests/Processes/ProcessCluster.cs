// ProcessCluster.cs - four nodes, each a process of Firecloud.Host, on ports that the system picked. Asked from outside: by the
// command line, by the client library from this process, and by text datagrams, which the node they reach runs itself.
using System.Net.Sockets;
using System.Text;
using Firecloud.Actors.Master;
using Firecloud.Client;
using Firecloud.Tests.Cluster;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>A cluster of processes.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static int _lastId;

    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-").FullName;
    private readonly NodeProcess?[] _nodes = new NodeProcess?[4];
    private FirecloudClient? _client;

    private ProcessCluster(bool onDisk = false, int[]? respPorts = null)
    {
        Ports = TestCluster.FreePorts(4);
        Addresses = [.. Ports.Select(p => $"127.0.0.1:{p}")];
        for (var i = 0; i < 4; i++)
        {
            File.WriteAllText(ConfigFile(i), $$"""
                firecloud {
                  node = {{i}}
                  members = [{{string.Join(", ", Addresses.Select(a => $"\"{a}\""))}}]
                  storage {
                    kind = {{(onDisk ? "disk" : "memory")}}
                    folder = "{{FolderOf(i)}}"
                    write-buffer = 1 MiB
                  }
                  resp.listen = "{{(respPorts is null ? "" : $"127.0.0.1:{respPorts[i]}")}}"
                }
                """);
        }
    }

    public int[] Ports { get; }

    public string[] Addresses { get; }

    public FirecloudClient Client => _client!;

    public IEnumerable<int> Up => Enumerable.Range(0, 4).Where(i => _nodes[i] is { IsRunning: true });

    /// <param name="onDisk">In folders that go with the cluster.</param>
    /// <param name="respPorts">TCP ports on which the nodes serve the Redis protocol; null: they don't.</param>
    public static Task<ProcessCluster> StartAsync(bool onDisk = false, int[]? respPorts = null) =>
        StartAsync(new ProcessCluster(onDisk, respPorts), (cluster, i) => ["--config", cluster.ConfigFile(i)]);

    /// <summary>Starts the nodes the original's way, with the addresses in a given order.</summary>
    /// <param name="order">Places of the addresses, which are sorted.</param>
    public static Task<ProcessCluster> StartOriginalAsync(params int[] order)
    {
        var cluster = new ProcessCluster();
        Array.Sort(cluster.Ports);
        var ports = order.Select(i => cluster.Ports[i]).ToArray();
        ports.CopyTo(cluster.Ports, 0);
        for (var i = 0; i < 4; i++) cluster.Addresses[i] = $"127.0.0.1:{ports[i]}";
        return StartAsync(cluster, (c, i) => [$"{i}", .. c.Addresses, "--data", c.FolderOf(i)]);
    }

    public NodeProcess Node(int node) => _nodes[node]!;

    /// <summary>Where a node keeps its records.</summary>
    public string FolderOf(int node) => Path.Combine(_folder, $"data-{node}");

    /// <summary>Kills a node and starts it again: what it kept in memory is gone.</summary>
    public async Task RestartAsync(int node)
    {
        await Node(node).DisposeAsync();
        Start(node);
    }

    /// <summary>Starts a node that was killed.</summary>
    public void Start(int node) => _nodes[node] = NodeProcess.Start("--config", ConfigFile(node));

    /// <summary>Kills all nodes, as near to one moment as a loop gets.</summary>
    public Task KillAllAsync() => Task.WhenAll(_nodes.Select(n => n!.KillAsync()));

    /// <summary>One client command against this cluster.</summary>
    public Task<Finished> RunAsync(params string[] arguments)
    {
        var info = Command.Host(arguments);
        info.Environment["FIRECLOUD_NODES"] = string.Join(' ', Addresses);
        return Command.RunAsync(info);
    }

    public Task<NodeStatus> StatusAsync(int node) => Client.StatusAsync(Addresses[node], TimeSpan.FromSeconds(5));

    public async Task UntilAsync(int node, Func<NodeStatus, bool> condition)
    {
        var end = DateTime.UtcNow + Patience;
        var last = "";
        while (DateTime.UtcNow < end)
        {
            Assert.True(Node(node).IsRunning, $"Node {node} has ended:\n{Node(node).Log}");
            try
            {
                var status = await Client.StatusAsync(Addresses[node], TimeSpan.FromSeconds(1));
                if (condition(status)) return;
                last = Encoding.UTF8.GetString(status.ToJson());
            }
            catch (FirecloudException e)
            {
                last = e.Message;
            }
            await Task.Delay(20);
        }
        Assert.Fail($"Node {node} did not get there: {last}\n{string.Join('\n', _nodes.Select((n, i) => $"---- node {i}, running: {n!.IsRunning}\n{n.Log}"))}");
    }

    /// <summary>Waits until every live node sees these nodes silent.</summary>
    public async Task UntilSilentAsync(params int[] silent)
    {
        foreach (var node in Up.ToArray()) await UntilAsync(node, s => silent.All(i => !s.Members[i].Reachable));
    }

    /// <summary>Sends one text datagram to a node and waits for its answer; null when there is none in time.</summary>
    public async Task<string?> TextAsync(int node, byte[] text, int timeoutMs = 5000)
    {
        using var socket = new UdpClient(AddressFamily.InterNetwork);
        await socket.SendAsync(text, "127.0.0.1", Ports[node]);
        using var late = new CancellationTokenSource(timeoutMs);
        try
        {
            return Encoding.UTF8.GetString((await socket.ReceiveAsync(late.Token)).Buffer);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>PUT at one node, of which nothing else is known; fails the test when it is not done.</summary>
    public async Task PutAtAsync(int node, string key, string value)
    {
        var id = Interlocked.Increment(ref _lastId);
        Assert.StartsWith($"OK [{id}] [", await TextAsync(node, Encoding.UTF8.GetBytes($"PUT [{key}] [{value}] [{id}]")), StringComparison.Ordinal);
    }

    /// <summary>GET at one node.</summary>
    public async Task AssertAtAsync(int node, string key, string value)
    {
        var id = Interlocked.Increment(ref _lastId);
        Assert.Equal($"OK [{id}] [{value}]", await TextAsync(node, Encoding.UTF8.GetBytes($"GET [{key}] [{id}]")));
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        foreach (var node in _nodes)
        {
            if (node is not null) await node.DisposeAsync();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<ProcessCluster> StartAsync(ProcessCluster cluster, Func<ProcessCluster, int, string[]> arguments)
    {
        try
        {
            for (var i = 0; i < 4; i++) cluster._nodes[i] = NodeProcess.Start(arguments(cluster, i));
            cluster._client = await FirecloudClient.ConnectAsync(cluster.Addresses, new FirecloudClientOptions { ConnectTimeout = Patience });
            for (var i = 0; i < 4; i++) await cluster.UntilAsync(i, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private string ConfigFile(int node) => Path.Combine(_folder, $"node-{node}.conf");
}

/// <summary>One cluster for the tests that leave it whole.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    private ProcessCluster? _cluster;

    internal ProcessCluster Cluster => _cluster!;

    public async Task InitializeAsync() => _cluster = await ProcessCluster.StartAsync();

    public async Task DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
    }
}
