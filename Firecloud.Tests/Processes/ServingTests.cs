using System.Text;
using Firecloud.Client;
using Firecloud.Tests.Docs;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>A whole cluster of processes: every interface, every node.</summary>
public sealed class ServingTests(SharedCluster shared) : IClassFixture<SharedCluster>
{
    // A client in another language, with nothing of ours: texts in, texts out.
    private const string PythonClient = """
        import socket, sys

        nodes = [("127.0.0.1", int(port)) for port in sys.argv[1:]]
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

        def send(node, text):
            client.sendto(text, nodes[node])

        def receive(seconds):
            client.settimeout(seconds)
            try:
                return client.recv(65535).decode()
            except socket.timeout:
                return None

        def expect(node, text, answer):
            send(node, text.encode())
            got = receive(5)
            assert got == answer, f"node {node}, {text}: {got} instead of {answer}"

        expect(0, "GET [py absent] [1]", "OK [1] []")
        expect(0, "PUT [py] [one] [2]", "OK [2] []")
        for node in range(4):
            expect(node, f"GET [py] [1{node}]", f"OK [1{node}] [one]")
        expect(1, "PUT [py] [two] [3]", "OK [3] [one]")

        # The same text with the same id at other nodes: the same answer, and not applied a second time.
        for node in (2, 3, 0, 1):
            expect(node, "PUT [py] [two] [3]", "OK [3] [one]")
        expect(2, "PUT [py] [three] [4]", "OK [4] [two]")
        for node in range(4):
            send(node, b"PUT [py] [two] [3]")
            receive(5)
        expect(3, "GET [py] [5]", "OK [5] [three]")

        # To all nodes at once. Were it applied twice, the second answer would say what the first one wrote.
        for node in range(4):
            send(node, b"PUT [py at once] [x] [6]")
        answers = [receive(5) for _ in range(4)]
        assert "OK [6] []" in answers and "OK [6] [x]" not in answers, answers

        for garbage in (b"PUT [py] [no end", b"GET [py] [x]", b"GET [] [7]", b"GET [py]", b"PUT [py] [v] [-1]", b"HELLO", b"\xff" * 100,
                        b"GET [" + b"k" * 129 + b"] [8]", b"PUT [py] [" + b"v" * 2049 + b"] [9]"):
            send(0, garbage)
        assert receive(0.5) is None
        expect(0, "GET [py] [10]", "OK [10] [three]")
        print("fine")
        """;

    private readonly ProcessCluster _cluster = shared.Cluster;

    [Fact]
    public async Task What_the_command_line_puts_at_one_node_it_gets_at_every_other()
    {
        var put = await _cluster.RunAsync("put", "cli", "höllo", "--node", _cluster.Addresses[1]);
        Assert.True(put is { ExitCode: 0, Output: "done\n", Errors: "" }, $"{put}");
        foreach (var node in _cluster.Addresses)
        {
            var get = await _cluster.RunAsync("get", "cli", "--node", node);
            Assert.True(get is { ExitCode: 0, Output: "höllo\n", Errors: "" }, $"{get}");
        }
    }

    [Fact]
    public async Task Exit_codes_tell_yes_from_no()
    {
        var (absent, put, cas, no, increment, delete) = (
            await _cluster.RunAsync("get", "nothing"),
            await _cluster.RunAsync("put", "code", "1", "--old"),
            await _cluster.RunAsync("cas", "code", "7", "--expected", "1"),
            await _cluster.RunAsync("cas", "code", "8", "--expected", "1"),
            await _cluster.RunAsync("incr", "code", "3", "--json"),
            await _cluster.RunAsync("delete", "code", "--old"));
        Assert.Equal((1, "(absent)\n"), (absent.ExitCode, absent.Output));
        Assert.Equal((0, "(absent)\n"), (put.ExitCode, put.Output));
        Assert.Equal((0, "swapped\n"), (cas.ExitCode, cas.Output));
        Assert.Equal((1, "not swapped; there is 7\n"), (no.ExitCode, no.Output));
        Assert.Equal((0, """{"status":"done","number":10}""" + "\n"), (increment.ExitCode, increment.Output));
        Assert.Equal((0, "10\n"), (delete.ExitCode, delete.Output));
    }

