using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Commands that read and write values.</summary>
internal static class StringCommands
{
    public const string LacksExpiry = "values that expire";
    public const string LacksConditions = "conditional writes other than 'absent' and 'equal'";

    private const string Group = "string";
    private const string EachByItself = "Each key by itself, at moments of their own between call and answer.";

    private const CommandFlags Write = CommandFlags.Write;
    private const CommandFlags Read = CommandFlags.ReadOnly;
    private const CommandFlags Fast = CommandFlags.Fast;

    public static readonly CommandSpec[] All =
    [
        new("GET", 2, Read | Fast)
        {
            Syntax = "key", Group = Group, Keys = KeyPositions.One, Summary = "The value, or null. Linearizable, at every node.",
            Plan = call => Value(call.Submit(call[1], Operation.Get)),
        },
        new("SET", -3, Write)
        {
            Syntax = "key value [NX | IFEQ value] [GET]", Group = Group, Keys = KeyPositions.One,
            Summary = "Sets the value: always, only where there is none (NX), or only where it is another given one (IFEQ).",
            Differs = "IFEQ is Valkey's; Redis 7 has no such option. Where IFEQ does not hold the answer is null.",
            Lacks = "EX, PX, EXAT, PXAT and KEEPTTL (" + LacksExpiry + "), and XX (" + LacksConditions + ")", Plan = Set,
        },
        new("GETSET", 3, Write | Fast)
        {
            Syntax = "key value", Group = Group, Keys = KeyPositions.One, Summary = "Sets the value and answers the one before.",
            Plan = call => Old(call.Submit(call[1], Operation.Put(call[2], returnsOld: true))),
        },
        new("GETDEL", 2, Write | Fast)
        {
            Syntax = "key", Group = Group, Since = "6.2.0", Keys = KeyPositions.One, Summary = "Removes the key and answers its value.",
            Plan = call => Old(call.Submit(call[1], Operation.Delete(returnsOld: true))),
        },
        new("GETEX", -2, Write | Fast)
        {
            Syntax = "key", Group = Group, Since = "6.2.0", Keys = KeyPositions.One, Summary = "The value, or null.",
            Lacks = "EX, PX, EXAT, PXAT and PERSIST (" + LacksExpiry + ")", Plan = GetEx,
        },
        new("SETNX", 3, Write | Fast)
        {
            Syntax = "key value", Group = Group, Keys = KeyPositions.One, Summary = "Sets the value where there is none: 1, else 0.",
            Plan = call => Flag(call.Submit(call[1], Operation.CompareAndSet(null, call[2]))),
        },
        new("MGET", -2, Read | Fast)
        {
            Syntax = "key [key …]", Group = Group, Keys = KeyPositions.All, Summary = "The values, null for each that is absent.",
            Atomicity = EachByItself, Differs = "At Redis all values are of one moment.", Plan = MGet,
        },
        new("MSET", -3, Write)
        {
            Syntax = "key value [key value …]", Group = Group, Since = "1.0.1", Keys = KeyPositions.Pairs, Summary = "Sets values.",
            Atomicity = EachByItself + " When only some are done the answer is PARTIAL or UNKNOWN; the same MSET again is harmless.",
            Differs = "At Redis all are set at one moment, or none.", Plan = MSet,
        },
        new("STRLEN", 2, Read | Fast)
        {
            Syntax = "key", Group = Group, Since = "2.2.0", Keys = KeyPositions.One, Summary = "The value's length in bytes; 0 for none.", Plan = StrLen,
        },
        new("GETRANGE", 4, Read)
        {
            Syntax = "key start end", Group = Group, Since = "2.4.0", Keys = KeyPositions.One,
            Summary = "Part of the value, both ends included; negative from its end. The whole value is read.", Plan = GetRange,
        },
        new("SUBSTR", 4, Read)
        {
            Syntax = "key start end", Group = Group, Keys = KeyPositions.One, Summary = "GETRANGE by its old name.", Plan = GetRange,
        },
    ];

    /// <summary>The value of a get.</summary>
    public static Answer Value(RespRequest get) => writer =>
    {
        if (get.Error is { } error) writer.Error(error);
        else writer.Bulk(get.Result.Value);
    };

    /// <summary>1 where it did what it says.</summary>
    public static Answer Flag(RespRequest request) => writer =>
    {
        if (request.Error is { } error) writer.Error(error);
        else writer.Flag(request.Applied);
    };

    /// <summary>The value before a write.</summary>
    public static Answer Old(RespRequest request) => writer =>
    {
        if (request.Error is { } error) writer.Error(error);
        else if (!request.Result.ValueKnown && request.Applied) writer.Error("UNKNOWN It is done, but the value before it is not kept any more: it was done by an earlier attempt, and later writes of the key have replaced it. Don't write it again for that.");
        else writer.Bulk(request.Result.Value);
    };

