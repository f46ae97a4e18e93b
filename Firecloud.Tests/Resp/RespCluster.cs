// RespCluster.cs - nodes of a TestCluster that serve the Redis protocol, on ports that the system picked; and a real redis-server.
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Firecloud.Host.Resp;
using Firecloud.Tests.Cluster;
using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Resp;

/// <summary>A cluster with a RESP server at every node.</summary>
internal sealed class RespCluster : IAsyncDisposable
{
    private readonly RespServer?[] _servers;
    private readonly int[] _ports;

    private RespCluster(TestCluster nodes)
    {
        Nodes = nodes;
        _servers = new RespServer?[nodes.Count];
        _ports = new int[nodes.Count];
    }

    public TestCluster Nodes { get; }

    public RespServer Server(int node) => _servers[node]!;

    public int Port(int node = 0) => _ports[node];

    /// <param name="settings">Of the section firecloud.resp, in HOCON.</param>
    /// <param name="votes">By node.</param>
    public static Task<RespCluster> StartAsync(string settings = "", params int[] votes) => StartAsync(settings, "", votes);

    /// <param name="settings">Of the section firecloud.resp, in HOCON.</param>
    /// <param name="others">Settings of other sections.</param>
    /// <param name="votes">By node.</param>
    public static async Task<RespCluster> StartAsync(string settings, string others, int[] votes)
    {
        var text = $"firecloud.resp {{\nlisten = \"127.0.0.1:0\"\nallow-flushall = on\n{settings}\n}}\n{others}";
        var cluster = new RespCluster(await TestCluster.StartAsync(votes.Length > 0 ? votes : [2, 1, 1, 1], text));
        for (var node = 0; node < cluster.Nodes.Count; node++)
        {
            var server = await RespServer.StartAsync(cluster.Nodes.System(node), cluster.Nodes.Node(node));
            (cluster._servers[node], cluster._ports[node]) = (server, server.Address.Port);
        }
        return cluster;
    }

    /// <summary>True until it was crashed.</summary>
    public bool IsUp(int node) => _servers[node] is not null;

    public Task<RespTestClient> ConnectAsync(int node = 0, int protocol = 2) => RespTestClient.ConnectAsync(Port(node), protocol);

    /// <summary>TCP ports that are free now: each was bound for a moment.</summary>
    public static int[] FreePorts(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var socket in sockets) socket.Start();
        var ports = sockets.Select(s => ((IPEndPoint)s.LocalEndpoint).Port).ToArray();
        foreach (var socket in sockets) socket.Stop();
        return ports;
    }

    /// <summary>Ends a node and its server, as kill -9.</summary>
    public async Task CrashAsync(int node)
    {
        var server = _servers[node]!;
        _servers[node] = null;
        await server.DisposeAsync();
        await Nodes.CrashAsync(node);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            if (server is not null) await server.DisposeAsync();
        }
        await Nodes.DisposeAsync();
    }
}

/// <summary>A redis-server of this machine's, without files.</summary>
internal sealed class RealRedis : IAsyncDisposable
{
    private readonly Process _process;

    private RealRedis(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public static async Task<RealRedis> StartAsync()
    {
        var port = RespCluster.FreePorts(1)[0];
        var info = Command.Program("redis-server", "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no");
        info.RedirectStandardInput = false;
        Process process;
        try
        {
            process = Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Assert.Fail($"redis-server can't be run ({e.Message}); install it (Debian: redis-server), this test needs it.");
            throw;
        }
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var redis = new RealRedis(process, port);
        for (var end = DateTime.UtcNow.AddSeconds(30); ; await Task.Delay(20))
        {
            try
            {
                await using var client = await RespTestClient.ConnectAsync(port);
                if (await client.AskAsync("PING") == "+PONG") return redis;
            }
            catch (Exception e) when (e is SocketException or IOException && DateTime.UtcNow < end && !process.HasExited)
            {
                // It is starting.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
