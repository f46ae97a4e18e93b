using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>INCR and its kin.</summary>
internal static class CounterCommands
{
    private const CommandFlags Flags = CommandFlags.Write | CommandFlags.Fast;
    private const string Numbers = "A value like +5 or 007 is a number here; Redis wants it written 5 or 7.";

    private static readonly Update AddDecimal = new() { Change = UpdateChange.AddDecimal, ReturnsNew = true };

    public static readonly CommandSpec[] All =
    [
        Row("INCR", 2, "key", "Adds 1 to a whole number of 64 bits; an absent key counts as 0.", _ => 1),
        Row("DECR", 2, "key", "Takes 1 off.", _ => -1),
        Row("INCRBY", 3, "key number", "Adds a number.", call => call.TryInteger(2, out var number) ? number : null),
        Row("DECRBY", 3, "key number", "Takes a number off.", call => call.TryInteger(2, out var number) ? unchecked(-number) : null),
        new("INCRBYFLOAT", 3, Flags)
        {
            Syntax = "key number", Group = "string", Since = "2.6.0", Keys = KeyPositions.One, Summary = "Adds a decimal number; an absent key counts as 0. The sum.",
            Differs = "Decimal numbers are added exactly, to 28 digits, 17 of them behind the point: 0.1 and 0.2 are 0.3. Redis computes with binary floating point, "
                + "so its last digits may differ. Beyond 1e28, and inf, nan and hexadecimal numbers, are refused.",
            Plan = AddFloat,
        },
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
        else writer.Error(request.Result.ValueKnown && RespNumber.TryRead(request.Result.Value ?? "0"u8, out _) ? RespErrors.Overflow : RespErrors.NotAnInteger);
    }

    private static Answer AddFloat(CommandCall call)
    {
        if (!Decimals.TryRead(call[2], out _)) return writer => writer.Error(RespErrors.NotAFloat);
        var request = call.Submit(call[1], Operation.Of(AddDecimal, call[2]));
        return writer =>
        {
            if (request.Error is { } error) writer.Error(error);
            else if (!request.Applied) writer.Error(WhyNotAdded(request));
            else if (request.Result.ValueKnown) writer.Bulk(request.Result.Value);
            else writer.Error(RespErrors.NotKept);
        };
    }

    private static string WhyNotAdded(RespRequest request)
    {
        var isNumber = request.Result is { ValueKnown: true, Value: var value } && (value is null || Decimals.TryRead(value, out _));
        return isNumber ? "ERR increment would leave the range of -1e28 to 1e28" : RespErrors.NotAFloat;
    }
}
