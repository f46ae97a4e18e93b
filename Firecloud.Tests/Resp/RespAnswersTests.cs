// RespAnswersTests.cs - answers that single commands on a healthy cluster don't show: unknown, partial, busy; locks; the audit's lines.
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Akka.Actor;
using Akka.Event;
using Firecloud.Actors.Node;
using Firecloud.Actors.Transport;
using Microsoft.AspNetCore.Connections;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Resp;

public sealed class RespAnswersTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_write_that_nobody_can_know_of_is_unknown()
    {
        await using var cluster = await RespCluster.StartAsync();
        await using var client = await cluster.ConnectAsync(3);
        for (var round = 0; ; round++)
        {
            Assert.Equal("+OK", await client.AskAsync("SET", "k", "v"));
            // What node 3 sends arrives, but nothing comes back: its write is done, and it never hears of it. If it notices before it has
            // sent the write, that is certainly not done, and it begins again.
            await Task.WhenAll(new[] { 0, 1, 2 }.Select(other => cluster.Nodes.FaultAsync(other, 3, LinkFault.Cut)));
            var answer = await client.AskAsync("SET", "k", $"{round}");
            output.WriteLine(answer);
            await Task.WhenAll(new[] { 0, 1, 2 }.Select(other => cluster.Nodes.FaultAsync(other, 3, null)));
            await cluster.Nodes.UntilAsync(3, s => s.Serving);
            if (answer.StartsWith("-UNKNOWN SET may have been done: ", StringComparison.Ordinal))
            {
                Assert.Contains(await client.AskAsync("GET", "k"), new[] { "\"v\"", $"\"{round}\"" });
                return;
            }
            Assert.True(round < 20, "Never unknown.");
            Assert.Matches("^-(NOQUORUM|TIMEDOUT) SET: ", answer);
            Assert.Equal("\"v\"", await client.AskAsync("GET", "k"));
        }
    }

    [Fact]
    public async Task What_is_done_in_part_says_so()
    {
        await using var cluster = await RespCluster.StartAsync("", "firecloud.gateway.max-pending = 8", [2, 1]);
        await using var client = await cluster.ConnectAsync();
        Assert.Equal("+OK", await client.AskAsync("SET", "k", "v"));
        var pairs = Enumerable.Range(0, 20).SelectMany(i => new[] { $"k{i}", "v" }).ToArray();
        var answer = await client.AskAsync(["MSET", .. pairs]);
        Assert.Matches("^-PARTIAL MSET is done for 8 of 20 keys\\. For another: BUSY MSET: ", answer);
        Assert.Equal(":1", await client.AskAsync("EXISTS", "k0"));
        var keys = Enumerable.Range(0, 20).Select(i => $"k{i}").ToArray();
        Assert.Matches("^-PARTIAL DEL is done for 8 of 20 keys\\. For another: BUSY DEL: ", await client.AskAsync(["DEL", .. keys]));
        // Reads change nothing: an error of one key is the answer.
        Assert.StartsWith("-BUSY MGET: ", await client.AskAsync(["MGET", .. keys]), StringComparison.Ordinal);
        Assert.StartsWith("-BUSY EXISTS: ", await client.AskAsync(["EXISTS", .. keys]), StringComparison.Ordinal);
        // Single commands that are too many at a time are busy one by one.
        var answers = await client.PipelineAsync([.. keys.Select(k => new[] { "INCR", k })]);
        Assert.InRange(answers.Count(a => a == ":1"), 8, 19);
        Assert.All(answers.Where(a => a != ":1"), a => Assert.StartsWith("-BUSY INCR: ", a, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tokens_of_a_lock_only_grow_whoever_takes_it_and_however_it_ends()
    {
        await using var cluster = await RespCluster.StartAsync();
        var last = "";
        for (var round = 0; round < 12; round++)
        {
            await using var client = await cluster.ConnectAsync(round % 3, protocol: 2 + (round % 2));
            var (holder, life) = ($"h{round}", round % 3 == 0 ? "40" : "60000");
            var token = await client.AskAsync("FIRECLOUD.LOCK", "lock", holder, life);
            while (token == "nil") token = await client.AskAsync("FIRECLOUD.LOCK", "lock", holder, life);   // the one before lasts 40 ms
            Check(token);
            if (round % 3 == 1)
            {
                Check(await client.AskAsync("FIRECLOUD.RENEW", "lock", holder, "60000"));
                Assert.Equal("nil", await client.AskAsync("FIRECLOUD.RENEW", "lock", "another", "60000"));
                Assert.Equal(":0", await client.AskAsync("FIRECLOUD.UNLOCK", "lock", "another"));
                Assert.Equal(":1", await client.AskAsync("FIRECLOUD.UNLOCK", "lock", holder));
            }
            if (round % 3 == 2) Assert.Equal(":1", await client.AskAsync("DEL", "lock"));
            // Another owner of the key, too.
            if (round == 7) await cluster.CrashAsync(3);
        }

        void Check(string answer)
        {
            var token = answer[1..^1];
            Assert.Equal(58, token.Length);
            Assert.True(string.CompareOrdinal(last, token) < 0, $"{last} was before {token}");
            last = token;
        }
    }

    [Fact]
    public void A_token_is_as_long_as_all_others_and_in_the_order_of_versions()
    {
        var random = new Random(1);
        var versions = Enumerable.Range(0, 2000).Select(_ => new Firecloud.Actors.Protocol.Version(
            new Firecloud.Actors.Protocol.Ballot(Next(random, uint.MaxValue), (ulong)random.NextInt64() >> random.Next(64), random.Next(8), (ulong)random.NextInt64() >> random.Next(64)),
            (ulong)random.NextInt64() >> random.Next(64))).Order().ToList();
        var tokens = versions.Select(Firecloud.Host.Resp.LockCommands.Token).ToList();
        Assert.All(tokens, t => Assert.Equal(58, t.Length));
        Assert.Equal(tokens.Order(StringComparer.Ordinal), tokens);

        static uint Next(Random random, uint most) => (uint)(random.NextInt64(1, most) >> random.Next(32)) + 1;
    }

    [Fact]
    public async Task Of_many_that_want_a_lock_one_has_it_at_a_time()
    {
        await using var cluster = await RespCluster.StartAsync();
        var (inside, taken) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            await using var client = await cluster.ConnectAsync(i % 4);
            for (var times = 0; times < 5;)
            {
                if (await client.AskAsync("FIRECLOUD.LOCK", "lock", $"{i}", "60000") == "nil") continue;
                Assert.Equal(1, Interlocked.Increment(ref inside));
                taken++;
                Assert.Equal(0, Interlocked.Decrement(ref inside));
                Assert.Equal(":1", await client.AskAsync("FIRECLOUD.UNLOCK", "lock", $"{i}"));
                times++;
            }
        }));
        Assert.Equal(40, taken);
    }

    [Theory]
    [InlineData("writes")]
    [InlineData("admin")]
    [InlineData("off")]
    public async Task The_audit_says_who_did_what_to_which_keys_and_never_what_is_in_them(string audit)
    {
        var hash = PasswordHash.Create("open sesame"u8.ToArray(), 1000).ToString();
        var users = $"audit = {audit}, users = [\"default {hash} admin\", \"reader {hash} read\"]";
        await using var cluster = await RespCluster.StartAsync(users, "akka.loglevel = INFO\nakka.stdout-loglevel = OFF\nakka.loggers = []", [2, 1]);
        using var inbox = Inbox.Create(cluster.Nodes.System(0));
        cluster.Nodes.System(0).EventStream.Subscribe(inbox.Receiver, typeof(Info));
        await using var client = await cluster.ConnectAsync();
        await client.AskAsync("AUTH", "wrong secret");
        await client.AskAsync("AUTH", "reader", "open sesame");
        Assert.StartsWith("-NOPERM ", await client.AskAsync("SET", "denied", "hidden"), StringComparison.Ordinal);
        await client.AskAsync("AUTH", "open sesame");
        Assert.Equal("+OK", await client.AskAsync("SET", "k\n", "hidden"));
        Assert.Equal("\"hidden\"", await client.AskAsync("GET", "k\n"));
        Assert.Equal("+OK", await client.AskAsync(["MSET", .. Enumerable.Range(0, 10).SelectMany(i => new[] { $"m{i}", "hidden" })]));
        Assert.Equal("+OK", await client.AskAsync("FLUSHALL"));
        cluster.Server(0).Log.Info("the end");

        var lines = new List<string>();
        while (inbox.Receive(TimeSpan.FromSeconds(20)) is Info line && $"{line.Message}" is var text && text != "the end")
        {
            if (text.StartsWith("Audit: ", StringComparison.Ordinal)) lines.Add(text);
        }
        var from = $"127.0.0.1:{((IPEndPoint)client.Socket.LocalEndPoint!).Port}";
        string[] admin =
        [
            $"Audit: {from} failed to log in as user default", $"Audit: {from} logged in as user reader", $"Audit: {from} logged in as user default",
            $"Audit: default at {from} ran FLUSHALL",
        ];
        string[] writes =
        [
            $"Audit: reader at {from} was refused SET denied", $"Audit: default at {from} ran SET k ", $"Audit: default at {from} ran MSET m0 m1 m2 m3 m4 m5 m6 m7 and 2 more",
        ];
        Assert.Equal(audit switch { "off" => [], "admin" => admin, _ => [admin[0], admin[1], writes[0], admin[2], writes[1], writes[2], admin[3]] }, lines);
    }

    [Fact]
    public async Task Strangers_are_sent_away_with_what_to_set()
    {
        await using var cluster = await RespCluster.StartAsync("", 2, 1);
        var (toServer, toClient) = (new Pipe(), new Pipe());
        await using var stranger = new DefaultConnectionContext
        {
            RemoteEndPoint = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1234), Transport = new Ends(toServer.Reader, toClient.Writer),
        };
        await toServer.Writer.WriteAsync("PING\r\n"u8.ToArray());
        await cluster.Server(0).ServeAsync(stranger);
        var answer = await toClient.Reader.ReadAsync();
        var text = Encoding.UTF8.GetString(answer.Buffer.FirstSpan);
        Assert.StartsWith("-DENIED Firecloud is in protected mode", text, StringComparison.Ordinal);
        Assert.Contains("firecloud.resp.users", text, StringComparison.Ordinal);
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        Assert.Equal(1, cluster.Server(0).Counters.Rejected);
        Assert.Equal(0, cluster.Server(0).ClientCount);
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
