using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Commands about a part of a value.</summary>
internal static class PartCommands
{
    private const string Group = "string";

    private static readonly Update AtTheEnd = new() { Change = UpdateChange.Append };

    public static readonly CommandSpec[] All =
    [
        new("APPEND", 3, CommandFlags.Write | CommandFlags.Fast)
        {
            Syntax = "key value", Group = Group, Since = "2.0.0", Keys = KeyPositions.One,
            Summary = "Adds to the end of the value, an absent one counts as empty; the length it has then.",
            Plan = call => Length(call, call.Submit(call[1], Operation.Of(AtTheEnd, call[2]))),
        },
        new("SETRANGE", 4, CommandFlags.Write)
        {
            Syntax = "key offset value", Group = Group, Since = "2.2.0", Keys = KeyPositions.One,
            Summary = "Overwrites a part of the value, with zero bytes before it where the value is shorter; the length it has then.",
            Differs = "What would be longer than the longest value (`limits.value`, 1 MiB by default) is refused; at Redis that is 512 MiB.",
            Plan = SetRange,
        },
        new("STRLEN", 2, CommandFlags.ReadOnly | CommandFlags.Fast)
        {
            Syntax = "key", Group = Group, Since = "2.2.0", Keys = KeyPositions.One, Summary = "The value's length in bytes; 0 for none.",
            Plan = call => LengthOf(call.Submit(call[1], Operation.Get)),
        },
        new("GETRANGE", 4, CommandFlags.ReadOnly)
        {
            Syntax = "key start end", Group = Group, Since = "2.4.0", Keys = KeyPositions.One,
            Summary = "Part of the value, both ends included; negative from its end. The whole value is read.", Plan = GetRange,
        },
        new("SUBSTR", 4, CommandFlags.ReadOnly)
        {
            Syntax = "key start end", Group = Group, Keys = KeyPositions.One, Summary = "GETRANGE by its old name.", Plan = GetRange,
        },
    ];

    private static Answer SetRange(CommandCall call)
    {
        if (!call.TryInteger(2, out var offset)) return Fail(RespErrors.NotAnInteger);
        if (offset < 0) return Fail("ERR offset is out of range");
        // Nothing to write: what is there stays, and its length is the answer.
        if (call[3].Length == 0) return LengthOf(call.Submit(call[1], Operation.Get));
        if (offset > int.MaxValue) return Fail(TooLong(call));
        var update = new Update { Change = UpdateChange.SetRange, Offset = (int)offset };
        return Length(call, call.Submit(call[1], Operation.Of(update, call[3])));
    }

    private static Answer Length(CommandCall call, RespRequest update) => writer =>
    {
        if (update.Error is { } error) writer.Error(error);
        else if (update.Applied) writer.Integer(update.Result.Number);
        else writer.Error(TooLong(call));
    };

    // Its first words are Redis' own.
    private static string TooLong(CommandCall call) =>
        $"ERR string exceeds maximum allowed size: {call.Spec.Name} would leave more than {call.Server.Node.Settings.Limits.Value} bytes (firecloud.limits.value). Nothing was changed.";

    private static Answer LengthOf(RespRequest get) => writer =>
    {
        if (get.Error is { } error) writer.Error(error);
        else writer.Integer(get.Result.Value?.Length ?? 0);
    };

    private static Answer GetRange(CommandCall call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var end)) return Fail(RespErrors.NotAnInteger);
        var get = call.Submit(call[1], Operation.Get);
        return writer =>
        {
            if (get.Error is { } error) writer.Error(error);
            else writer.Bulk(Range(get.Result.Value, start, end));
        };
    }

    // Both ends are included, and moved into the value; what lies wholly beside it is nothing.
    private static ReadOnlySpan<byte> Range(ReadOnlySpan<byte> value, long start, long end)
    {
        if (start < 0 && end < 0 && start > end) return [];
        start = Math.Max(0, start < 0 ? start + value.Length : start);
        end = Math.Min(value.Length - 1, Math.Max(0, end < 0 ? end + value.Length : end));
        return start > end || value.IsEmpty ? [] : value[(int)start..(int)(end + 1)];
    }

    private static Answer Fail(string error) => writer => writer.Error(error);
}
