using System.Diagnostics;
using Firecloud.Client;
using Firecloud.Tests.Processes;

namespace Firecloud.Tests.Lab;

/// <summary>Nodes of Firecloud.Host, sealed, on disk, with default settings. Clients of one node speak the Redis protocol.</summary>
internal sealed class FirecloudStore : LabStore
{
    private const int Port = 8808;
    private const int RespPort = 7379;
    private const string Secret = "secret-of-the-lab-only";

    private readonly string[] _addresses;

    public FirecloudStore(LabNetwork network, int members, string? settings) : base(network, members)
    {
        Votes = members == 4 ? [2, 1, 1, 1] : [.. Enumerable.Repeat(1, members)];
        _addresses = [.. Enumerable.Range(0, members).Select(i => $"{network.Address(i)}:{Port}")];
        for (var i = 0; i < members; i++) File.WriteAllText(ConfigFile(i), Settings(i) + (settings is null ? "" : $"include \"{settings}\"\n"));
    }

    public override IReadOnlyList<int> Votes { get; }

    public override bool Counts => true;

    public override ProcessStartInfo Start(int member) => Network.Inside(member, "dotnet", Command.HostDll, "--config", ConfigFile(member));

    public override async Task ReadyAsync()
    {
        await using var client = await ConnectAsync();
        var clock = Stopwatch.StartNew();
        var missing = "";
        while (clock.Elapsed < Patience)
        {
            missing = "";
            foreach (var address in _addresses)
            {
                try
                {
                    var status = await client.StatusAsync(address, TimeSpan.FromSeconds(1));
                    if (!status.Members.All(m => m is { Reachable: true, Voting: true })) missing = $"{address} does not see every member vote.";
                }
                catch (FirecloudException e)
                {
                    missing = e.Message;
                }
            }
            if (missing.Length == 0) return;
            await Task.Delay(50);
        }
        throw new TimeoutException(missing);
    }

    public override Task<int> MasterAsync() => Task.FromResult(0);

    public override ILabClient ClientOf(int member) => new RespLabClient(Network.Address(member), RespPort);

    public override async Task<ILabClient> ClientOfAllAsync() => new LibraryLabClient(await ConnectAsync());

    private Task<FirecloudClient> ConnectAsync() =>
        FirecloudClient.ConnectAsync(_addresses, new FirecloudClientOptions { Secret = Secret, ConnectTimeout = Patience });

    private string ConfigFile(int member) => Path.Combine(Network.Slot.Folder, $"node-{member}.conf");

    private string Settings(int member) => $$"""
        akka.remote.firecloud-udp.secrets = ["{{Secret}}"]
        firecloud {
          node = {{member}}
          members = [{{string.Join(", ", _addresses.Select(a => $"\"{a}\""))}}]
          votes = [{{string.Join(", ", Votes)}}]
          storage.folder = "{{FolderOf(member)}}"
          resp {
            listen = "{{Network.Address(member)}}:{{RespPort}}"
            protected-mode = off
          }
        }

        """;
}