    private static Answer Set(CommandCall call)
    {
        if (SetOptions.TryRead(call, out var error) is not { } options) return writer => writer.Error(error);
        if (options.ExpiryOption is not null || options.KeepsExpiry) return Lacking($"SET with {options.ExpiryOption ?? "KEEPTTL"}", LacksExpiry);
        if (options.IfPresent) return Lacking("SET with XX", LacksConditions);
        if (options.IfAbsent || options.IfEqual is not null)
        {
            var swap = call.Submit(call[1], Operation.CompareAndSet(options.IfEqual, call[2]));
            return options.ReturnsOld ? OldOfSwap(swap, options) : writer => WriteSwap(writer, swap);
        }
        var put = call.Submit(call[1], Operation.Put(call[2], options.ReturnsOld));
        if (options.ReturnsOld) return Old(put);
        return writer =>
        {
            if (put.Error is { } wrong) writer.Error(wrong);
            else writer.Ok();
        };
    }

    private static void WriteSwap(RespWriter writer, RespRequest swap)
    {
        if (swap.Error is { } error) writer.Error(error);
        else if (swap.Applied) writer.Ok();
        else writer.Null();
    }

    // Where it was swapped the value before is the expected one.
    private static Answer OldOfSwap(RespRequest swap, SetOptions options)
    {
        var old = Old(swap);
        return writer =>
        {
            if (swap.Applied) writer.Bulk(options.IfEqual);
            else old(writer);
        };
    }

    private static Answer GetEx(CommandCall call)
    {
        if (call.Count == 2) return Value(call.Submit(call[1], Operation.Get));
        if (call.Count == 3 && call.Is(2, "PERSIST")) return Lacking("GETEX with PERSIST", LacksExpiry);
        if (call.Count != 4) return Fail(RespErrors.Syntax);
        var option = call.Text(2).ToUpperInvariant();
        if (option is not ("EX" or "PX" or "EXAT" or "PXAT")) return Fail(RespErrors.Syntax);
        if (!call.TryInteger(3, out var number)) return Fail(RespErrors.NotAnInteger);
        return SetOptions.WrongExpiry(option, number, "getex") is { } wrong ? Fail(wrong) : Lacking($"GETEX with {option}", LacksExpiry);
    }

    private static Answer MGet(CommandCall call)
    {
        var gets = call.Arguments[1..].Select(key => call.Submit(key, Operation.Get)).ToArray();
        return writer =>
        {
            if (FirstError(gets) is { } error)
            {
                writer.Error(error);
                return;
            }
            writer.Array(gets.Length);
            foreach (var get in gets) writer.Bulk(get.Result.Value);
        };
    }

    private static Answer MSet(CommandCall call)
    {
        if (call.Count % 2 == 0) return Fail(RespErrors.WrongArity("mset"));
        var puts = Enumerable.Range(0, call.Count / 2).Select(i => (Key: call[1 + (2 * i)], Value: call[2 + (2 * i)])).ToArray();
        // What is certainly refused is refused before anything is written.
        var limits = call.Server.Node.Settings.Limits;
        foreach (var (key, value) in puts)
        {
            if ((key.Length == 0 ? limits.Violation(0, 0) : limits.Violation(new Key(key), value.Length)) is { } wrong) return Fail($"ERR MSET: {wrong}");
        }
        var sent = puts.Select(p => call.Submit(p.Key, Operation.Put(p.Value))).ToArray();
        return writer =>
        {
            if (WhyPartial("MSET", sent) is { } error) writer.Error(error);
            else writer.Ok();
        };
    }

    /// <summary>The first error of several reads, or null.</summary>
    public static string? FirstError(RespRequest[] requests) => requests.Select(r => r.Error).FirstOrDefault(e => e is not null);

    /// <summary>What several writes came to where not all are done; null where all are.</summary>
    public static string? WhyPartial(string command, RespRequest[] requests)
    {
        if (FirstError(requests) is not { } error) return null;
        var done = requests.Count(r => r.Error is null);
        var unknown = requests.FirstOrDefault(r => r.Result.Kind == ResultKind.Unknown)?.Error;
        if (unknown is not null) return $"{unknown} Of its {requests.Length} keys {done} are done.";
        return done == 0 ? error : $"PARTIAL {command} is done for {done} of {requests.Length} keys. For another: {error}";
    }

    private static Answer StrLen(CommandCall call)
    {
        var get = call.Submit(call[1], Operation.Get);
        return writer =>
        {
            if (get.Error is { } error) writer.Error(error);
            else writer.Integer(get.Result.Value?.Length ?? 0);
        };
    }

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

    private static Answer Lacking(string command, string what) => Fail(RespErrors.Lacking(command, what));

    private static Answer Fail(string error) => writer => writer.Error(error);
}
