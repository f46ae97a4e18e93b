// ExpiryCommands.cs - when values expire: asked, set, taken away. Each is one operation, decided by the key's owner.
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>EXPIRE, TTL and their kin.</summary>
internal static class ExpiryCommands
{
    private const string Group = "generic";
    private const string Conditions = "Only where it has no such time (NX) or has one (XX), or where the new one is later (GT) or earlier (LT): 1, else 0.";

    /// <summary>Takes an expiry away, where there is one.</summary>
    public static Update Stay { get; } = new() { Change = UpdateChange.Keep, Expiry = ExpiryRule.None, ExpiryIf = ExpiryConditions.Set };

    private static readonly Operation GetWithExpiry = Operation.Get with { ReturnsExpiry = true };

    public static readonly CommandSpec[] All =
    [
        Ask("TTL", "1.0.0", "Seconds until the value expires, rounded; -1 where it never does, -2 where there is none.", 1000, isAbsolute: false),
        Ask("PTTL", "2.6.0", "The same in milliseconds.", 1, isAbsolute: false),
        Ask("EXPIRETIME", "7.0.0", "When the value expires, seconds since 1970; -1 where it never does, -2 where there is none.", 1000, isAbsolute: true),
        Ask("PEXPIRETIME", "7.0.0", "The same in milliseconds.", 1, isAbsolute: true),
        Expire("EXPIRE", "1.0.0", "seconds", $"Lets the value expire after a time. {Conditions}", TimeForm.Seconds),
        Expire("PEXPIRE", "2.6.0", "milliseconds", "The same in milliseconds.", TimeForm.Milliseconds),
        Expire("EXPIREAT", "1.2.0", "seconds", $"Lets the value expire at a time, seconds since 1970. {Conditions}", TimeForm.SecondsSince1970),
        Expire("PEXPIREAT", "2.6.0", "milliseconds", "The same in milliseconds.", TimeForm.MillisecondsSince1970),
        new("PERSIST", 2, CommandFlags.Write | CommandFlags.Fast)
        {
            Syntax = "key", Group = Group, Since = "2.2.0", Keys = KeyPositions.One,
            Summary = "Lets the value stay: 1, or 0 where there is none or it never expires.",
            Plan = call => StringCommands.Flag(call.Submit(call[1], Operation.Of(Stay))),
        },
    ];

    private static CommandSpec Ask(string name, string since, string summary, long unitMs, bool isAbsolute) =>
        new(name, 2, CommandFlags.ReadOnly | CommandFlags.Fast)
        {
            Syntax = "key", Group = Group, Since = since, Keys = KeyPositions.One, Summary = summary, Plan = call => Tell(call, unitMs, isAbsolute),
        };

    private static CommandSpec Expire(string name, string since, string unit, string summary, TimeForm form) =>
        new(name, -3, CommandFlags.Write | CommandFlags.Fast)
        {
            Syntax = $"key {unit} [NX | XX | GT | LT]", Group = Group, Since = since, Keys = KeyPositions.One, Summary = summary,
            Plan = call => SetExpiry(call, form),
        };

    private static Answer Tell(CommandCall call, long unitMs, bool isAbsolute)
    {
        var get = call.Submit(call[1], GetWithExpiry);
        return writer =>
        {
            if (get.Error is { } error) writer.Error(error);
            else if (get.Result.Value is null) writer.Integer(-2);
            else if (get.Result.ExpiresAt is var at && at == 0) writer.Integer(-1);
            else writer.Integer(Rounded(isAbsolute ? at : Math.Max(0, at - ExpiryTime.NowMs), unitMs));
        };
    }

    private static long Rounded(long ms, long unitMs) => (ms / unitMs) + (2 * (ms % unitMs) >= unitMs && unitMs > 1 ? 1 : 0);

    private static Answer SetExpiry(CommandCall call, TimeForm form)
    {
        var conditions = ExpiryConditions.None;
        for (var i = 3; i < call.Count; i++)
        {
            var condition = Condition(call, i);
            if (condition == ExpiryConditions.None) return Fail($"ERR Unsupported option {RespErrors.Shown(call[i])}");
            conditions |= condition;
        }
        if (conditions.HasFlag(ExpiryConditions.Unset) && conditions != ExpiryConditions.Unset)
        {
            return Fail("ERR NX and XX, GT or LT options at the same time are not compatible");
        }
        if (conditions.HasFlag(ExpiryConditions.Later | ExpiryConditions.Earlier)) return Fail("ERR GT and LT options at the same time are not compatible");
        if (!call.TryInteger(2, out var number)) return Fail(RespErrors.NotAnInteger);
        if (form.At(number) is not { } time) return Fail(ExpiryTime.Wrong(call));
        var update = new Update { Change = time.IsOver ? UpdateChange.Delete : UpdateChange.Keep, Expiry = ExpiryRule.At, ExpiryIf = conditions };
        return StringCommands.Flag(call.Submit(call[1], time.On(Operation.Of(update))));
    }

    private static ExpiryConditions Condition(CommandCall call, int index) =>
        call.Is(index, "NX") ? ExpiryConditions.Unset
        : call.Is(index, "XX") ? ExpiryConditions.Set
        : call.Is(index, "GT") ? ExpiryConditions.Later
        : call.Is(index, "LT") ? ExpiryConditions.Earlier
        : ExpiryConditions.None;

    private static Answer Fail(string error) => writer => writer.Error(error);
}
