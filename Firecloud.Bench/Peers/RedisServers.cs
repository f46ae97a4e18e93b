using System.Globalization;
using Firecloud.Bench.Load;
using Firecloud.Bench.Peers.Resp;

namespace Firecloud.Bench.Peers;

/// <summary>What of its safety Redis is asked for; none of it makes it linearizable.</summary>
internal enum RedisSafety
{
    /// <summary>appendfsync always on all three, and WAIT 2 after each write: on three disks before it is answered.</summary>
    SyncedAndWaited,

    /// <summary>In memory, replicas follow in their time.</summary>
    Asynchronous,
}

/// <summary>Redis: a master and two replicas.</summary>
internal sealed class RedisServers : IPeer
{
    private const int Replicas = 2;

    private readonly List<ServerProcess> _servers = [];
    private readonly RespLoop _loop = new();
    private readonly RedisSafety _safety;
    private int _master;

    private RedisServers(RedisSafety safety) => _safety = safety;

    public IReadOnlyList<ServerProcess> Servers => _servers;

    public static async Task<RedisServers> StartAsync(string folder, RedisSafety safety)
    {
        var redis = new RedisServers(safety);
        var ports = ServerProcess.FreePorts(1 + Replicas);
        redis._master = ports[0];
        try
        {
            foreach (var port in ports)
            {
                var data = Directory.CreateDirectory(Path.Combine(folder, Text(port))).FullName;
                List<string> arguments = ["--port", Text(port), "--bind", "127.0.0.1", "--dir", data, "--save", "", "--repl-diskless-sync-delay", "0"];
                arguments.AddRange(safety == RedisSafety.SyncedAndWaited ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]);
                if (port != ports[0]) arguments.AddRange(["--replicaof", $"127.0.0.1 {Text(ports[0])}"]);
                redis._servers.Add(ServerProcess.Start("redis-server", folder, [.. arguments]));
            }
            await Patience.UntilAsync("Redis", redis._servers, redis.IsReadyAsync);
            return redis;
        }
        catch
        {
            await redis.DisposeAsync();
            throw;
        }
    }

    public Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data)
    {
        var dialect = new RespDialect(RespSwap.Script, _safety == RedisSafety.SyncedAndWaited ? Replicas : 0);
        return Task.FromResult<IReadOnlyList<IConnection>>(
            [.. Enumerable.Range(0, connections).Select(_ => new RespConnection(_loop, _master, dialect, data))]);
    }

    public async ValueTask DisposeAsync()
    {
        _loop.Dispose();
        foreach (var server in _servers) await server.DisposeAsync();
    }

    private async Task<bool> IsReadyAsync()
    {
        var info = await RespTalk.AskAsync(_master, "INFO", "replication");
        return info.Split('\n').Count(l => l.StartsWith("slave", StringComparison.Ordinal) && l.Contains("state=online", StringComparison.Ordinal)) == Replicas;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
