using Firecloud.Bench.Peers.Etcd;

namespace Firecloud.Bench.Peers;

/// <summary>A store and a way to it that takes part in a comparison.</summary>
/// <param name="Id">As files and options have it.</param>
/// <param name="Title">As people read it.</param>
/// <param name="Durable">Whether writes are on disks before they are answered.</param>
internal sealed record Contender(string Id, string Title, bool Durable)
{
    public static readonly Contender DiskLibrary = new("disk", "Firecloud, library", true);
    public static readonly Contender DiskResp = new("disk-resp", "Firecloud, RESP", true);
    public static readonly Contender Etcd = new("etcd", "etcd", true);
    public static readonly Contender RedisSynced = new("redis-synced", "Redis, synced and WAIT 2", true);
    public static readonly Contender MemoryLibrary = new("memory", "Firecloud in memory, library", false);
    public static readonly Contender MemoryResp = new("memory-resp", "Firecloud in memory, RESP", false);
    public static readonly Contender RedisAsync = new("redis-async", "Redis, asynchronous", false);
    public static readonly Contender DistributedData = new("ddata", "Akka.DistributedData, majority", false) { Alone = true };
    public static readonly Contender Plain = new("plain", "plain datagrams", false);

    /// <summary>Stopped after each of its runs, because it is not idle when nobody asks it anything.</summary>
    public bool Alone { get; private init; }

    public static readonly Contender[] All =
        [DiskLibrary, DiskResp, Etcd, RedisSynced, MemoryLibrary, MemoryResp, RedisAsync, DistributedData, Plain];

    /// <summary>Those that an option names, in the order of all.</summary>
    /// <param name="only">Ids with commas between, or null for all.</param>
    /// <param name="all">Of these.</param>
    /// <exception cref="BenchException">One is none of them.</exception>
    public static Contender[] Chosen(string? only, Contender[] all)
    {
        if (only is null) return all;
        var ids = only.Split(',', StringSplitOptions.TrimEntries);
        var wrong = ids.FirstOrDefault(id => all.All(c => c.Id != id));
        if (wrong is not null) throw new BenchException($"--only: '{wrong}' is none of {string.Join(", ", all.Select(c => c.Id))}.");
        return [.. all.Where(c => ids.Contains(c.Id))];
    }
}

/// <summary>The stores of a comparison. Each is started when it is first asked for and then runs to the end, idle while others are measured.</summary>
internal sealed class Arena : IAsyncDisposable
{
    private readonly WorkFolder _folder = new();
    private readonly Dictionary<string, FirecloudServers> _nodes = [];
    private readonly Dictionary<Contender, IPeer> _peers = [];

    /// <summary>Says what is missing of the programs that are compared.</summary>
    /// <exception cref="BenchException">One is not installed.</exception>
    public static void CheckInstalled(IEnumerable<Contender> contenders)
    {
        var needed = contenders.ToList();
        var missing = new List<string>();
        if (needed.Contains(Contender.Etcd) && !Exists("etcd")) missing.Add("etcd-server");
        if ((needed.Contains(Contender.RedisSynced) || needed.Contains(Contender.RedisAsync)) && !Exists("redis-server")) missing.Add("redis-server");
        if (missing.Count == 0) return;
        throw new BenchException($"Not installed: {string.Join(", ", missing)}. On Debian: RUNLEVEL=1 apt-get install {string.Join(' ', missing)}");

        static bool Exists(string program) =>
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
    }

    public async Task<IPeer> GetAsync(Contender contender)
    {
        if (_peers.TryGetValue(contender, out var running)) return running;
        var peer = await StartAsync(contender);
        _peers.Add(contender, peer);
        return peer;
    }

    /// <summary>Ends a store before the end.</summary>
    public async Task StopAsync(Contender contender)
    {
        if (!_peers.Remove(contender, out var peer)) return;
        await peer.DisposeAsync();
        if (!IsOurs(contender)) return;
        if (_peers.Keys.Any(other => IsOurs(other) && other.Durable == contender.Durable)) return;   // another way to the same nodes
        if (_nodes.Remove(NodesName(contender), out var nodes)) await nodes.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers.Values) await peer.DisposeAsync();
        foreach (var nodes in _nodes.Values) await nodes.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<IPeer> StartAsync(Contender contender)
    {
        if (contender == Contender.DistributedData) return await DistributedDataPeer.StartAsync();
        if (contender == Contender.Plain) return new PlainQuorum();
        if (contender == Contender.Etcd) return await EtcdServers.StartAsync(_folder.Sub(contender.Id));
        if (contender == Contender.RedisSynced) return await RedisServers.StartAsync(_folder.Sub(contender.Id), RedisSafety.SyncedAndWaited);
        if (contender == Contender.RedisAsync) return await RedisServers.StartAsync(_folder.Sub(contender.Id), RedisSafety.Asynchronous);
        var name = NodesName(contender);
        if (!_nodes.TryGetValue(name, out var nodes)) _nodes.Add(name, nodes = await FirecloudServers.StartAsync(_folder.Sub(name), contender.Durable));
        return contender == Contender.DiskLibrary || contender == Contender.MemoryLibrary ? new FirecloudLibrary(nodes) : new FirecloudResp(nodes);
    }

    private static string NodesName(Contender contender) => contender.Durable ? "firecloud-disk" : "firecloud-memory";

    private static bool IsOurs(Contender contender) => contender.Title.StartsWith("Firecloud", StringComparison.Ordinal);
}
