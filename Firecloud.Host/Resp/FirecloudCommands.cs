using System.Text;
using Akka.Actor;
using Firecloud.Actors.Master;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>What Redis has no commands for.</summary>
internal static class FirecloudCommands
{
    private const string Group = "firecloud";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static readonly CommandSpec[] All =
    [
        new("FIRECLOUD.GET", 2, CommandFlags.ReadOnly | CommandFlags.Fast)
        {
            Syntax = "key", Group = Group, Since = RespInfo.Version, Keys = KeyPositions.One,
            Summary = "Value and version, for FIRECLOUD.CAS; of an absent key null and `none`. Versions of a key only grow, also across its deletion.",
            Plan = Get,
        },
        new("FIRECLOUD.CAS", 4, CommandFlags.Write | CommandFlags.Fast)
        {
            Syntax = "key version value", Group = Group, Since = RespInfo.Version, Keys = KeyPositions.One,
            Summary = "Sets the value if the key's version is this one (`none`: if it is absent). The new version, or null where it is another. "
                + "Harmless to repeat after UNKNOWN: no version is met twice.",
            Plan = CompareAndSet,
        },
        new("FIRECLOUD.STATUS", 1, CommandFlags.None)
        {
            Group = Group, Since = RespInfo.Version, Summary = "This node's status as JSON: docs/operations.md, Status.", Run = call => StatusAsync(call, WriteJson),
        },
        new("FIRECLOUD.NODES", 1, CommandFlags.None)
        {
            Group = Group, Since = RespInfo.Version, Summary = "Every member as this node sees it: node, address, votes, master, reachable, voting, full, route.",
            Run = call => StatusAsync(call, WriteNodes),
        },
    ];

    private static Answer Get(CommandCall call)
    {
        var get = call.Submit(call[1], Operation.Get);
        return writer =>
        {
            if (get.Error is { } error)
            {
                writer.Error(error);
                return;
            }
            writer.Array(2);
            writer.Bulk(get.Result.Value);
            writer.Bulk(get.Result.Version.ToString());
        };
    }

    private static Answer CompareAndSet(CommandCall call)
    {
        if (!Version.TryParse(call.Text(2), out var version))
        {
            return writer => writer.Error($"ERR '{RespErrors.Shown(call[2])}' is not a version; give one that FIRECLOUD.GET answered, or none for an absent key.");
        }
        var swap = call.Submit(call[1], Operation.CompareAndSet(version, call[3]));
        return writer =>
        {
            if (swap.Error is { } error) writer.Error(error);
            else if (swap.Applied) writer.Bulk(swap.Result.Version.ToString());
            else writer.Null();
        };
    }

    private static async Task<Answer> StatusAsync(CommandCall call, Action<RespWriter, NodeStatus> write)
    {
        try
        {
            var status = await call.Server.Node.StatusAsync(Patience).WaitAsync(call.Server.Stopping);
            return writer => write(writer, status);
        }
        catch (AskTimeoutException)
        {
            return writer => writer.Error($"TIMEDOUT {call.Spec.Name}: the node did not say its status within {Patience.TotalSeconds:0} s. Try again.");
        }
    }

    private static void WriteJson(RespWriter writer, NodeStatus status) => writer.Verbatim(Encoding.UTF8.GetString(status.ToJson()));

    private static void WriteNodes(RespWriter writer, NodeStatus status)
    {
        writer.Array(status.Members.Count);
        foreach (var member in status.Members)
        {
            writer.Map(8);
            writer.Bulk("node");
            writer.Integer(member.Node);
            writer.Bulk("address");
            writer.Bulk(member.Address);
            writer.Bulk("votes");
            writer.Integer(member.Votes);
            writer.Bulk("master");
            writer.Flag(member.Master);
            writer.Bulk("reachable");
            writer.Flag(member.Reachable);
            writer.Bulk("voting");
            writer.Flag(member.Voting);
            writer.Bulk("full");
            writer.Flag(member.Full);
            writer.Bulk("route");
            writer.Bulk(member.Route ?? "itself");
        }
    }
}
