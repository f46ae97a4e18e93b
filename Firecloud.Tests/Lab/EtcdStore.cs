// EtcdStore.cs - members of etcd with its default settings (heartbeat 100 ms, election 1 s). Clients use its gateway of HTTP and JSON, which
// every member serves on its client port: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Firecloud.Tests.Processes;

namespace Firecloud.Tests.Lab;

/// <summary>Members of etcd.</summary>
internal sealed class EtcdStore(LabNetwork network, int members) : LabStore(network, members)
{
    private readonly HashSet<int> _replaced = [];

    public override IReadOnlyList<int> Votes { get; } = [.. Enumerable.Repeat(1, members)];

    public override bool Counts => false;

    public override ProcessStartInfo Start(int member)
    {
        var info = Network.Inside(
            member, "etcd", "--name", Name(member), "--data-dir", FolderOf(member), "--log-level", "warn",
            "--listen-peer-urls", PeerUrl(member), "--initial-advertise-peer-urls", PeerUrl(member),
            "--listen-client-urls", ClientUrl(member), "--advertise-client-urls", ClientUrl(member),
            "--initial-cluster", string.Join(',', Enumerable.Range(0, Members).Select(i => $"{Name(i)}={PeerUrl(i)}")),
            "--initial-cluster-state", _replaced.Contains(member) ? "existing" : "new");
        return info;
    }

    // As its documentation says: a member whose disk is lost is removed, and added as a new one.
    public override async Task ReplaceAsync(int member)
    {
        var other = ClientUrl((member + 1) % Members);
        var lines = (await EtcdctlAsync(other, "member", "list")).Split('\n');
        var id = lines.Single(l => l.Contains($" {Name(member)},", StringComparison.Ordinal)).Split(',')[0];
        await EtcdctlAsync(other, "member", "remove", id);
        await EtcdctlAsync(other, "member", "add", Name(member), $"--peer-urls={PeerUrl(member)}");
        _replaced.Add(member);
    }

    public override async Task ReadyAsync()
    {
        var clock = Stopwatch.StartNew();
        for (var member = 0; member < Members; member++)
        {
            await using var client = ClientOf(member);
            while (true)
            {
                var answer = await client.RunAsync(Checker.Operation.Put(0, $"ready{member}", "1"), TimeSpan.FromSeconds(2));
                if (answer.Error is null) break;
                if (clock.Elapsed > Patience) throw new TimeoutException($"{ClientUrl(member)} does not serve: {answer.Error}.");
                await Task.Delay(50);
            }
        }
    }

    public override async Task<int> MasterAsync()
    {
        using var http = new HttpClient();
        for (var member = 0; member < Members; member++)
        {
            using var reply = await http.PostAsync($"{ClientUrl(member)}/v3/maintenance/status", new StringContent("{}"));
            using var status = JsonDocument.Parse(await reply.Content.ReadAsStringAsync());
            var leader = status.RootElement.GetProperty("leader").GetString();
            if (status.RootElement.GetProperty("header").GetProperty("member_id").GetString() == leader) return member;
        }
        throw new InvalidOperationException("No member of etcd says that it leads.");
    }

    public override ILabClient ClientOf(int member) => new EtcdLabClient([ClientUrl(member)]);

    public override Task<ILabClient> ClientOfAllAsync() =>
        Task.FromResult<ILabClient>(new EtcdLabClient([.. Enumerable.Range(0, Members).Select(ClientUrl)]));

    private static string Name(int member) => string.Create(CultureInfo.InvariantCulture, $"m{member}");

    private string PeerUrl(int member) => $"http://{Network.Address(member)}:2380";

    private string ClientUrl(int member) => $"http://{Network.Address(member)}:2379";

    private static async Task<string> EtcdctlAsync(string endpoint, params string[] arguments)
    {
        var info = Command.Program("etcdctl", ["--endpoints", endpoint, .. arguments]);
        info.Environment["ETCDCTL_API"] = "3";
        var finished = await Command.RunAsync(info);
        return finished.ExitCode == 0 ? finished.Output : throw new InvalidOperationException($"etcdctl {string.Join(' ', arguments)}: {finished.Errors}");
    }
}
