using System.Globalization;
using System.Net.Sockets;
using Firecloud.Bench.Load;
using Firecloud.Bench.Peers.Resp;
using Firecloud.Client;

namespace Firecloud.Bench.Peers;

/// <summary>Four nodes, each a process of Firecloud.Host with its default settings, on loopback.</summary>
internal sealed class FirecloudServers : IAsyncDisposable
{
    /// <summary>Names the build of Firecloud.Host to measure; scripts/bench.sh sets it.</summary>
    public const string HostVariable = "FIRECLOUD_DLL";

    private const int Nodes = 4;

    private readonly List<ServerProcess> _servers = [];

    private FirecloudServers() { }

    public IReadOnlyList<ServerProcess> Servers => _servers;

    /// <summary>host:port of each node.</summary>
    public string[] Addresses { get; private init; } = [];

    /// <summary>Port of the Redis protocol of each node.</summary>
    public int[] RespPorts { get; private init; } = [];

    /// <summary>Starts the nodes and waits until each serves.</summary>
    /// <param name="folder">For their settings and records.</param>
    /// <param name="onDisk">Durable, or in memory only.</param>
    public static async Task<FirecloudServers> StartAsync(string folder, bool onDisk)
    {
        var host = Environment.GetEnvironmentVariable(HostVariable);
        if (!File.Exists(host)) throw new BenchException($"{HostVariable} is '{host}', which is no file; start the measurements by scripts/bench.sh.");
        var ports = ServerProcess.FreePorts(Nodes, ProtocolType.Udp);
        var servers = new FirecloudServers
        {
            Addresses = [.. ports.Select(p => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{p}"))],
            RespPorts = ServerProcess.FreePorts(Nodes),
        };
        try
        {
            for (var i = 0; i < Nodes; i++)
            {
                var file = Path.Combine(folder, $"node-{i}.conf");
                await File.WriteAllTextAsync(file, $$"""
                    firecloud {
                      node = {{i}}
                      members = [{{string.Join(", ", servers.Addresses.Select(a => $"\"{a}\""))}}]
                      storage {
                        kind = {{(onDisk ? "disk" : "memory")}}
                        folder = "{{Path.Combine(folder, $"data-{i}")}}"
                      }
                      resp.listen = "127.0.0.1:{{servers.RespPorts[i]}}"
                    }
                    """);
                servers._servers.Add(ServerProcess.Start("dotnet", folder, host, "--config", file));
            }
            foreach (var port in servers.RespPorts)
            {
                await Patience.UntilAsync("Firecloud", servers._servers, async () => await RespTalk.AskAsync(port, "SET", "ready", "yes") == "+OK");
            }
            return servers;
        }
        catch
        {
            await servers.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers) await server.DisposeAsync();
    }
}

/// <summary>Clients of the .NET library: at most four of them with a socket each, shared by all callers.</summary>
internal sealed class FirecloudLibrary(FirecloudServers nodes) : IPeer
{
    private const int MostClients = 4;

    private readonly List<FirecloudClient> _clients = [];

    public IReadOnlyList<ServerProcess> Servers => nodes.Servers;

    public async Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data)
    {
        while (_clients.Count < Math.Min(connections, MostClients))
        {
            var options = new FirecloudClientOptions { ConnectTimeout = TimeSpan.FromSeconds(30), OperationTimeout = TimeSpan.FromSeconds(30) };
            _clients.Add(await FirecloudClient.ConnectAsync(nodes.Addresses, options));
        }
        return [.. Enumerable.Range(0, connections).Select(i => new Connection(_clients[i % _clients.Count], data))];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) await client.DisposeAsync();
    }

    private sealed class Connection(FirecloudClient client, Dataset data) : IConnection
    {
        public void Begin(Call call) => _ = RunAsync(call);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async Task RunAsync(Call call)
        {
            bool done;
            try
            {
                done = call.Kind switch
                {
                    Kind.Get => await client.GetAsync(data.Key(call.Key)) is Done<Entry?> { Value.Value.Length: var length } && length == data.Bytes,
                    Kind.Put => (await client.PutAsync(data.Key(call.Key), data.Value(call.Key))).IsDone,
                    _ => await client.CompareAndSetAsync(data.Key(call.Key), (StoreValue)data.Value(call.Key), data.Value(call.Key)) is Done<Swap> { Value.Swapped: true },
                };
            }
            catch (Exception)
            {
                done = false;   // counted, and the load goes on
            }
            call.End(done);
        }
    }
}

/// <summary>Clients of the Redis protocol, spread over the four nodes.</summary>
internal sealed class FirecloudResp(FirecloudServers nodes) : IPeer
{
    private readonly RespLoop _loop = new();

    public IReadOnlyList<ServerProcess> Servers => nodes.Servers;

    public Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data) => Task.FromResult<IReadOnlyList<IConnection>>(
        [.. Enumerable.Range(0, connections).Select(i => new RespConnection(_loop, nodes.RespPorts[i % nodes.RespPorts.Length], new RespDialect(RespSwap.IfEqual, 0), data))]);

    public ValueTask DisposeAsync()
    {
        _loop.Dispose();
        return ValueTask.CompletedTask;
    }
}
