using System.Text;

namespace Firecloud.Host.Resp;

/// <summary>COMMAND: the table, told to clients.</summary>
internal static class CommandCommand
{
    private static readonly string[] Names = ["COUNT", "DOCS", "GETKEYS", "INFO", "LIST"];

    public static readonly CommandSpec[] All =
    [
        new("COMMAND", -1, CommandFlags.None)
        {
            Syntax = "[COUNT | DOCS [name …] | INFO [name …] | LIST [FILTERBY PATTERN pattern] | GETKEYS command …]", Group = "server", Since = "2.8.13",
            Subcommands = Names, Summary = "Says which commands there are.",
            Differs = "Arguments are not described one by one. Of LIST's filters only PATTERN finds anything.", Plan = Run,
        },
    ];

    private static Answer Run(CommandCall call)
    {
        if (call.Count == 1) return writer => WriteInfo(writer, CommandTable.Served);
        var names = call.Arguments[2..];
        switch (Encoding.UTF8.GetString(call[1]).ToUpperInvariant())
        {
            case "COUNT" when call.Count == 2: return writer => writer.Integer(CommandTable.Served.Count);
            case "INFO" when call.Count == 2: return writer => WriteInfo(writer, CommandTable.Served);
            case "INFO": return writer => WriteInfo(writer, names.Select(Served).ToList());
            case "DOCS": return writer => WriteDocs(writer, names.Length == 0 ? CommandTable.Served : [.. names.Select(Served).OfType<CommandSpec>()]);
            case "LIST": return List(call);
            case "GETKEYS" when call.Count > 3: return GetKeys(names);
            case var name when Names.Contains(name): return Fail(RespErrors.WrongArity($"command|{name.ToLowerInvariant()}"));
            default: return Fail(RespErrors.UnknownSubcommand("COMMAND", call[1]));
        }
    }

    private static CommandSpec? Served(byte[] name) => CommandTable.Find(name) is { } spec && spec.Group != RefusedCommands.Group ? spec : null;

    private static Answer List(CommandCall call)
    {
        var served = CommandTable.Served.AsEnumerable();
        if (call.Count > 2)
        {
            if (call.Count != 5 || !call.Is(2, "FILTERBY")) return Fail(RespErrors.Syntax);
            if (call.Is(3, "PATTERN")) served = served.Where(s => Glob.Matches(call[4], Encoding.UTF8.GetBytes(s.Name), ignoreCase: true));
            else if (call.Is(3, "MODULE") || call.Is(3, "ACLCAT")) served = [];
            else return Fail(RespErrors.Syntax);
        }
        var names = served.Select(s => s.LowerName).ToList();
        return writer =>
        {
            writer.Set(names.Count);
            foreach (var name in names) writer.Bulk(name);
        };
    }

    private static Answer GetKeys(byte[][] command)
    {
        if (Served(command[0]) is not { } spec) return Fail("ERR Invalid command specified");
        if (!spec.Takes(command.Length)) return Fail("ERR Invalid number of arguments specified for command");
        var keys = spec.Keys.Of(command).ToList();
        if (keys.Count == 0) return Fail("ERR The command has no key arguments");
        return writer =>
        {
            writer.Array(keys.Count);
            foreach (var key in keys) writer.Bulk(key.AsSpan());
        };
    }

    // Name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands.
    private static void WriteInfo(RespWriter writer, IReadOnlyList<CommandSpec?> specs)
    {
        writer.Array(specs.Count);
        foreach (var spec in specs)
        {
            if (spec is null)
            {
                writer.Null();
                continue;
            }
            var flags = spec.FlagNames().ToList();
            writer.Array(10);
            writer.Bulk(spec.LowerName);
            writer.Integer(spec.Arity);
            writer.Set(flags.Count);
            foreach (var flag in flags) writer.Simple(flag);
            writer.Integer(spec.Keys.First);
            writer.Integer(spec.Keys.Last);
            writer.Integer(spec.Keys.Step);
            writer.Set(1);
            writer.Simple("@" + (spec.Group == "generic" ? "keyspace" : spec.Group));
            for (var i = 0; i < 3; i++) writer.Array(0);
        }
    }

    private static void WriteDocs(RespWriter writer, IReadOnlyList<CommandSpec> specs)
    {
        writer.Map(specs.Count);
        foreach (var spec in specs)
        {
            writer.Bulk(spec.LowerName);
            writer.Map(3);
            writer.Bulk("summary");
            writer.Bulk(spec.Summary);
            writer.Bulk("since");
            writer.Bulk(spec.Since);
            writer.Bulk("group");
            writer.Bulk(spec.Group);
        }
    }

    private static Answer Fail(string error) => writer => writer.Error(error);
}
