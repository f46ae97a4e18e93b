// ClientLifeTests.cs - connecting, deadlines, cancelling, closing, and nodes that go away.
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Protocol;
using Firecloud.Client;
using Firecloud.Tests.Cluster;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Client;

public sealed class ClientLifeTests
{
    [Theory]
    [InlineData("localhost")]
    [InlineData("localhost:")]
    [InlineData(":8808")]
    [InlineData("localhost:0")]
    [InlineData("localhost:65536")]
    [InlineData("localhost:http")]
    [InlineData("")]
    public async Task An_address_that_is_not_host_and_port_is_refused_with_the_text(string address)
    {
        var e = await Assert.ThrowsAsync<ArgumentException>(() => FirecloudClient.ConnectAsync(address));
        Assert.Contains($"'{address}'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_address_at_all_is_refused()
    {
        var e = await Assert.ThrowsAsync<ArgumentException>(() => FirecloudClient.ConnectAsync());
        Assert.Contains("give at least one as host:port", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connecting_fails_in_time_when_nobody_answers_and_names_the_addresses()
    {
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var address = $"127.0.0.1:{((IPEndPoint)silent.Client.LocalEndPoint!).Port}";
        var clock = Stopwatch.StartNew();
        var e = await Assert.ThrowsAsync<FirecloudException>(() =>
            FirecloudClient.ConnectAsync([address], new FirecloudClientOptions { ConnectTimeout = TimeSpan.FromMilliseconds(400) }));
        Assert.Contains($"None of {address} answered within 400 ms", e.Message, StringComparison.Ordinal);
        Assert.InRange(clock.ElapsedMilliseconds, 400, 5000);
        using var stop = new CancellationTokenSource(200);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            FirecloudClient.ConnectAsync([address], new FirecloudClientOptions(), stop.Token));
    }

    [Fact]
    public async Task A_system_without_the_transport_is_refused_with_what_to_add()
    {
        var system = ActorSystem.Create("plain");
        try
        {
            foreach (var nodes in new[] { Array.Empty<string>(), ["127.0.0.1:1"] })
            {
                var e = Assert.Throws<ArgumentException>(() => FirecloudClient.For(system, nodes));
                Assert.Contains("plain has no UDP transport; add FirecloudClient.ActorSystemConfig", e.Message, StringComparison.Ordinal);
            }
        }
        finally
        {
            await system.Terminate();
        }
    }

    [Fact]
    public async Task While_no_node_answers_operations_end_at_their_deadline_or_when_cancelled_or_closed()
    {
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var address = $"127.0.0.1:{((IPEndPoint)silent.Client.LocalEndPoint!).Port}";
        var config = ConfigurationFactory.ParseString("akka.loglevel = OFF").WithFallback(FirecloudClient.ActorSystemConfig);
        var system = ActorSystem.Create("application", config);
        try
        {
            var client = FirecloudClient.For(system, address);
            var clock = Stopwatch.StartNew();
            var late = Assert.IsType<Refused<Version>>(await client.PutAsync("k", "v", TimeSpan.FromMilliseconds(300)));
            Assert.Equal(RefusalReason.TimedOut, late.Reason);
            Assert.Contains($"None of {address} answered within 300 ms", late.Message, StringComparison.Ordinal);
            Assert.InRange(clock.ElapsedMilliseconds, 280, 3000);

            using var stop = new CancellationTokenSource();
            var cancelled = client.PutAsync("k", "v", cancellationToken: stop.Token).AsTask();
            await stop.CancelAsync();
            Assert.Equal(RefusalReason.Cancelled, Assert.IsType<Refused<Version>>(await cancelled).Reason);

            var closed = client.PutAsync("k", "v").AsTask();
            await client.DisposeAsync();
            Assert.Equal(RefusalReason.NotReady, Assert.IsType<Refused<Version>>(await closed).Reason);
            Assert.Equal(RefusalReason.NotReady, Assert.IsType<Refused<Version>>(await client.PutAsync("k", "v")).Reason);
        }
        finally
        {
            await system.Terminate();
        }
    }

    [Fact]
    public async Task A_client_that_knows_one_node_goes_on_when_that_one_is_killed()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[0]}");
        Assert.Equal(1, (await client.IncrementAsync("counter")).Result);
        await cluster.CrashAsync(0);
        for (var i = 2; i <= 20; i++) Assert.Equal(i, (await client.IncrementAsync("counter")).Result);
        Assert.Equal("20", (await client.GetAsync("counter")).Result!.Text);
    }

    [Fact]
    public async Task Without_a_quorum_a_client_is_refused_long_before_its_deadline_and_served_when_it_is_back()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[3]}");
        Assert.True((await client.PutAsync("k", "v")).IsDone);
        await cluster.CutAsync([0], [1, 2, 3]);
        await cluster.CutAsync([1], [2, 3]);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => !s.Serving);
        var clock = Stopwatch.StartNew();
        var refused = Assert.IsType<Refused<Version>>(await client.PutAsync("k", "w", TimeSpan.FromSeconds(30)));
        Assert.True(clock.ElapsedMilliseconds < 3000, $"{clock.ElapsedMilliseconds} ms");
        Assert.Equal((RefusalReason.NoQuorum, 3), (refused.Reason, refused.VotesNeeded));
        await cluster.CutAsync([0], [1, 2, 3], heal: true);
        await cluster.CutAsync([1], [2, 3], heal: true);
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.VotesReachable == 5);
        Assert.Equal("v", (await client.GetAsync("k")).Result!.Text);
        Assert.True((await client.PutAsync("k", "x")).IsDone);
    }

    [Fact]
    public async Task All_nodes_dead_a_write_ends_at_its_deadline_as_unknown_or_refused_and_a_get_refused()
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var client = await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[1]}");
        Assert.True((await client.PutAsync("k", "v")).IsDone);
        for (var node = 0; node < 4; node++) await cluster.CrashAsync(node);
        var clock = Stopwatch.StartNew();
        var put = client.PutAsync("k", "w", TimeSpan.FromMilliseconds(800)).AsTask();
        var get = client.GetAsync("k", TimeSpan.FromMilliseconds(800)).AsTask();
        using var stop = new CancellationTokenSource();
        var cancelled = client.PutAsync("k", "w", TimeSpan.FromSeconds(60), stop.Token).AsTask();
        Assert.False((await put).IsDone);
        Assert.IsType<Refused<Entry?>>(await get);
        Assert.InRange(clock.ElapsedMilliseconds, 700, 3000);
        await stop.CancelAsync();
        Assert.False((await cancelled.WaitAsync(TimeSpan.FromSeconds(3))).IsDone);
        var closed = client.PutAsync("k", "w", TimeSpan.FromSeconds(60)).AsTask();
        await client.DisposeAsync();
        Assert.False((await closed.WaitAsync(TimeSpan.FromSeconds(3))).IsDone);
    }

    [Fact]
    public async Task Operations_at_the_node_of_the_own_process_are_answered_when_its_system_ends()
    {
        await using var cluster = await TestCluster.StartAsync();
        var client = FirecloudClient.For(cluster.System(2));
        await cluster.CutAsync([2], [0, 1, 3]);
        var calls = Enumerable.Range(0, 50).Select(i => client.PutAsync($"k{i}", "v", TimeSpan.FromMinutes(5)).AsTask()).ToArray();
        await cluster.CrashAsync(2);
        var answers = await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(5));
        Assert.All(answers, a => Assert.False(a.IsDone));
        Assert.IsType<Refused<Version>>(await client.PutAsync("k", "v").AsTask().WaitAsync(TimeSpan.FromSeconds(5)));
    }
}
