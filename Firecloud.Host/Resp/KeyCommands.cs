using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Commands about keys, whatever their value.</summary>
internal static class KeyCommands
{
    private const string Group = "generic";
    private const string EachByItself = "Each key by itself, at moments of their own between call and answer.";

    private const CommandFlags Write = CommandFlags.Write;
    private const CommandFlags Read = CommandFlags.ReadOnly;
    private const CommandFlags Fast = CommandFlags.Fast;

    public static readonly CommandSpec[] All =
    [
        new("DEL", -2, Write)
        {
            Syntax = "key [key …]", Group = Group, Keys = KeyPositions.All, Summary = "Removes keys; how many there were.",
            Atomicity = EachByItself + " When only some are done the answer is PARTIAL or UNKNOWN.", Plan = Delete,
        },
        new("UNLINK", -2, Write | Fast)
        {
            Syntax = "key [key …]", Group = Group, Since = "4.0.0", Keys = KeyPositions.All, Summary = "The same as DEL.",
            Atomicity = EachByItself + " When only some are done the answer is PARTIAL or UNKNOWN.", Plan = Delete,
        },
        new("DELIFEQ", 3, Write | Fast)
        {
            Syntax = "key value", Group = Group, Since = "9.0.0", Keys = KeyPositions.One,
            Summary = "Removes the key if its value is this one: 1, else 0.", Differs = "Valkey's; Redis 7 does not know it.",
            Plan = call => StringCommands.Flag(call.Submit(call[1], Operation.CompareAndSet(call[2], null))),
        },
        new("EXISTS", -2, Read | Fast)
        {
            Syntax = "key [key …]", Group = Group, Keys = KeyPositions.All, Summary = "How many of the keys are there; one named twice counts twice.",
            Atomicity = EachByItself, Plan = Count,
        },
        new("TOUCH", -2, Read | Fast)
        {
            Syntax = "key [key …]", Group = Group, Since = "3.2.1", Keys = KeyPositions.All, Summary = "The same as EXISTS: nothing is evicted here.",
            Atomicity = EachByItself, Plan = Count,
        },
        new("TYPE", 2, Read | Fast)
        {
            Syntax = "key", Group = Group, Keys = KeyPositions.One, Summary = "string, or none.", Plan = Type,
        },
        new("COPY", -3, Write)
        {
            Syntax = "source destination [DB 0] [REPLACE]", Group = Group, Since = "6.2.0", Keys = new KeyPositions(1, 2, 1),
            Summary = "Copies a value, and when it expires, to another key: 1, or 0 when there is none, or the other is there and REPLACE is not said.",
            Atomicity = "Two steps: a get of the one, then a conditional put of the other.",
            Differs = "At Redis both happen at one moment. There is one database.", Run = CopyAsync,
        },
    ];

    private static Answer Delete(CommandCall call)
    {
        var deletes = call.Arguments[1..].Select(key => call.Submit(key, Operation.Delete(returnsOld: true))).ToArray();
        return writer =>
        {
            if (StringCommands.WhyPartial(call.Spec.Name, deletes) is { } error) writer.Error(error);
            else writer.Integer(deletes.Count(d => d.Applied));
        };
    }

    private static Answer Count(CommandCall call)
    {
        var gets = call.Arguments[1..].Select(key => call.Submit(key, Operation.Get)).ToArray();
        return writer =>
        {
            if (StringCommands.FirstError(gets) is { } error) writer.Error(error);
            else writer.Integer(gets.Count(g => g.Result.Value is not null));
        };
    }

    private static Answer Type(CommandCall call)
    {
        var get = call.Submit(call[1], Operation.Get);
        return writer =>
        {
            if (get.Error is { } error) writer.Error(error);
            else writer.Simple(get.Result.Value is null ? "none" : "string");
        };
    }

    private static async Task<Answer> CopyAsync(CommandCall call)
    {
        var replaces = false;
        for (var i = 3; i < call.Count; i++)
        {
            if (call.Is(i, "REPLACE"))
            {
                replaces = true;
            }
            else if (call.Is(i, "DB") && i + 1 < call.Count)
            {
                if (!call.TryInteger(++i, out var database)) return Fail(RespErrors.NotAnInteger);
                if (database != 0) return Fail("ERR DB index is out of range");
            }
            else
            {
                return Fail(RespErrors.Syntax);
            }
        }
        if (call[1].AsSpan().SequenceEqual(call[2])) return Fail("ERR source and destination objects are the same");
        var limits = call.Server.Node.Settings.Limits;
        foreach (var key in call.Arguments[1..3])
        {
            if ((key.Length == 0 ? limits.Violation(0, 0) : limits.Violation(new Key(key), 0)) is { } wrong) return Fail($"ERR COPY: {wrong}");
        }
        var source = await call.RunAsync(new Key(call[1]), Operation.Get with { ReturnsExpiry = true });
        if (source.Kind != ResultKind.Done) return Fail(RespErrors.Of("COPY", source));
        if (source.Value is not { } value) return writer => writer.Flag(false);
        var put = await call.RunAsync(new Key(call[2]), ToPut(value, source.ExpiresAt, replaces));
        return put.Kind == ResultKind.Done ? writer => writer.Flag(put.Outcome == Outcome.Applied) : Fail(RespErrors.Of("COPY", put));
    }

    private static Operation ToPut(byte[] value, long expiresAt, bool replaces)
    {
        if (replaces) return Operation.Put(value) with { ExpiresAt = expiresAt };
        var expiry = expiresAt > 0 ? ExpiryRule.At : ExpiryRule.None;
        return Operation.Of(new Update { If = UpdateCondition.Absent, Change = UpdateChange.Set, Expiry = expiry }, value, expiresAt);
    }

    private static Answer Fail(string error) => writer => writer.Error(error);
}
