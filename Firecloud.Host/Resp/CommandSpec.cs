// CommandSpec.cs - one command as data: the server runs by it, COMMAND answers from it, docs/COMMANDS.md is printed from it.
namespace Firecloud.Host.Resp;

/// <summary>What a command does to whom; the words of Redis' COMMAND.</summary>
[Flags]
internal enum CommandFlags
{
    /// <summary>Nothing of the below.</summary>
    None = 0,

    /// <summary>May change keys.</summary>
    Write = 1,

    /// <summary>Reads keys.</summary>
    ReadOnly = 2,

    /// <summary>For operators.</summary>
    Admin = 4,

    /// <summary>Before the password is said.</summary>
    NoAuth = 8,

    /// <summary>Needs no work that grows with the store.</summary>
    Fast = 16,
}

/// <summary>Writes an answer, once everything that it needs is done.</summary>
/// <param name="writer">The client's.</param>
internal delegate void Answer(RespWriter writer);

/// <summary>Where the keys are among the arguments, as COMMAND says it: the name is 0.</summary>
/// <param name="First">The first key; 0 for no keys.</param>
/// <param name="Last">The last one; negative from the end.</param>
/// <param name="Step">From one to the next.</param>
internal readonly record struct KeyPositions(int First, int Last, int Step)
{
    /// <summary>One key, the first argument.</summary>
    public static KeyPositions One => new(1, 1, 1);

    /// <summary>All arguments are keys.</summary>
    public static KeyPositions All => new(1, -1, 1);

    /// <summary>Every second argument is a key.</summary>
    public static KeyPositions Pairs => new(1, -1, 2);

    /// <summary>The keys of a command.</summary>
    /// <param name="arguments">With its name.</param>
    public IEnumerable<byte[]> Of(byte[][] arguments)
    {
        if (First == 0) yield break;
        var last = Last < 0 ? arguments.Length + Last : Math.Min(Last, arguments.Length - 1);
        for (var i = First; i <= last; i += Step) yield return arguments[i];
    }
}

/// <summary>One command.</summary>
/// <param name="Name">In capitals.</param>
/// <param name="Arity">Arguments with the name; negative: at least so many.</param>
/// <param name="Flags">What it does.</param>
internal sealed record CommandSpec(string Name, int Arity, CommandFlags Flags)
{
    /// <summary>The name in small letters, as errors and COMMAND have it.</summary>
    public string LowerName { get; } = Name.ToLowerInvariant();

    /// <summary>Its arguments, for people.</summary>
    public string Syntax { get; init; } = "";

    /// <summary>What it does, in a sentence.</summary>
    public required string Summary { get; init; }

    /// <summary>Redis' groups: connection, server, string, generic; and firecloud.</summary>
    public required string Group { get; init; }

    /// <summary>The version of Redis that brought it; of Firecloud's own the version of Firecloud.</summary>
    public string Since { get; init; } = "1.0.0";

    /// <summary>Its keys.</summary>
    public KeyPositions Keys { get; init; }

    /// <summary>What happens at one moment, where that is not the whole command on its one key.</summary>
    public string? Atomicity { get; init; }

    /// <summary>What Redis does differently; every difference that the tests find is here.</summary>
    public string? Differs { get; init; }

    /// <summary>Names of what follows it, for CLIENT and the like.</summary>
    public IReadOnlyList<string> Subcommands { get; init; } = [];

    /// <summary>Puts its operations into the batch.</summary>
    public Func<CommandCall, Answer>? Plan { get; init; }

    /// <summary>Runs it by itself, when everything before it is answered: it changes the session, or takes several steps.</summary>
    public Func<CommandCall, Task<Answer>>? Run { get; init; }

    /// <summary>True for a number of arguments that it takes.</summary>
    /// <param name="count">With the name.</param>
    public bool Takes(int count) => Arity >= 0 ? count == Arity : count >= -Arity;

    /// <summary>The flags in Redis' words.</summary>
    public IEnumerable<string> FlagNames()
    {
        if (Flags.HasFlag(CommandFlags.Write)) yield return "write";
        if (Flags.HasFlag(CommandFlags.ReadOnly)) yield return "readonly";
        if (Flags.HasFlag(CommandFlags.Admin)) yield return "admin";
        if (Flags.HasFlag(CommandFlags.NoAuth)) yield return "no_auth";
        if (Flags.HasFlag(CommandFlags.Fast)) yield return "fast";
    }
}
