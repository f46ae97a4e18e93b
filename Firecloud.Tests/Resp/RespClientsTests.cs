// RespClientsTests.cs - the clients that people have: redis-cli, redis-benchmark, StackExchange.Redis.
using System.Globalization;
using Firecloud.Tests.Processes;
using StackExchange.Redis;
using Xunit;

namespace Firecloud.Tests.Resp;

public sealed class RespClientsTests
{
    [Fact]
    public async Task Redis_cli_talks_to_any_node()
    {
        await using var cluster = await RespCluster.StartAsync();
        Assert.Equal("OK", await CliAsync(cluster.Port(1), "SET", "k", "a b"));
        Assert.Equal("\"a b\"", await CliAsync(cluster.Port(2), "--no-raw", "GET", "k"));
        Assert.Equal("(integer) 5", await CliAsync(cluster.Port(3), "--no-raw", "-3", "INCRBY", "n", "5"));
        Assert.Contains("redis_version:", await CliAsync(cluster.Port(), "INFO"), StringComparison.Ordinal);
        Assert.Equal("k\nn", string.Join('\n', (await CliAsync(cluster.Port(), "--scan")).Split('\n').Order(StringComparer.Ordinal)));
        Assert.Contains("1) \"node\"", await CliAsync(cluster.Port(), "--no-raw", "FIRECLOUD.NODES"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_benchmark_runs_to_its_end()
    {
        await using var cluster = await RespCluster.StartAsync();
        var run = await Command.RunAsync(Command.Program(
            "redis-benchmark", "-p", Text(cluster.Port()), "-t", "set,get,incr,mset", "-c", "64", "-P", "16", "-n", "6400", "-r", "100000", "-q"));
        Assert.True(run.ExitCode == 0, $"{run}");
        Assert.DoesNotContain("error", $"{run}", StringComparison.OrdinalIgnoreCase);
        foreach (var name in new[] { "SET", "GET", "INCR", "MSET (10 keys)" }) Assert.Contains($"{name}: ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StackExchange_Redis_uses_all_nodes_and_outlives_one()
    {
        await using var cluster = await RespCluster.StartAsync();
        var options = new ConfigurationOptions { AbortOnConnectFail = false, SyncTimeout = 20_000, AsyncTimeout = 20_000, ConnectRetry = 5 };
        for (var node = 0; node < 4; node++) options.EndPoints.Add("127.0.0.1", cluster.Port(node));
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        Assert.All(redis.GetServers(), s => Assert.True(s.IsConnected, $"{s.EndPoint}"));
        var database = redis.GetDatabase();

        Assert.True(await database.StringSetAsync("k", "v"));
        Assert.Equal("v", await database.StringGetAsync("k"));
        Assert.Equal("v", await database.StringGetSetAsync("k", "w"));
        Assert.False(await database.StringSetAsync("k", "x", when: When.NotExists));
        Assert.Equal(5, await database.StringIncrementAsync("n", 5));
        Assert.Equal([(RedisValue)"w", RedisValue.Null, "5"], await database.StringGetAsync(["k", "nosuch", "n"]));
        Assert.Equal(2, await database.KeyDeleteAsync(["k", "n", "nosuch"]));
        Assert.Equal(RedisType.None, await database.KeyTypeAsync("k"));
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => database.StringSetAsync($"key:{i}", i)));
        var found = new HashSet<string>();
        await foreach (var key in redis.GetServers()[2].KeysAsync(pattern: "key:*", pageSize: 50)) found.Add(key!);
        Assert.Equal(1000, found.Count);

        // The node that the client has chosen for its writes goes.
        var used = ((System.Net.IPEndPoint)(await database.IdentifyEndpointAsync("k"))!).Port;
        await cluster.CrashAsync(Enumerable.Range(0, 4).Single(n => cluster.Port(n) == used));
        for (var end = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(50))
        {
            try
            {
                Assert.Equal("17", await database.StringGetAsync("key:17"));
                Assert.True(await database.StringSetAsync("key:17", "again"));
                break;
            }
            catch (Exception e) when (e is RedisException or TimeoutException && DateTime.UtcNow < end)
            {
                // It looks for another node.
            }
        }
        Assert.Equal("again", await database.StringGetAsync("key:17"));
    }

    private static async Task<string> CliAsync(int port, params string[] arguments)
    {
        var run = await Command.RunAsync(Command.Program("redis-cli", ["-p", Text(port), .. arguments]));
        Assert.True(run.ExitCode == 0, $"{run}");
        return run.Output.TrimEnd();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
