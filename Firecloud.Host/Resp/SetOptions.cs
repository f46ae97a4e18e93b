using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>What follows SET key value.</summary>
internal sealed class SetOptions
{
    private TimeForm? _form;
    private int _time;         // where the number is
    private bool _keepsExpiry;
    private ExpiryTime? _expiry;

    /// <summary>When it is done: always, where there is no value (NX), where there is one (XX), where it is <see cref="IfEqual"/>.</summary>
    public UpdateCondition Condition { get; private set; } = UpdateCondition.None;

    /// <summary>IFEQ: the value that must be there.</summary>
    public byte[]? IfEqual { get; private set; }

    /// <summary>Answer the value before.</summary>
    public bool ReturnsOld { get; private set; }

    /// <summary>Reads them.</summary>
    /// <param name="call">SET.</param>
    /// <param name="error">What is wrong.</param>
    /// <returns>Null where something is wrong.</returns>
    public static SetOptions? TryRead(CommandCall call, out string error)
    {
        var options = new SetOptions();
        error = RespErrors.Syntax;
        for (var i = 3; i < call.Count; i++)
        {
            if (!options.TryTake(call, ref i)) return null;
        }
        error = "";
        if (options._form is not { } form) return options;
        error = ExpiryTime.TryRead(call, options._time, form, out var time) ?? "";
        options._expiry = time;
        return error.Length == 0 ? options : null;
    }

    /// <summary>One operation that does it all. The value before is asked of it only where the condition does not say it.</summary>
    /// <param name="value">The new value.</param>
    public Operation ToOperation(byte[] value)
    {
        var operation = Condition == UpdateCondition.None && !_keepsExpiry ? Operation.Put(value, ReturnsOld) : ToUpdate(value);
        return _expiry is { } expiry ? expiry.On(operation) : operation;
    }

    private Operation ToUpdate(byte[] value)
    {
        var rule = _keepsExpiry ? ExpiryRule.Keep : _expiry is null ? ExpiryRule.None : ExpiryRule.At;
        return Operation.Of(new Update { If = Condition, Change = UpdateChange.Set, Expiry = rule }, value) with
        {
            Expected = IfEqual,
            ReturnsOld = ReturnsOld && Condition is UpdateCondition.None or UpdateCondition.Present,
        };
    }

    private bool TryTake(CommandCall call, ref int at)
    {
        var hasNext = at + 1 < call.Count;
        if (call.Is(at, "NX")) return TryCondition(UpdateCondition.Absent);
        if (call.Is(at, "XX")) return TryCondition(UpdateCondition.Present);
        if (call.Is(at, "IFEQ") && hasNext && IfEqual is null)
        {
            IfEqual = call[++at];
            return TryCondition(UpdateCondition.ValueEquals);
        }
        if (call.Is(at, "GET")) return ReturnsOld = true;
        if (call.Is(at, "KEEPTTL") && _form is null) return _keepsExpiry = true;
        if (TimeForm.Of(call[at]) is not { } form || _keepsExpiry || !hasNext || (_form is { } other && other != form)) return false;
        (_form, _time) = (form, ++at);
        return true;
    }

    private bool TryCondition(UpdateCondition condition)
    {
        if (Condition != UpdateCondition.None && Condition != condition) return false;
        Condition = condition;
        return true;
    }
}
