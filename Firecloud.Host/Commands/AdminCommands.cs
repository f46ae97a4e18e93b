using System.CommandLine;
using Firecloud.Actors.Wire;
using Firecloud.Client;

namespace Firecloud.Host.Commands;

/// <summary>recover --force and bootstrap: an operator's word where the nodes may not decide by themselves.</summary>
internal static class AdminCommands
{
    private static readonly Option<string> Node = new("--node")
    {
        Description = "host:port of the node that shall do it.",
        Required = true,
        Validators = { result => ClientCommands.CheckNodes(result, [result.GetValueOrDefault<string>()]) },
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    public static IEnumerable<Command> All()
    {
        var force = new Option<bool>("--force") { Description = "Yes, data that only missing members hold may be lost." };
        yield return Create(
            "recover",
            "Make a node that lost its memory go on without a quorum of memory. Writes that were answered done may be lost, and keys may "
            + "show older values. Only when the missing members will not come back.",
            AdminOrder.ForceRecovery,
            force);
        yield return Create(
            "bootstrap",
            "Found a new cluster at a node though not all members are there. Only when the missing members hold no older cluster.",
            AdminOrder.Bootstrap);
    }

    private static Command Create(string name, string description, AdminOrder order, params Option[] options)
    {
        var command = new Command(name, description);
        foreach (var option in (Option[])[Node, Json, .. options]) command.Options.Add(option);
        SecretOptions.AddTo(command);
        foreach (var word in options.OfType<Option<bool>>())
        {
            command.Validators.Add(result =>
            {
                if (!result.GetValue(word)) result.AddError($"{name} needs {word.Name}: {word.Description}");
            });
        }
        command.SetAction((parsed, stop) => RunAsync(parsed.GetValue(Node)!, order, parsed.GetValue(Json), SecretOptions.For(parsed, new FirecloudClientOptions())));
        return command;
    }

    private static async Task<int> RunAsync(string node, AdminOrder order, bool json, FirecloudClientOptions options)
    {
        try
        {
            await using var client = await FirecloudClient.ConnectAsync([node], options);
            var reply = await client.OrderAsync(node, order, TimeSpan.FromSeconds(5));
            if (!reply.Done) return Printer.Failure("refused", reply.Message, json, ExitCodes.Refused);
            return Printer.Answered(json, ExitCodes.Done, reply.Message, ("message", reply.Message));
        }
        catch (FirecloudException e)
        {
            return Printer.Failure("refused", e.Message, json, ExitCodes.Refused);
        }
    }
}