    [Fact]
    public async Task Status_says_what_every_node_sees()
    {
        var status = await _cluster.RunAsync("status");
        Assert.True(status.ExitCode == 0, $"{status}");
        foreach (var node in _cluster.Addresses) Assert.Contains($"{node}  voting, serves: 5 votes in reach, 3 needed", status.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Datagrams_from_Python_are_served_at_every_node_and_applied_once()
    {
        var ports = _cluster.Ports.Select(p => $"{p}");
        var client = await Command.RunAsync(Command.Program("python3", ["-", .. ports]), PythonClient);
        Assert.True(client is { ExitCode: 0, Output: "fine\n" }, $"{client}");
    }

    [Fact]
    public async Task The_client_library_reaches_nodes_in_other_processes()
    {
        await using var client = await FirecloudClient.ConnectAsync(_cluster.Addresses[3]);
        var version = (await client.PutAsync("library", "v")).Result;
        Assert.Equal(version, (await _cluster.Client.GetAsync("library")).Result!.Version);
        Assert.Equal("v", (await _cluster.RunAsync("get", "library")).Output.TrimEnd());
    }

    [Fact]
    public async Task The_readme_s_example_does_what_it_says()
    {
        await QuickStart.RunAsync(_cluster.Addresses);
        Assert.Equal("hello", (await _cluster.Client.GetAsync("greeting")).Result!.Text);
        Assert.Equal("1", (await _cluster.Client.GetAsync("visits")).Result!.Text);
    }

    [Fact]
    public async Task What_is_too_long_or_empty_is_refused_with_its_length_and_the_limit()
    {
        var longKey = await _cluster.RunAsync("put", new string('k', 1025), "v");
        Assert.Equal((3, "refused: The key has 1025 bytes; at most 1024 are allowed (firecloud.limits.key).\n"), (longKey.ExitCode, longKey.Errors));
        var emptyKey = await _cluster.RunAsync("put", "", "v");
        Assert.Equal((3, "refused: The key is empty; a key has at least one byte.\n"), (emptyKey.ExitCode, emptyKey.Errors));
        var longValue = Assert.IsType<Refused<Actors.Protocol.Version>>(await _cluster.Client.PutAsync("k", new byte[(1 << 20) + 1]));
        Assert.Contains("The value has 1048577 bytes; at most 1048576 are allowed", longValue.Message, StringComparison.Ordinal);
        Assert.True((await _cluster.Client.PutAsync(new string('k', 1024), new byte[1 << 20])).IsDone);
    }

    [Fact]
    public async Task Garbage_changes_nothing()
    {
        await _cluster.PutAtAsync(2, "kept", "whole");
        var random = new Random(739);
        using var socket = new System.Net.Sockets.UdpClient(0, System.Net.Sockets.AddressFamily.InterNetwork);
        for (var i = 0; i < 3000; i++)
        {
            var garbage = new byte[random.Next(1500)];
            random.NextBytes(garbage);
            if (i % 3 == 0) garbage = [.. i % 2 == 0 ? "PUT ["u8 : "GET ["u8, .. garbage];
            await socket.SendAsync(garbage, "127.0.0.1", _cluster.Ports[2]);
        }
        await _cluster.AssertAtAsync(2, "kept", "whole");
        await _cluster.PutAtAsync(2, "kept", "still");
        await _cluster.AssertAtAsync(0, "kept", "still");
        var status = await _cluster.StatusAsync(2);
        Assert.True(status is { State: "voting", Serving: true, VotesReachable: 5 }, Encoding.UTF8.GetString(status.ToJson()));
        Assert.Equal(0, status.Counters["badFrames"]);
    }
}
