using System.Text;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Texts of errors. The first word is what clients look at; none of ours is one that they try again by themselves
/// (LOADING, TRYAGAIN, CLUSTERDOWN, MASTERDOWN, READONLY, MOVED, ASK).</summary>
internal static class RespErrors
{
    public const string Syntax = "ERR syntax error";
    public const string NotAnInteger = "ERR value is not an integer or out of range";
    public const string Overflow = "ERR increment or decrement would overflow";
    public const string NotLoggedIn = "NOAUTH Authentication required.";
    public const string WrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

    public const string NotAFloat = "ERR value is not a valid float";

    /// <summary>Done, by an earlier attempt of the node's own, but there is nothing left to tell of it.</summary>
    public const string NotKept = "UNKNOWN What it should answer is not known any more, though it is decided: an earlier attempt of this node's did it, and other writes "
        + "of the key have followed. Get the key before you write again.";

    private const int MaxShown = 128;

    /// <summary>Every first word that Firecloud has beside Redis' own, and what it means, for COMMANDS.md.</summary>
    public static IReadOnlyList<(string Word, string Meaning)> Words { get; } =
    [
        ("NOQUORUM", "Too few votes can be reached. Certainly not done; try again when `FIRECLOUD.NODES` shows enough."),
        ("BUSY", "Too much is under way at this node. Certainly not done; try again with fewer commands at a time."),
        ("TIMEDOUT", "No answer before `request-timeout`. Certainly not done, and never will be."),
        ("NOTREADY", "The node has no cluster yet, or is ending. Certainly not done; ask another node."),
        ("DISKFULL", "The disks of too many members are full. Certainly not done; gets and deletes go on."),
        ("UNKNOWN", "A write that may have been done, or may yet be; nobody can know. Get the key before you write it again."),
        ("PARTIAL", "A command over several keys was done for some of them; the text says for how many and why not for the others."),
        ("DENIED", "Protected mode: the server takes no strangers. The text says what to set."),
        ("NOPERM", "The user may not do this, or not with this key (`firecloud.resp.users`)."),
    ];

    /// <summary>An operation that was not done.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="result">Refused or unknown.</param>
    public static string Of(string command, in OperationResult result)
    {
        if (result.Kind == ResultKind.Unknown) return $"UNKNOWN {command} may have been done: {result.Message}";
        var word = result.Reason switch
        {
            RefusalReason.NoQuorum => "NOQUORUM",
            RefusalReason.Busy => "BUSY",
            RefusalReason.TimedOut => "TIMEDOUT",
            RefusalReason.NotReady => "NOTREADY",
            RefusalReason.DiskFull => "DISKFULL",
            _ => "ERR",
        };
        return $"{word} {command}: {result.Message}";
    }

    /// <summary>A command that nobody knows.</summary>
    public static string UnknownCommand(byte[][] arguments)
    {
        var text = new StringBuilder($"ERR unknown command '{Shown(arguments[0])}', with args beginning with: ");
        for (int i = 1, bytes = 0; i < arguments.Length && bytes < MaxShown; i++)
        {
            text.Append('\'').Append(Shown(arguments[i], MaxShown - bytes)).Append("' ");
            bytes += arguments[i].Length + 3;
        }
        return text.ToString();
    }

    public static string WrongArity(string command) => $"ERR wrong number of arguments for '{command}' command";

    public static string UnknownSubcommand(string command, byte[] name) => $"ERR unknown subcommand '{Shown(name)}'. Try {command} HELP.";

    /// <summary>A client's text in a line of the log: it can't begin another one.</summary>
    public static string Printable(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)) : text;

    /// <summary>A client's bytes in a message.</summary>
    public static string Shown(byte[] text, int most = MaxShown) => Encoding.UTF8.GetString(text.AsSpan(0, Math.Min(most, text.Length)));
}
