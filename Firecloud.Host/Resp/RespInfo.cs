using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Akka.Actor;
using Firecloud.Actors.Master;

namespace Firecloud.Host.Resp;

/// <summary>INFO.</summary>
internal static class RespInfo
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly string[] Sections = ["server", "clients", "memory", "persistence", "stats", "replication", "cpu", "keyspace", "firecloud"];

    /// <summary>Firecloud's own version.</summary>
    public static string Version { get; } =
        typeof(RespInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    public static async Task<Answer> RunAsync(CommandCall call)
    {
        var asked = call.Arguments.Skip(1).Select(a => Encoding.UTF8.GetString(a).ToLowerInvariant()).ToHashSet();
        var all = asked.Count == 0 || asked.Overlaps(["all", "default", "everything"]);
        var text = new StringBuilder();
        foreach (var section in Sections.Where(s => all || asked.Contains(s)))
        {
            if (text.Length > 0) text.Append("\r\n");
            text.Append(CultureInfo.InvariantCulture, $"# {char.ToUpperInvariant(section[0])}{section[1..]}\r\n");
            foreach (var (name, value) in await FieldsAsync(section, call.Server)) text.Append(CultureInfo.InvariantCulture, $"{name}:{value}\r\n");
        }
        return writer => writer.Verbatim(text.ToString());
    }

    private static async Task<IReadOnlyList<(string Name, object Value)>> FieldsAsync(string section, RespServer server) => section switch
    {
        "server" => Server(server),
        "clients" => [("connected_clients", server.ClientCount), ("maxclients", server.Settings.MaxClients), ("blocked_clients", 0)],
        "memory" => [("used_memory", GC.GetTotalMemory(false)), ("used_memory_rss", Environment.WorkingSet), ("maxmemory", 0), ("maxmemory_policy", "noeviction")],
        "persistence" => [("loading", 0), ("aof_enabled", server.Node.Settings.Storage.IsOnDisk ? 1 : 0)],
        "stats" =>
        [
            ("total_connections_received", server.Counters.Connections),
            ("total_commands_processed", server.Counters.Commands),
            ("total_net_output_bytes", server.Counters.Output),
            ("rejected_connections", server.Counters.Rejected),
            ("protocol_errors", server.Counters.ProtocolErrors),
        ],
        "replication" => [("role", "master"), ("connected_slaves", 0)],
        "cpu" => Cpu(),
        "keyspace" => server.Node.Counters.Keys is > 0 and var keys ? [("db0", $"keys={keys},expires=0,avg_ttl=0")] : [],
        _ => await FirecloudAsync(server),
    };

    private static (string, object)[] Server(RespServer server)
    {
        var uptime = (Environment.TickCount64 - server.StartedMs) / 1000;
        return
        [
            ("redis_version", ServerCommands.RedisVersion),
            ("firecloud_version", Version),
            ("redis_mode", "standalone"),
            ("os", RuntimeInformation.OSDescription),
            ("arch_bits", 64),
            ("process_id", Environment.ProcessId),
            ("tcp_port", server.Address.Port),
            ("uptime_in_seconds", uptime),
            ("uptime_in_days", uptime / 86_400),
        ];
    }

    private static (string, object)[] Cpu()
    {
        using var process = Process.GetCurrentProcess();
        return [("used_cpu_sys", process.PrivilegedProcessorTime.TotalSeconds), ("used_cpu_user", process.UserProcessorTime.TotalSeconds)];
    }

    private static async Task<IReadOnlyList<(string, object)>> FirecloudAsync(RespServer server)
    {
        NodeStatus status;
        try
        {
            status = await server.Node.StatusAsync(Patience);
        }
        catch (AskTimeoutException)
        {
            return [("state", "does not answer")];
        }
        return
        [
            ("node", status.Node),
            ("address", status.Address),
            ("cluster", status.Cluster ?? "none"),
            ("state", status.State),
            ("serving", status.Serving ? 1 : 0),
            ("votes_reachable", status.VotesReachable),
            ("votes_needed", status.VotesNeeded),
            ("shards", status.Shards),
            ("shards_held", status.Counters.GetValueOrDefault("shardsHeld")),
            ("requests_taken", status.Counters.GetValueOrDefault("requestsTaken")),
        ];
    }
}
