using System.Globalization;

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
    /// <returns>Milliseconds since 1970; null where it is out of range.</returns>
    public long? At(long number)
    {
        if (number > long.MaxValue / UnitMs || number < long.MinValue / UnitMs) return null;
        var time = number * UnitMs;
        if (IsAbsolute) return time;
        var now = RespExpiry.NowMs;
        return time > long.MaxValue - now ? null : now + time;
    }
}

/// <summary>Times at which values expire.</summary>
internal static class RespExpiry
{
    /// <summary>This node's clock, milliseconds since 1970.</summary>
    public static long NowMs => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Reads the time of a command that wants one above zero.</summary>
    /// <param name="call">The command.</param>
    /// <param name="index">Where it is.</param>
    /// <param name="form">How it is said.</param>
    /// <param name="at">Milliseconds since 1970, at least 1.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? TryRead(CommandCall call, int index, TimeForm form, out long at)
    {
        at = 0;
        if (!call.TryInteger(index, out var number)) return RespErrors.NotAnInteger;
        if (number <= 0 || form.At(number) is not { } time) return Wrong(call);
        at = time;
        return null;
    }

    /// <summary>The error for a time that is out of range.</summary>
    public static string Wrong(CommandCall call) =>
        string.Create(CultureInfo.InvariantCulture, $"ERR invalid expire time in '{CommandTable.LowerName(call.Spec)}' command");
}
