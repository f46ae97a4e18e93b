// LockCommands.cs - locks that end by themselves. A lock is a plain key whose value names its holder and which expires.
//
// TOKEN    the version of the write that took or renewed the lock, as text whose order is that of versions. Versions of a key only grow,
//          across its deletion and expiry too, so whoever takes the lock later has a higher token. Half of a version is a random number
//          (the boot of a ballot) that is needed to tell two lives of a node apart: no 64 bits would do.
using System.Globalization;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>FIRECLOUD.LOCK, RENEW and UNLOCK.</summary>
internal static class LockCommands
{
    private const CommandFlags Flags = CommandFlags.Write | CommandFlags.Fast;

    private static readonly Update Take = new() { If = UpdateCondition.Absent, Change = UpdateChange.Set, Expiry = ExpiryRule.At };
    private static readonly Update Keep = new() { If = UpdateCondition.ValueEquals, Change = UpdateChange.Keep, Expiry = ExpiryRule.At };

    public static readonly CommandSpec[] All =
    [
        Row("FIRECLOUD.LOCK", 4, "key holder milliseconds",
            "Takes the lock for so long if nobody has it, in the name of this holder: a fencing token, or null where somebody has it (the same holder, too).",
            call => Lock(call, Take, call[2])),
        Row("FIRECLOUD.RENEW", 4, "key holder milliseconds",
            "Lets the lock last so long from now, if this holder has it: a new token, higher than the one before; null where it has not. "
            + "After UNKNOWN it tells whether the lock was taken.",
            call => Lock(call, Keep, null)),
        Row("FIRECLOUD.UNLOCK", 3, "key holder", "Gives the lock back, if this holder has it: 1, else 0.",
            call => StringCommands.Flag(call.Submit(call[1], Operation.CompareAndSet(call[2], null)))),
    ];

    /// <summary>A version as text of 58 characters; compared as text, or byte by byte, tokens are in the order of versions.</summary>
    public static string Token(Version version) => string.Create(
        CultureInfo.InvariantCulture,
        $"{version.Ballot.Epoch:x8}{version.Ballot.Round:x16}{version.Ballot.Node:x2}{version.Ballot.Boot:x16}{version.Sequence:x16}");

    private static CommandSpec Row(string name, int arity, string syntax, string summary, Func<CommandCall, Answer> plan) => new(name, arity, Flags)
    {
        Syntax = syntax, Group = "firecloud", Since = RespInfo.Version, Keys = KeyPositions.One, Summary = summary, Plan = plan,
    };

    private static Answer Lock(CommandCall call, Update update, byte[]? value)
    {
        if (ExpiryTime.TryRead(call, 3, TimeForm.Milliseconds, out var time) is { } wrong) return writer => writer.Error(wrong);
        var operation = Operation.Of(update, value) with { Expected = value is null ? call[2] : null };
        var request = call.Submit(call[1], time.On(operation));
        return writer =>
        {
            if (request.Error is { } error) writer.Error(error);
            else if (request.Applied) writer.Bulk(Token(request.Result.Version));
            else writer.Null();
        };
    }
}
