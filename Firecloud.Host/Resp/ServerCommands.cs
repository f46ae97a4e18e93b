using System.Globalization;
using System.Text;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Commands about the server.</summary>
internal static class ServerCommands
{
    /// <summary>The version of Redis whose commands clients may expect: they look at it.</summary>
    public const string RedisVersion = "7.2.4";

    private const string Group = "server";

    // About what a record takes in memory beside key and value.
    private const int RecordCost = 300;

    public static readonly CommandSpec[] All =
    [
        new("INFO", -1, CommandFlags.None)
        {
            Syntax = "[section …]", Group = Group,
            Summary = "Figures of this node, by section: server, clients, memory, stats, replication, cpu, keyspace, firecloud.",
            Differs = "Only fields that mean something here. Every node calls itself master: any takes writes.", Run = RespInfo.RunAsync,
        },
        new("CONFIG", -2, CommandFlags.None)
        {
            Syntax = "GET pattern …", Group = Group, Since = "2.0.0", Subcommands = ["GET"],
            Summary = "Some settings under the names that clients ask for.",
            Differs = "SET, REWRITE and RESETSTAT are refused: settings are in the node's HOCON file.", Plan = Config,
        },
        new("TIME", 1, CommandFlags.Fast)
        {
            Group = Group, Since = "2.6.0", Summary = "This node's clock: seconds since 1970, and microseconds.", Plan = _ => Time,
        },
        new("DBSIZE", 1, CommandFlags.ReadOnly | CommandFlags.Fast)
        {
            Group = Group, Summary = "How many keys this node's replica holds.",
            Atomicity = "A count of this node alone: not linearizable. It may lag behind, and counts deleted keys until they are forgotten.",
            Differs = "Redis counts exactly.", Plan = call => writer => writer.Integer(call.Server.Node.Counters.Keys),
        },
        new("MEMORY", -2, CommandFlags.ReadOnly)
        {
            Syntax = "USAGE key [SAMPLES count]", Group = Group, Since = "4.0.0", Keys = new KeyPositions(2, 2, 1), Subcommands = ["USAGE"],
            Summary = "About how many bytes a key takes on each member.", Differs = "An estimate of ours. DOCTOR, STATS and the like are not there.",
            Plan = Memory,
        },
    ];

    private static Answer Config(CommandCall call)
    {
        if (call.Is(1, "GET") && call.Count > 2) return ConfigGet(call);
        if (call.Is(1, "GET")) return Fail(RespErrors.WrongArity("config|get"));
        return call.Is(1, "SET") || call.Is(1, "REWRITE") || call.Is(1, "RESETSTAT")
            ? Fail("ERR Settings can't be changed here: they are in the node's HOCON file, section firecloud, and are read at its start.")
            : Fail(RespErrors.UnknownSubcommand("CONFIG", call[1]));
    }

    private static Answer ConfigGet(CommandCall call)
    {
        var patterns = call.Arguments[2..];
        var settings = call.Server.Settings;
        var found = Settings(settings).Where(s => patterns.Any(p => Glob.Matches(p, Encoding.UTF8.GetBytes(s.Name), ignoreCase: true))).ToList();
        return writer =>
        {
            writer.Map(found.Count);
            foreach (var (name, value) in found)
            {
                writer.Bulk(name);
                writer.Bulk(value);
            }
        };
    }

    // What clients ask for: none of them changes what Firecloud does.
    private static IEnumerable<(string Name, string Value)> Settings(Actors.Node.RespSettings settings) =>
    [
        ("appendonly", "yes"),
        ("databases", "1"),
        ("maxclients", Number(settings.MaxClients)),
        ("maxmemory", "0"),
        ("maxmemory-policy", "noeviction"),
        ("port", Number(settings.Port)),
        ("proto-max-bulk-len", Number(settings.MaxQueryBytes)),
        ("replica-read-only", "no"),
        ("save", ""),
        ("slave-read-only", "no"),
        ("timeout", Number(settings.IdleTimeoutMs / 1000)),
    ];

    private static void Time(RespWriter writer)
    {
        var micros = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        writer.Array(2);
        writer.Bulk(Number(micros / 1_000_000));
        writer.Bulk(Number(micros % 1_000_000));
    }

    private static Answer Memory(CommandCall call)
    {
        if (!call.Is(1, "USAGE")) return Fail(RespErrors.UnknownSubcommand("MEMORY", call[1]));
        if (call.Count < 3) return Fail(RespErrors.WrongArity("memory|usage"));
        if (call.Count > 3)
        {
            if (call.Count != 5 || !call.Is(3, "SAMPLES")) return Fail(RespErrors.Syntax);
            if (!call.TryInteger(4, out var samples)) return Fail(RespErrors.NotAnInteger);
            if (samples < 0) return Fail(RespErrors.Syntax);
        }
        var get = call.Submit(call[2], Operation.Get);
        return writer =>
        {
            if (get.Error is { } error) writer.Error(error);
            else if (get.Result.Value is { } value) writer.Integer(value.Length + get.Key.Length + RecordCost);
            else writer.Null();
        };
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static Answer Fail(string error) => writer => writer.Error(error);
}
