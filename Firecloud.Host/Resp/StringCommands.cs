using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Commands that read and write values.</summary>
internal static class StringCommands
{
    private const string Group = "string";
    private const string EachByItself = "Each key by itself, at moments of their own between call and answer.";

    private const CommandFlags Write = CommandFlags.Write;
    private const CommandFlags Read = CommandFlags.ReadOnly;
    private const CommandFlags Fast = CommandFlags.Fast;

    private static readonly Update ExpireAndGet = new() { Change = UpdateChange.Keep, Expiry = ExpiryRule.At, ReturnsNew = true };
    private static readonly Update PersistAndGet = ExpiryCommands.Stay with { ReturnsNew = true };

    public static readonly CommandSpec[] All =
    [
        new("GET", 2, Read | Fast)
        {
            Syntax = "key", Group = Group, Keys = KeyPositions.One, Summary = "The value, or null. Linearizable, at every node.",
            Plan = call => Value(call.Submit(call[1], Operation.Get)),
        },
        new("SET", -3, Write)
        {
            Syntax = "key value [NX | XX | IFEQ value] [GET] [EX seconds | PX milliseconds | EXAT seconds | PXAT milliseconds | KEEPTTL]",
            Group = Group, Keys = KeyPositions.One,
            Summary = "Sets the value: always, or only where there is none (NX), where there is one (XX), where it is another given one (IFEQ); null where "
                + "it is not set. GET: answers the value before instead. Without EX, PX, EXAT, PXAT and KEEPTTL the value never expires.",
            Differs = "IFEQ is Valkey's; Redis 7 has no such option. Where IFEQ does not hold the answer is null.", Plan = Set,
        },
        new("SETEX", 4, Write)
        {
            Syntax = "key seconds value", Group = Group, Since = "2.0.0", Keys = KeyPositions.One, Summary = "SET with EX.",
            Plan = call => SetWithExpiry(call, TimeForm.Seconds),
        },
        new("PSETEX", 4, Write)
        {
            Syntax = "key milliseconds value", Group = Group, Since = "2.6.0", Keys = KeyPositions.One, Summary = "SET with PX.",
            Plan = call => SetWithExpiry(call, TimeForm.Milliseconds),
        },
        new("GETSET", 3, Write | Fast)
        {
            Syntax = "key value", Group = Group, Keys = KeyPositions.One, Summary = "Sets the value, which never expires, and answers the one before.",
            Plan = call => Old(call.Submit(call[1], Operation.Put(call[2], returnsOld: true))),
        },
        new("GETDEL", 2, Write | Fast)
        {
            Syntax = "key", Group = Group, Since = "6.2.0", Keys = KeyPositions.One, Summary = "Removes the key and answers its value.",
            Plan = call => Old(call.Submit(call[1], Operation.Delete(returnsOld: true))),
        },
        new("GETEX", -2, Write | Fast)
        {
            Syntax = "key [EX seconds | PX milliseconds | EXAT seconds | PXAT milliseconds | PERSIST]", Group = Group, Since = "6.2.0", Keys = KeyPositions.One,
            Summary = "The value, or null, and lets it expire then, or never (PERSIST).", Plan = GetEx,
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

    /// <summary>The value before a write that nothing but a value's absence holds up.</summary>
    public static Answer Old(RespRequest request) => writer =>
    {
        if (request.Error is { } error) writer.Error(error);
        else if (request.Applied) Known(writer, request);
        else writer.Null();
    };

    // A retry may find that later writes have replaced what its first attempt had to tell.
    private static void Known(RespWriter writer, RespRequest request)
    {
        if (request.Result.ValueKnown) writer.Bulk(request.Result.Value);
        else writer.Error(RespErrors.NotKept);
    }

    private static Answer Set(CommandCall call)
    {
        if (call.Count == 3) return Ok(call.Submit(call[1], Operation.Put(call[2])));
        if (SetOptions.TryRead(call, out var error) is not { } options) return Fail(error);
        var request = call.Submit(call[1], options.ToOperation(call[2]));
        if (options.ReturnsOld) return OldOfSet(request, options);
        return options.Condition == UpdateCondition.None ? Ok(request) : OkOrNull(request);
    }

    private static Answer SetWithExpiry(CommandCall call, TimeForm form) => ExpiryTime.TryRead(call, 2, form, out var time) is { } wrong
        ? Fail(wrong)
        : Ok(call.Submit(call[1], time.On(Operation.Put(call[3]))));

    private static Answer Ok(RespRequest request) => writer =>
    {
        if (request.Error is { } error) writer.Error(error);
        else writer.Ok();
    };

    private static Answer OkOrNull(RespRequest request) => writer =>
    {
        if (request.Error is { } error) writer.Error(error);
        else if (request.Applied) writer.Ok();
        else writer.Null();
    };

    // Where it was set the condition says what was there before, if it says anything; where it was not, what is there is the answer.
    private static Answer OldOfSet(RespRequest request, SetOptions options) => options.Condition switch
    {
        UpdateCondition.Absent or UpdateCondition.ValueEquals => writer =>
        {
            if (request.Error is { } error) writer.Error(error);
            else if (request.Applied) writer.Bulk(options.IfEqual);
            else Known(writer, request);
        },
        _ => Old(request),
    };

    private static Answer GetEx(CommandCall call)
    {
        if (call.Count == 2) return Value(call.Submit(call[1], Operation.Get));
        if (call.Count == 3 && call.Is(2, "PERSIST")) return ValueLeft(call.Submit(call[1], Operation.Of(PersistAndGet)));
        if (call.Count != 4 || TimeForm.Of(call[2]) is not { } form) return Fail(RespErrors.Syntax);
        if (ExpiryTime.TryRead(call, 3, form, out var time) is { } wrong) return Fail(wrong);
        return ValueLeft(call.Submit(call[1], time.On(Operation.Of(ExpireAndGet))));
    }

    private static Answer ValueLeft(RespRequest update) => writer =>
    {
        if (update.Error is { } error) writer.Error(error);
        else Known(writer, update);
    };

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

    private static Answer Fail(string error) => writer => writer.Error(error);
}
