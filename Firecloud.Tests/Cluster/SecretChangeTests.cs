using Firecloud.Actors.Transport;
using Firecloud.Client;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Cluster;

/// <summary>A secret is changed for good in a running cluster, as docs/operations.md says, under load.</summary>
public sealed class SecretChangeTests(ITestOutputHelper output)
{
    private const string Old = "an old secret of the members";
    private const string New = "the new secret of the members";

    [Fact]
    public async Task A_secret_is_replaced_node_by_node_while_the_cluster_serves()
    {
        await using var cluster = await TestCluster.StartAsync(settings: Secrets(Old));
        var (oldClients, newClients) = (KeyRing.ClientSecret(Old), KeyRing.ClientSecret(New));
        await RunAsync(cluster, oldClients, () => RestartAllAsync(cluster, Secrets(New, Old)));
        await RunAsync(cluster, newClients, () => RestartAllAsync(cluster, Secrets(New)));
        string[] nodes = [.. cluster.Ports.Select(p => $"127.0.0.1:{p}")];
        await using (var client = await ConnectAsync(nodes, newClients)) Assert.IsType<Done<Firecloud.Actors.Protocol.Version>>(await client.PutAsync("k", "v"));
        foreach (var secret in new[] { oldClients, Old })
        {
            await Assert.ThrowsAsync<FirecloudException>(() => ConnectAsync(nodes, secret, 1_000));
        }
        foreach (var node in cluster.Up) Assert.True((await UdpTransport.StatisticsOf(cluster.System(node)))!.WrongKey > 0, $"node {node} refused nothing");
    }

    private static async Task RestartAllAsync(TestCluster cluster, string settings)
    {
        for (var node = 0; node < cluster.Count; node++)
        {
            await cluster.CrashAsync(node);
            cluster.StartNode(node, settings);
            foreach (var each in cluster.Up) await cluster.UntilAsync(each, s => s.Members.All(m => m is { Reachable: true, Voting: true }));
        }
    }

    private async Task RunAsync(TestCluster cluster, string secret, Func<Task> change)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var result = await new CheckedLoad([.. cluster.Ports.Select(p => $"127.0.0.1:{p}")], keys: 40, seed, secret: secret, prefix: $"{seed} ").RunAsync(change);
        output.WriteLine($"{result}");
        Assert.True(result.Done > 100, $"{result}");
        Assert.Equal(0, result.Refused);
    }

    private static Task<FirecloudClient> ConnectAsync(string[] nodes, string secret, int patienceMs = 10_000) => FirecloudClient.ConnectAsync(
        nodes, new FirecloudClientOptions { Secret = secret, ConnectTimeout = TimeSpan.FromMilliseconds(patienceMs) });

    private static string Secrets(params string[] secrets) =>
        $"\nakka.remote.firecloud-udp.secrets = [{string.Join(", ", secrets.Select(s => $"\"{s}\""))}]\n";
}
