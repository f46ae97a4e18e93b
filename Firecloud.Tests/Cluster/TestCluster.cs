// TestCluster.cs - several nodes in one process: an ActorSystem each, over the real UDP transport, on ports that the system
// picked. A crash closes the socket without a word, as a killed process would.
using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Master;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Cluster;

/// <summary>Nodes of one cluster in this process.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _host;
    private readonly string _settings;
    private readonly string? _folder;
    private bool _ownsFolder;
    private readonly ActorSystem?[] _systems;

    private TestCluster(int[] votes, string settings, string? folder, string host)
    {
        (_host, _folder) = (host, folder);
        var onDisk = folder is not null;
        Ports = FreePorts(votes.Length);
        _systems = new ActorSystem?[votes.Length];
        _settings = $$"""
            firecloud {
              members = [{{string.Join(", ", Ports.Select(p => $"\"{host}:{p}\""))}}]
              votes = [{{string.Join(", ", votes)}}]
              storage {
                kind = {{(onDisk ? "disk" : "memory")}}
                folder = "{{_folder}}/node-{node}/store"
                block-cache = 4 MiB
                write-buffer = 4 MiB
              }
            }
            akka.loglevel = ERROR
            akka.coordinated-shutdown {
              run-by-clr-shutdown-hook = off
              run-by-actor-system-terminate = off
              terminate-actor-system = off
            }
            {{settings}}
            """;
    }

    public int[] Ports { get; }

    public int Count => Ports.Length;

    /// <param name="votes">By member.</param>
    /// <param name="settings">More of them, in HOCON.</param>
    /// <param name="onDisk">In a folder that goes with the cluster.</param>
    /// <param name="folder">In this one, below node-0, node-1, …; it stays.</param>
    /// <param name="host">How the members are named.</param>
    public static async Task<TestCluster> StartAsync(
        int[]? votes = null, string settings = "", bool onDisk = false, string? folder = null, string host = "127.0.0.1")
    {
        if (onDisk) folder = Directory.CreateTempSubdirectory("firecloud-").FullName;
        var cluster = new TestCluster(votes ?? [2, 1, 1, 1], settings, folder, host) { _ownsFolder = onDisk };
        for (var i = 0; i < cluster.Count; i++) cluster.StartNode(i);
        for (var i = 0; i < cluster.Count; i++) await cluster.UntilAsync(i, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
        return cluster;
    }

    public FirecloudNode Node(int node) => FirecloudNode.Find(System(node))!;

    public ActorSystem System(int node) => _systems[node] ?? throw new InvalidOperationException($"Node {node} is down.");

    public bool IsUp(int node) => _systems[node] is not null;

    public IEnumerable<int> Up => Enumerable.Range(0, Count).Where(IsUp);

    /// <summary>Where a node keeps its records.</summary>
    public string FolderOf(int node) => Path.Combine(_folder!, $"node-{node}", "store");

    /// <summary>The disk of a node that is down is replaced by an empty one.</summary>
    public void Wipe(int node) => Directory.Delete(FolderOf(node), recursive: true);

    /// <param name="node">Which one.</param>
    /// <param name="changed">Settings that go before those of the cluster.</param>
    public FirecloudNode StartNode(int node, string changed = "")
    {
        var config = ConfigurationFactory.ParseString(_settings + $"\nfirecloud.node = {node}\n{changed}\n");
        var system = AkkaNoise.CreateSystem("firecloud", FirecloudNode.SystemConfig(config));
        _systems[node] = system;
        return FirecloudNode.Start(system);
    }

    /// <summary>As kill -9: nobody is told.</summary>
    public async Task CrashAsync(int node)
    {
        var system = System(node);
        _systems[node] = null;
        await UdpTransport.Manage(system, new Crash());
        await system.Terminate();
    }

    /// <summary>Cuts, or heals, every link between the two sides, in both directions.</summary>
    public async Task CutAsync(int[] left, int[] right, bool heal = false)
    {
        foreach (var (a, b) in left.SelectMany(l => right.Select(r => (l, r))))
        {
            await FaultAsync(a, b, heal ? null : LinkFault.Cut);
            await FaultAsync(b, a, heal ? null : LinkFault.Cut);
        }
    }

    public Task FaultAsync(int at, int peer, LinkFault? fault) =>
        UdpTransport.Manage(System(at), new SetLinkFault(AddressOf(peer), fault));

    /// <summary>Waits for a state of a node; with <paramref name="left"/>, what is left to do, for as long as it becomes less.</summary>
    public async Task UntilAsync(int node, Func<NodeStatus, bool> condition, Func<NodeStatus, long>? left = null)
    {
        var end = DateTime.UtcNow + Patience;
        var atLast = end + 4 * Patience;   // whatever becomes less
        var least = long.MaxValue;
        NodeStatus? last = null;
        while (DateTime.UtcNow < end && DateTime.UtcNow < atLast)
        {
            last = await Node(node).StatusAsync(TimeSpan.FromSeconds(5));
            if (condition(last)) return;
            if (left is not null && left(last) < least) (least, end) = (left(last), DateTime.UtcNow + Patience);
            await Task.Delay(20);
        }
        Assert.Fail($"Node {node} did not get there: {Encoding.UTF8.GetString(last!.ToJson())}");
    }

    /// <summary>Waits until every live node sees that these, and only these, are reachable.</summary>
    public async Task UntilSeenAsync(params int[] down)
    {
        foreach (var node in Up.ToArray())
        {
            await UntilAsync(node, s => down.All(d => d == node || !s.Members[d].Reachable));
        }
    }

    public Task<OperationResult> PutAsync(int node, string key, string value, int timeoutMs = 5000) =>
        RunAsync(node, key, Operation.Put(Encoding.UTF8.GetBytes(value)), timeoutMs);

    public Task<OperationResult> GetAsync(int node, string key, int timeoutMs = 5000) => RunAsync(node, key, Operation.Get, timeoutMs);

    public Task<OperationResult> RunAsync(int node, string key, Operation operation, int timeoutMs = 5000)
    {
        var call = new PendingCall(new Key(key), operation, timeoutMs);
        Node(node).Submit(call);
        return call.Task;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Up.ToArray()) await CrashAsync(node);
        if (_ownsFolder) Directory.Delete(_folder!, recursive: true);
    }

    /// <summary>Ports that are free now: each was bound for a moment.</summary>
    public static int[] FreePorts(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new UdpClient(new IPEndPoint(IPAddress.Loopback, 0))).ToArray();
        var ports = sockets.Select(s => ((IPEndPoint)s.Client.LocalEndPoint!).Port).ToArray();
        foreach (var socket in sockets) socket.Dispose();
        return ports;
    }

    private Address AddressOf(int node) => new("akka.udp", "firecloud", _host, Ports[node]);
}
