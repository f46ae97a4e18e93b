using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>How a command says when a value expires: so many seconds or milliseconds, from now or since 1970.</summary>
/// <param name="UnitMs">Milliseconds of one unit.</param>
/// <param name="IsAbsolute">Since 1970, not from now.</param>
internal readonly record struct TimeForm(long UnitMs, bool IsAbsolute)
{
    /// <summary>EX.</summary>
    public static TimeForm Seconds => new(1000, false);

    /// <summary>PX.</summary>
    public static TimeForm Milliseconds => new(1, false);

    /// <summary>EXAT.</summary>
    public static TimeForm SecondsSince1970 => new(1000, true);

    /// <summary>PXAT.</summary>
    public static TimeForm MillisecondsSince1970 => new(1, true);

    /// <summary>The form that an option names, or null.</summary>
    public static TimeForm? Of(ReadOnlySpan<byte> option) =>
        CommandCall.Is(option, "EX") ? Seconds
        : CommandCall.Is(option, "PX") ? Milliseconds
        : CommandCall.Is(option, "EXAT") ? SecondsSince1970
        : CommandCall.Is(option, "PXAT") ? MillisecondsSince1970
        : null;

    /// <summary>The time that a number stands for.</summary>
    /// <param name="number">Any.</param>
    /// <returns>Null where it is out of range.</returns>
    public ExpiryTime? At(long number)
    {
        if (number > long.MaxValue / UnitMs || number < long.MinValue / UnitMs) return null;
        var time = number * UnitMs;
        return !IsAbsolute && time > long.MaxValue - ExpiryTime.NowMs ? null : new ExpiryTime(time, !IsAbsolute);
    }
}

/// <summary>When a value expires.</summary>
/// <param name="Ms">Milliseconds since 1970, or from now.</param>
/// <param name="FromNow">From the moment at which the key's owner decides, by the owner's clock: this node's own may be wrong.</param>
internal readonly record struct ExpiryTime(long Ms, bool FromNow)
{
    /// <summary>This node's clock, milliseconds since 1970.</summary>
    public static long NowMs => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>True for a time that is over by any clock.</summary>
    public bool IsOver => Ms <= 0;

    /// <summary>Reads the time of a command that wants one above zero.</summary>
    /// <param name="call">The command.</param>
    /// <param name="index">Where it is.</param>
    /// <param name="form">How it is said.</param>
    /// <param name="time">The time.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? TryRead(CommandCall call, int index, TimeForm form, out ExpiryTime time)
    {
        time = default;
        if (!call.TryInteger(index, out var number)) return RespErrors.NotAnInteger;
        if (number <= 0 || form.At(number) is not { } read) return Wrong(call);
        time = read;
        return null;
    }

    /// <summary>The error for a time that is out of range.</summary>
    public static string Wrong(CommandCall call) => $"ERR invalid expire time in '{call.Spec.LowerName}' command";

    /// <summary>An operation that lets the value expire then.</summary>
    /// <param name="operation">A put, or an update whose rule sets an expiry.</param>
    public Operation On(Operation operation) => operation with { ExpiresAt = Math.Max(1, Ms), ExpiresFromNow = FromNow };
}
