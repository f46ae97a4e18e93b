// ClientScenarioTests.cs - Clients/calls.json, played by the client libraries that people have.
using System.Globalization;
using System.Text.Json;
using Firecloud.Tests.Processes;
using StackExchange.Redis;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Resp;

public sealed class ClientScenarioTests(ITestOutputHelper output)
{
    private static string Folder { get; } = Path.Combine(Command.Root, "Firecloud.Tests/Resp/Clients");

    [PythonRedisFact]
    public async Task Pythons_client_plays_it() => await PlayAsync(PythonRedisFactAttribute.Python, "calls.py");

    [NodeRedisTheory]
    [InlineData("2")]
    [InlineData("3")]
    public async Task Node_redis_plays_it(string protocol) => await PlayAsync("node", "calls.mjs", protocol);

    [Fact]
    public async Task StackExchange_Redis_plays_it()
    {
        await using var cluster = await RespCluster.StartAsync();
        var options = new ConfigurationOptions { AbortOnConnectFail = false, SyncTimeout = 20_000, AsyncTimeout = 20_000 };
        for (var node = 0; node < 4; node++) options.EndPoints.Add("127.0.0.1", cluster.Port(node));
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        var database = redis.GetDatabase();
        using var steps = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Folder, "calls.json")));
        foreach (var step in steps.RootElement.EnumerateArray())
        {
            try
            {
                Assert.True(Expected(step) == await RunAsync(redis, database, step), $"{step}");
            }
            catch (RedisServerException e)
            {
                Assert.True(step.TryGetProperty("error", out var error) && e.Message.StartsWith(error.GetString()!, StringComparison.Ordinal), $"{step}: {e.Message}");
            }
        }
    }

    // At a node, and when another one is gone, at a third.
    private async Task PlayAsync(string program, string script, params string[] more)
    {
        await using var cluster = await RespCluster.StartAsync();
        foreach (var node in new[] { 2, 3 })
        {
            var port = cluster.Port(node).ToString(CultureInfo.InvariantCulture);
            var run = await Command.RunAsync(Command.Program(program, [Path.Combine(Folder, script), port, .. more]));
            Assert.True(run.ExitCode == 0 && run.Output.Contains(" steps played ", StringComparison.Ordinal), $"{run}");
            output.WriteLine(run.Output.Trim());
            if (node == 3) break;
            await cluster.CrashAsync(0);
            // What is sent to it in vain may be unknown.
            await cluster.Nodes.UntilSeenAsync(0);
        }
    }

    private static string Expected(JsonElement step)
    {
        foreach (var name in new[] { "answers", "keys", "answer" })
        {
            if (step.TryGetProperty(name, out var expected)) return Text(expected);
        }
        return "an error";
    }

    private static async Task<string> RunAsync(ConnectionMultiplexer redis, IDatabase database, JsonElement step)
    {
        if (step.TryGetProperty("pipeline", out var pipeline))
        {
            var answers = pipeline.EnumerateArray().Select(words => ExecuteAsync(database, [.. words.EnumerateArray().Select(Text)])).ToArray();
            return string.Join(' ', (await Task.WhenAll(answers)).Select(Text));
        }
        var words = (step.TryGetProperty("raw", out var raw) ? raw : step.GetProperty("call")).EnumerateArray().SelectMany(Words).ToList();
        if (words[0] != "scan")
        {
            if (step.TryGetProperty("options", out var options)) words.AddRange(options.EnumerateObject().SelectMany(Option));
            return Text(await ExecuteAsync(database, [.. words]));
        }
        var keys = new List<string>();
        await foreach (var key in redis.GetServers()[1].KeysAsync(pattern: "c:*", pageSize: 3)) keys.Add(key!);
        return string.Join(' ', keys.Order(StringComparer.Ordinal));
    }

    private static Task<RedisResult> ExecuteAsync(IDatabase database, string[] words) => database.ExecuteAsync(words[0], [.. words[1..]]);

    private static IEnumerable<string> Words(JsonElement argument) => argument.ValueKind switch
    {
        JsonValueKind.Array => argument.EnumerateArray().Select(Text),
        JsonValueKind.Object => argument.EnumerateObject().SelectMany(p => new[] { p.Name, Text(p.Value) }),
        _ => [Text(argument)],
    };

    private static string[] Option(JsonProperty option) =>
        option.Value.ValueKind == JsonValueKind.True ? [option.Name] : [option.Name, Text(option.Value)];

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "nil",
        JsonValueKind.Array => string.Join(' ', value.EnumerateArray().Select(Text)),
        _ => value.ToString(),
    };

    private static string Text(RedisResult result) =>
        result.IsNull ? "nil" : result.Length >= 0 ? string.Join(' ', ((RedisResult[])result!).Select(Text)) : (string)result!;
}
