using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>INCR and its kin.</summary>
internal static class CounterCommands
{
    private const CommandFlags Flags = CommandFlags.Write | CommandFlags.Fast;
    private const string Numbers = "A value like +5 or 007 is a number here; Redis wants it written 5 or 7.";

    public static readonly CommandSpec[] All =
    [
        Row("INCR", 2, "key", "Adds 1 to a whole number of 64 bits; an absent key counts as 0.", _ => 1),
        Row("DECR", 2, "key", "Takes 1 off.", _ => -1),
        Row("INCRBY", 3, "key number", "Adds a number.", call => call.TryInteger(2, out var number) ? number : null),
        Row("DECRBY", 3, "key number", "Takes a number off.", call => call.TryInteger(2, out var number) ? unchecked(-number) : null),
    ];

    private static CommandSpec Row(string name, int arity, string syntax, string summary, Func<CommandCall, long?> delta) => new(name, arity, Flags)
    {
        Syntax = syntax, Group = "string", Keys = KeyPositions.One, Summary = summary, Differs = Numbers, Plan = call => Add(call, delta(call)),
    };

    private static Answer Add(CommandCall call, long? delta)
    {
        if (delta is not { } number) return writer => writer.Error(RespErrors.NotAnInteger);
        // The one number that has no opposite.
        if (number == long.MinValue && call.Spec.Name == "DECRBY") return writer => writer.Error("ERR decrement would overflow");
        var request = call.Submit(call[1], Operation.Increment(number));
        return writer => Write(writer, request);
    }

    private static void Write(RespWriter writer, RespRequest request)
    {
        if (request.Error is { } error) writer.Error(error);
        else if (request.Applied) writer.Integer(request.Result.Number);
        else writer.Error(RespNumber.TryRead(request.Result.Value ?? "0"u8, out _) ? RespErrors.Overflow : RespErrors.NotAnInteger);
    }
}
