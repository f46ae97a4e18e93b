// RespLoadTests.cs - nodes are killed under clients with pipelines: every answer is right, or says that nobody can know.
using Firecloud.Tests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Resp;

public sealed class RespLoadTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_node_killed_under_pipelining_clients_leaves_a_linearizable_history()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        await using var cluster = await RespCluster.StartAsync();
        var load = new PipelinedLoad(node => cluster.IsUp(node) ? cluster.Port(node) : 0, 4, seed);
        output.WriteLine(await load.RunAsync(async () =>
        {
            await load.UntilAsync(200);
            await cluster.CrashAsync(1);
            await load.UntilAsync(400);
        }));
    }

    [Fact]
    public async Task Processes_killed_under_pipelining_clients_leave_a_linearizable_history()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var ports = RespCluster.FreePorts(4);
        await using var cluster = await ProcessCluster.StartAsync(respPorts: ports);
        var load = new PipelinedLoad(node => cluster.Up.Contains(node) ? ports[node] : 0, 4, seed);
        output.WriteLine(await load.RunAsync(async () =>
        {
            await load.UntilAsync(200);
            await cluster.Node(2).KillAsync();
            await load.UntilAsync(300);
            cluster.Start(2);
            await cluster.UntilAsync(2, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
            // The one with two votes, which is the master too.
            await cluster.Node(0).KillAsync();
            await load.UntilAsync(300);
        }));
    }
}
