using System.CommandLine;
using System.Text.Json.Nodes;
using Firecloud.Actors.Master;
using Firecloud.Client;

namespace Firecloud.Host.Commands;

/// <summary>status: what each node says of itself and the others.</summary>
internal static class StatusCommand
{
    public static Command Create(Option<string[]> nodes, Option<bool> json, Option<int> timeout)
    {
        var command = new Command("status", "Print what each node says. Exit code 1 when one does not serve or does not answer.");
        command.Options.Add(nodes);
        command.Options.Add(json);
        command.Options.Add(timeout);
        SecretOptions.AddTo(command);
        command.SetAction((parsed, stop) =>
        {
            var time = TimeSpan.FromMilliseconds(parsed.GetValue(timeout));
            var options = SecretOptions.For(parsed, new FirecloudClientOptions { ConnectTimeout = time, OperationTimeout = time });
            return RunAsync(parsed.GetValue(nodes)!, parsed.GetValue(json), time, options);
        });
        return command;
    }

    private static async Task<int> RunAsync(string[] nodes, bool json, TimeSpan time, FirecloudClientOptions options)
    {
        try
        {
            await using var client = await FirecloudClient.ConnectAsync(nodes, options);
            var patience = time < TimeSpan.FromSeconds(1) ? time : TimeSpan.FromSeconds(1);
            var answers = await Task.WhenAll(nodes.Select(n => AskAsync(client, n, patience)));
            if (json) Console.WriteLine(new JsonArray([.. answers.Select(ToJson)]).ToJsonString(new() { WriteIndented = true }));
            else foreach (var answer in answers) Print(answer);
            return answers.All(a => a.Status is { Serving: true }) ? ExitCodes.Done : ExitCodes.No;
        }
        catch (FirecloudException e)
        {
            return Printer.Failure("refused", e.Message, json, ExitCodes.Refused);
        }
    }

    private static async Task<(string Node, NodeStatus? Status)> AskAsync(FirecloudClient client, string node, TimeSpan patience)
    {
        try
        {
            return (node, await client.StatusAsync(node, patience));
        }
        catch (FirecloudException)
        {
            return (node, null);
        }
    }

    private static JsonNode? ToJson((string Node, NodeStatus? Status) answer) => answer.Status is null
        ? new JsonObject { ["address"] = answer.Node, ["state"] = "silent" }
        : JsonNode.Parse(answer.Status.ToJson());

    private static string Way(MemberStatus member) =>
        member is { Reachable: true, Route: { } route } && route.StartsWith("via", StringComparison.Ordinal) ? $" {route}" : "";

    private static void Print((string Node, NodeStatus? Status) answer)
    {
        if (answer.Status is not { } status)
        {
            Console.WriteLine($"{answer.Node}  silent");
            return;
        }
        var serving = status.Serving ? "serves" : "refuses";
        Console.WriteLine(
            $"{status.Address}  {status.State}, {serving}: {status.VotesReachable} votes in reach, {status.VotesNeeded} needed; "
            + $"{status.Counters["keys"]} keys, owns {status.Counters["shardsHeld"]} of {status.Shards} shards");
        if (status.Why is not null) Console.WriteLine($"  {status.Why}");
        foreach (var member in status.Members)
        {
            var seen = member.Node == status.Node ? "itself" : member.Reachable ? "reached" : "silent";
            Console.WriteLine(
                $"  n{member.Node} {member.Address}  {member.Votes} vote{(member.Votes == 1 ? "" : "s")}{(member.Master ? ", master" : "")}  "
                + $"{seen}{Way(member)}{(member.Voting ? "" : ", not voting")}");
        }
    }
}
