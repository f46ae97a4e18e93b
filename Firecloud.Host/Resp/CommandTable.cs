// CommandTable.cs - every command that Firecloud knows. The rows are beside the code that runs them; here they come together.
using System.Collections.Frozen;
using System.Text;

namespace Firecloud.Host.Resp;

/// <summary>The commands.</summary>
internal static class CommandTable
{
    private const int LongestName = 32;

    /// <summary>Stands for a command that is none.</summary>
    public static readonly CommandSpec Unknown = new("UNKNOWN", -1, CommandFlags.None) { Summary = "", Group = "" };

    private static readonly FrozenDictionary<string, CommandSpec> ByName =
        ((IEnumerable<CommandSpec>)[
            .. ConnectionCommands.All, .. ClientCommand.All, .. ServerCommands.All, .. CommandCommand.All, .. StringCommands.All,
            .. PartCommands.All, .. CounterCommands.All, .. KeyCommands.All, .. ExpiryCommands.All, .. ScanCommands.All, .. FirecloudCommands.All,
            .. LockCommands.All, .. RefusedCommands.All])
        .ToFrozenDictionary(c => c.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>All that are served, by name.</summary>
    public static IReadOnlyList<CommandSpec> Served { get; } =
        [.. ByName.Values.Where(c => c.Group != RefusedCommands.Group).OrderBy(c => c.Name, StringComparer.Ordinal)];

    /// <summary>A command, or null.</summary>
    /// <param name="name">In any letters.</param>
    public static CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > LongestName) return null;
        Span<char> text = stackalloc char[LongestName];
        var length = Encoding.Latin1.GetChars(name, text);
        return ByName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[..length], out var spec) ? spec : null;
    }
}
