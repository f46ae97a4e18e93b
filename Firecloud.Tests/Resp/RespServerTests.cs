// RespServerTests.cs - what a scenario of single commands does not show: pipelines, limits, failures of nodes.
using System.Text;
using Firecloud.Host.Resp;
using Firecloud.Tests.Cluster;
using Firecloud.Tests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Resp;

public sealed class RespServerTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_pipeline_is_answered_in_order_and_sees_its_own_writes()
    {
        await using var cluster = await RespCluster.StartAsync();
        // At a node that does not own the keys: its gets don't go by the owner.
        await using var client = await cluster.ConnectAsync(node: 2);
        for (var round = 0; round < 20; round++)
        {
            var answers = await client.PipelineAsync(
                ["SET", "a", $"{round}"], ["GET", "a"], ["SET", "b", "x"], ["SET", "a", "y"], ["GET", "a"], ["DEL", "a"], ["GET", "a"], ["EXISTS", "a", "b"],
                ["INCR", "n"], ["INCR", "n"], ["INCR", "n"], ["GET", "n"], ["DEL", "n"], ["MSET", "c", "1", "c", "2"], ["MGET", "c", "b"]);
            Assert.Equal(
                ["+OK", $"\"{round}\"", "+OK", "+OK", "\"y\"", ":1", "nil", ":1", ":1", ":2", ":3", "\"3\"", ":1", "+OK", "[\"2\", \"x\"]"], answers);
        }
    }

    [Fact]
    public async Task More_commands_than_max_pipeline_are_served_part_by_part()
    {
        await using var cluster = await RespCluster.StartAsync("max-pipeline = 8", 2, 1);
        await using var client = await cluster.ConnectAsync();
        var answers = await client.PipelineAsync([.. Enumerable.Range(0, 500).Select(i => new[] { "SET", $"k{i}", $"{i}" })]);
        Assert.All(answers, a => Assert.Equal("+OK", a));
        var read = await client.PipelineAsync([.. Enumerable.Range(0, 500).Select(i => new[] { "GET", $"k{i}" })]);
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"\"{i}\""), read);
        Assert.Equal(
            "-ERR MGET names 9 keys; at most 8 are taken at a time (firecloud.resp.max-pipeline). Name fewer.",
            await client.AskAsync(["MGET", .. Enumerable.Range(0, 9).Select(i => $"k{i}")]));
        Assert.Contains("8 are taken", await client.AskAsync(["MSET", .. Enumerable.Range(0, 18).Select(i => $"k{i}")]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_one_node_writes_every_other_reads()
    {
        await using var cluster = await RespCluster.StartAsync();
        await using var first = await cluster.ConnectAsync(0);
        await using var last = await cluster.ConnectAsync(3, protocol: 3);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal("+OK", await first.AskAsync("SET", "k", $"{i}"));
            Assert.Equal($"\"{i}\"", await last.AskAsync("GET", "k"));
        }
    }

    [Fact]
    public async Task Scan_finds_every_key_once_whichever_node_goes_on()
    {
        await using var cluster = await RespCluster.StartAsync();
        await using var client = await cluster.ConnectAsync();
        var keys = Enumerable.Range(0, 400).Select(i => $"\"k{i}\"").ToHashSet();
        await client.PipelineAsync([.. Enumerable.Range(0, 400).Select(i => new[] { "SET", $"k{i}", "v" })]);
        await client.PipelineAsync([.. Enumerable.Range(0, 100).Select(i => new[] { "SET", $"gone{i}", "v" })]);
        await client.PipelineAsync([.. Enumerable.Range(0, 100).Select(i => new[] { "DEL", $"gone{i}" })]);
        foreach (var count in new[] { "1", "10", "1000" })
        {
            var (cursor, found, calls) = ("0", new List<string>(), 0);
            do
            {
                await using var other = await cluster.ConnectAsync(calls++ % 4);
                var answer = await other.AskAsync("SCAN", cursor, "COUNT", count);
                cursor = answer.Split('"')[1];
                found.AddRange(answer[(answer.IndexOf(", [", StringComparison.Ordinal) + 3)..^2].Split(", ", StringSplitOptions.RemoveEmptyEntries));
            }
            while (cursor != "0");
            Assert.Equal(found.Count, found.Distinct().Count());
            Assert.Equal(keys, found.ToHashSet());
        }
        Assert.Equal(111, (await client.AskAsync("KEYS", "k1*")).Split(", ").Length);
        Assert.Equal("+OK", await client.AskAsync("FLUSHALL"));
        Assert.Equal("[]", await client.AskAsync("KEYS", "*"));
    }

    [Fact]
    public async Task Without_a_quorum_the_errors_say_so_and_connections_go_on()
    {
        await using var cluster = await RespCluster.StartAsync();
        await using var client = await cluster.ConnectAsync(3);
        Assert.Equal("+OK", await client.AskAsync("SET", "k", "v"));
        await cluster.Nodes.CutAsync([3], [0, 1, 2]);
        await cluster.Nodes.UntilAsync(3, s => !s.Serving);
        foreach (var command in new[] { "GET k", "SET k 2", "INCR n", "MGET k l", "DEL k l", "EXISTS k", "FIRECLOUD.GET k", "COPY k l", "SCAN 0", "KEYS *", "RANDOMKEY", "FLUSHALL" })
        {
            var answer = await client.AskAsync(command.Split(' '));
            Assert.StartsWith("-NOQUORUM ", answer, StringComparison.Ordinal);
            Assert.Contains("1 of 3 votes needed", answer, StringComparison.Ordinal);
        }
        Assert.Equal("+PONG", await client.AskAsync("PING"));
        await cluster.Nodes.CutAsync([3], [0, 1, 2], heal: true);
        await cluster.Nodes.UntilAsync(3, s => s.Serving);
        Assert.Equal("\"v\"", await client.AskAsync("GET", "k"));
    }

    [Fact]
    public async Task Limits_end_the_connections_that_break_them()
    {
        await using var cluster = await RespCluster.StartAsync("max-clients = 3, max-query-buffer = 1 MiB, max-output = 1 MiB", 2, 1);
        await using var client = await cluster.ConnectAsync();
        await using (var second = await cluster.ConnectAsync())
        {
            await using var third = await cluster.ConnectAsync();
            Assert.Equal("+PONG", await third.AskAsync("PING"));
            await using var fourth = await cluster.ConnectAsync();
            Assert.Equal("-ERR max number of clients reached", await fourth.ReadAsync());
            Assert.Null(await fourth.ReadAsync());
            await second.SendAsync(Encoding.ASCII.GetBytes("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n"));
            Assert.Equal("-ERR Protocol error: invalid bulk length", await second.ReadAsync());
            Assert.Null(await second.ReadAsync());
        }
        Assert.Equal("+OK", await client.AskAsync("SET", "k", new string('x', 1_000_000)));
        await using var greedy = await cluster.ConnectAsync();
        await greedy.SendAsync(RespTestClient.Bytes("MGET"u8.ToArray(), "k"u8.ToArray(), "k"u8.ToArray()));
        Assert.Null(await greedy.ReadAsync());
        Assert.Equal("+PONG", await client.AskAsync("PING"));
    }

    [Fact]
    public async Task A_client_that_takes_no_answers_is_cut_off()
    {
        await using var cluster = await RespCluster.StartAsync("output-timeout = 300 ms", 2, 1);
        await using var client = await cluster.ConnectAsync();
        Assert.Equal("+OK", await client.AskAsync("SET", "k", new string('x', 1_000_000)));
        await using var slow = await cluster.ConnectAsync();
        slow.Socket.ReceiveBufferSize = 4096;
        var gets = Enumerable.Repeat(RespTestClient.Bytes("GET"u8.ToArray(), "k"u8.ToArray()), 40).SelectMany(b => b).ToArray();
        await slow.SendAsync(gets);
        for (var end = DateTime.UtcNow.AddSeconds(30); cluster.Server(0).ClientCount > 1; await Task.Delay(20))
        {
            Assert.True(DateTime.UtcNow < end, "The slow client is still there.");
        }
        Assert.Equal("+PONG", await client.AskAsync("PING"));
    }

    [Fact]
    public async Task A_value_that_is_too_long_for_the_store_is_refused_and_the_connection_goes_on()
    {
        await using var cluster = await RespCluster.StartAsync("", 2, 1);
        await using var client = await cluster.ConnectAsync();
        var answers = await client.PipelineAsync(
            ["SET", "k", new string('x', (1 << 20) + 1)], ["MSET", "a", "1", "k", new string('x', (1 << 20) + 1)], ["EXISTS", "a"], ["GET", new string('k', 1025)], ["PING"]);
        Assert.StartsWith("-ERR SET: The value has 1048577 bytes; at most 1048576", answers[0], StringComparison.Ordinal);
        Assert.StartsWith("-ERR MSET: The value has 1048577 bytes", answers[1], StringComparison.Ordinal);
        Assert.Equal(":0", answers[2]);
        Assert.StartsWith("-ERR GET: The key has 1025 bytes", answers[3], StringComparison.Ordinal);
        Assert.Equal("+PONG", answers[4]);
        Assert.Contains("Firecloud's own", await client.AskAsync("GET", "\0firecloud\0x"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_empties_the_store_unless_a_setting_allows_it()
    {
        await using var cluster = await RespCluster.StartAsync("allow-flushall = off", 2, 1);
        await using var client = await cluster.ConnectAsync();
        Assert.Equal("+OK", await client.AskAsync("SET", "k", "v"));
        foreach (var name in new[] { "FLUSHALL", "FLUSHDB" })
        {
            Assert.Equal(
                $"-ERR {name} is off. Set firecloud.resp.allow-flushall = on at this node, or delete keys by SCAN and DEL.", await client.AskAsync(name));
        }
        Assert.Equal("\"v\"", await client.AskAsync("GET", "k"));
    }

    // Puts and gets of one key side by side are joined (RespBatch): each client still sees what it would have seen one by one.
    [Fact]
    public async Task A_pipeline_on_few_keys_answers_as_one_command_after_the_other_would()
    {
        await using var cluster = await RespCluster.StartAsync();
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var client = await cluster.ConnectAsync(node: 2);
        var values = new Dictionary<string, string?>();
        for (var round = 0; round < 60; round++)
        {
            var (commands, expected) = (new List<string[]>(), new List<string>());
            for (var i = 0; i < 24; i++)
            {
                var key = $"k{random.Next(3)}";
                var before = values.GetValueOrDefault(key);
                var next = $"{round}.{i}";
                var (words, after, answer) = random.Next(8) switch
                {
                    < 3 => (new[] { "GET", key }, before, before is null ? "nil" : $"\"{before}\""),
                    < 6 => (["SET", key, next], next, "+OK"),
                    6 => (["SET", key, next, "GET", "EX", "1000"], next, before is null ? "nil" : $"\"{before}\""),
                    _ => (["DEL", key], null, before is null ? ":0" : ":1"),
                };
                commands.Add(words);
                expected.Add(answer);
                values[key] = after;
            }
            Assert.Equal(expected, await client.PipelineAsync([.. commands]));
        }
        // What comes in one read is one put, and one get; the system may cut it into a few.
        var taken = cluster.Nodes.Node(2).Counters.RequestsTaken;
        await client.PipelineAsync([.. Enumerable.Range(0, 100).Select(i => new[] { "SET", "k", $"{i}" }), .. Enumerable.Repeat(new[] { "GET", "k" }, 100)]);
        Assert.InRange(cluster.Nodes.Node(2).Counters.RequestsTaken - taken, 2, 50);
    }

    [Fact]
    public async Task A_client_that_sends_nothing_is_cut_off_where_that_is_set()
    {
        await using var cluster = await RespCluster.StartAsync("idle-timeout = 200 ms", 2, 1);
        await using var client = await cluster.ConnectAsync();
        Assert.Equal("+PONG", await client.AskAsync("PING"));
        Assert.Null(await client.ReadAsync());
    }

    [Fact]
    public async Task A_node_whose_port_is_in_use_does_not_start_and_says_so()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, $"firecloud {{\nmembers = [\"127.0.0.1:{TestCluster.FreePorts(1)[0]}\"], votes = [1], node = 0\nstorage.kind = memory\nresp.listen = \"{taken.LocalEndpoint}\"\n}}\n");
        var run = await Command.RunAsync(Command.Host("--config", file));
        File.Delete(file);
        Assert.True(run.ExitCode == 5, $"{run}");
        Assert.Contains($"node 0 can't start: TCP {taken.LocalEndpoint} can't be used (firecloud.resp.listen)", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_see_and_end_each_other()
    {
        await using var cluster = await RespCluster.StartAsync("", 2, 1);
        await using var client = await cluster.ConnectAsync();
        await using var other = await cluster.ConnectAsync(protocol: 3);
        Assert.Equal("+OK", await other.AskAsync("CLIENT", "SETNAME", "other"));
        var id = (await other.AskAsync("CLIENT", "ID"))[1..];
        Assert.Contains($"name=other", await client.AskAsync("CLIENT", "LIST", "ID", id), StringComparison.Ordinal);
        Assert.Equal(":1", await client.AskAsync("CLIENT", "KILL", "ID", id));
        Assert.Null(await other.ReadAsync());
        Assert.Equal(":0", await client.AskAsync("CLIENT", "KILL", "TYPE", "normal"));
        // Answers that nobody wants.
        await client.SendAsync([.. RespTestClient.Bytes("CLIENT"u8.ToArray(), "REPLY"u8.ToArray(), "SKIP"u8.ToArray()), .. RespTestClient.Bytes("PING"u8.ToArray())]);
        Assert.Equal("\"next\"", await client.AskAsync("PING", "next"));
        await client.SendAsync([.. RespTestClient.Bytes("CLIENT"u8.ToArray(), "REPLY"u8.ToArray(), "OFF"u8.ToArray()), .. RespTestClient.Bytes("PING"u8.ToArray())]);
        Assert.Equal("+OK", await client.AskAsync("CLIENT", "REPLY", "ON"));
    }

    [Fact]
    public async Task Whatever_comes_the_server_goes_on()
    {
        await using var cluster = await RespCluster.StartAsync("", 2, 1);
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 300; i++)
        {
            await using var client = await cluster.ConnectAsync();
            try
            {
                await client.SendAsync(RespFuzzTests.Stream(random));
                if (i % 3 == 0) await client.SendAsync(RespTestClient.Bytes([.. Enumerable.Range(0, random.Next(1, 5)).Select(n => n == 0 ? AnyName(random) : [(byte)random.Next(256)])]));
            }
            catch (IOException)
            {
                // It was sent away already.
            }
        }
        await using var last = await cluster.ConnectAsync();
        Assert.Equal("+PONG", await last.AskAsync("PING"));
        Assert.Equal("+OK", await last.AskAsync("SET", "k", "v"));

        static byte[] AnyName(Random random) => Encoding.ASCII.GetBytes(CommandTable.Served[random.Next(CommandTable.Served.Count)].Name);
    }

    [Fact]
    public async Task Refused_families_say_what_to_use_instead()
    {
        await using var cluster = await RespCluster.StartAsync("", 2, 1);
        await using var client = await cluster.ConnectAsync();
        foreach (var (_, instead, names) in RefusedCommands.Families)
        {
            foreach (var name in names) Assert.Equal($"-ERR {name} is not a command of Firecloud. {instead}", await client.AskAsync(name, "x"));
        }
    }
}
