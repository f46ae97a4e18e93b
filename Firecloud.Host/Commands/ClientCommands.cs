using System.CommandLine;
using System.CommandLine.Parsing;
using Firecloud.Actors.Node;
using Firecloud.Client;

namespace Firecloud.Host.Commands;

/// <summary>get, put, delete, cas, incr, status: one operation each, for people and scripts.</summary>
internal static class ClientCommands
{
    private static readonly string[] DefaultNodes = ["127.0.0.1:8808", "127.0.0.1:8809", "127.0.0.1:8810", "127.0.0.1:8811"];

    private static readonly Option<string[]> Nodes = new("--node")
    {
        Description = "host:port of a node, as in its settings; may be repeated. Default: FIRECLOUD_NODES, else 127.0.0.1:8808 to 8811.",
        DefaultValueFactory = _ => NodesOfEnvironment(),
        Validators = { result => CheckNodes(result, result.GetValueOrDefault<string[]>()) },
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    private static readonly Option<int> Timeout = new("--timeout")
    {
        Description = "Milliseconds for the operation, 10 to 600000.",
        DefaultValueFactory = _ => 5000,
        Validators = { CheckTimeout },
    };

    public static IEnumerable<Command> All() =>
        [Get(), Put(), Delete(), CompareAndSet(), Increment(), StatusCommand.Create(Nodes, Json, Timeout), .. BackupCommands.All(Nodes, Json)];

    private static Command Get()
    {
        var key = Key();
        var command = Base("get", "Print a key's value. Exit code 1 when it is absent.", key);
        command.SetAction((parsed, stop) => RunAsync(parsed, async (client, time) =>
            Printer.Entry(await client.GetAsync(parsed.GetValue(key)!, time, stop), parsed.GetValue(Json))));
        return command;
    }

    private static Command Put()
    {
        var (key, value) = (Key(), new Argument<string>("VALUE") { Description = "The value, as UTF-8." });
        var old = new Option<bool>("--old") { Description = "Print the value before." };
        var command = Base("put", "Set a key.", key, value);
        command.Options.Add(old);
        command.SetAction((parsed, stop) => RunAsync(parsed, async (client, time) => parsed.GetValue(old)
            ? Printer.Replaced(await client.PutReturningOldAsync(parsed.GetValue(key)!, parsed.GetValue(value)!, time, stop), parsed.GetValue(Json))
            : Printer.Written(await client.PutAsync(parsed.GetValue(key)!, parsed.GetValue(value)!, time, stop), parsed.GetValue(Json))));
        return command;
    }

    private static Command Delete()
    {
        var key = Key();
        var old = new Option<bool>("--old") { Description = "Print the value before. Exit code 1 when there was none." };
        var command = Base("delete", "Remove a key.", key);
        command.Options.Add(old);
        command.SetAction((parsed, stop) => RunAsync(parsed, async (client, time) => parsed.GetValue(old)
            ? Printer.Removed(await client.DeleteReturningOldAsync(parsed.GetValue(key)!, time, stop), parsed.GetValue(Json))
            : Printer.Done(await client.DeleteAsync(parsed.GetValue(key)!, time, stop), parsed.GetValue(Json))));
        return command;
    }

    private static Command CompareAndSet()
    {
        var (key, value) = (Key(), new Argument<string?>("VALUE") { Description = "The new value.", Arity = ArgumentArity.ZeroOrOne });
        var expected = new Option<string?>("--expected") { Description = "The value that must be there." };
        var version = new Option<string?>("--version-is") { Description = "The version that must be there, as get prints it; none for an absent key." };
        var absent = new Option<bool>("--absent") { Description = "The key must be absent." };
        var delete = new Option<bool>("--delete") { Description = "Remove the key instead of setting it." };
        var command = Base("cas", "Set a key if its value or version is the expected one. Exit code 1 when it is not.", key, value);
        foreach (var option in new Option[] { expected, version, absent, delete }) command.Options.Add(option);
        command.Validators.Add(result =>
        {
            var conditions = new[] { result.GetValue(expected) is not null, result.GetValue(version) is not null, result.GetValue(absent) };
            if (conditions.Count(c => c) != 1) result.AddError("Say one of --expected VALUE, --version-is VERSION, --absent.");
            if (result.GetValue(version) is { } text && !Version.TryParse(text, out _)) result.AddError($"'{text}' is not a version; copy it from get --json.");
            if (result.GetValue(value) is null != result.GetValue(delete)) result.AddError("Give the new VALUE, or --delete.");
        });
        command.SetAction((parsed, stop) => RunAsync(parsed, async (client, time) =>
        {
            var next = Optional(parsed.GetValue(value));
            var before = Optional(parsed.GetValue(expected));
            var answer = Version.TryParse(parsed.GetValue(version), out var number)
                ? await client.CompareAndSetAsync(parsed.GetValue(key)!, number, next, time, stop)
                : await client.CompareAndSetAsync(parsed.GetValue(key)!, before, next, time, stop);
            return Printer.Swap(answer, parsed.GetValue(Json));
        }));
        return command;
    }

    private static Command Increment()
    {
        var key = Key();
        var delta = new Argument<long>("DELTA") { Description = "What to add.", DefaultValueFactory = _ => 1 };
        var command = Base("incr", "Add to a whole number; an absent key counts as 0.", key, delta);
        command.SetAction((parsed, stop) => RunAsync(parsed, async (client, time) =>
            Printer.Number(await client.IncrementAsync(parsed.GetValue(key)!, parsed.GetValue(delta), time, stop), parsed.GetValue(Json))));
        return command;
    }

    private static StoreValue? Optional(string? text) => text is null ? default(StoreValue?) : StoreValue.FromString(text);

    private static Argument<string> Key() => new("KEY") { Description = "The key, as UTF-8." };

    private static Command Base(string name, string description, params Argument[] arguments)
    {
        var command = new Command(name, description);
        foreach (var argument in arguments) command.Arguments.Add(argument);
        command.Options.Add(Nodes);
        command.Options.Add(Json);
        command.Options.Add(Timeout);
        SecretOptions.AddTo(command);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<FirecloudClient, TimeSpan, Task<int>> run)
    {
        try
        {
            var time = TimeSpan.FromMilliseconds(parsed.GetValue(Timeout));
            var options = SecretOptions.For(parsed, new FirecloudClientOptions { OperationTimeout = time, ConnectTimeout = time });
            await using var client = await FirecloudClient.ConnectAsync(parsed.GetValue(Nodes)!, options);
            return await run(client, time);
        }
        catch (FirecloudException e)
        {
            return Printer.Failure("refused", e.Message, parsed.GetValue(Json), ExitCodes.Refused);
        }
    }

    /// <summary>Adds an error for every text that is not an address.</summary>
    public static void CheckNodes(OptionResult result, string[] nodes)
    {
        if (nodes.Length == 0) result.AddError("No node was named; give --node host:port, or set FIRECLOUD_NODES.");
        foreach (var node in nodes)
        {
            if (NodeSettings.TryReadAddress(node, out _) is { } wrong) result.AddError(wrong);
        }
    }

    private static void CheckTimeout(OptionResult result)
    {
        // What is not a number at all is said by the parser.
        if (result.Tokens.Count == 0 || !int.TryParse(result.Tokens[0].Value, out var time) || time is >= 10 and <= 600_000) return;
        result.AddError($"--timeout {time}: 10 to 600000 milliseconds are allowed.");
    }

    private static string[] NodesOfEnvironment() =>
        Environment.GetEnvironmentVariable("FIRECLOUD_NODES")?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) ?? DefaultNodes;
}
