namespace Firecloud.Host.Resp;

/// <summary>What follows SET key value.</summary>
internal sealed record SetOptions
{
    /// <summary>Only where there is no value.</summary>
    public bool IfAbsent { get; private set; }

    /// <summary>Only where there is one.</summary>
    public bool IfPresent { get; private set; }

    /// <summary>Only where the value is this one.</summary>
    public byte[]? IfEqual { get; private set; }

    /// <summary>Answer the value before.</summary>
    public bool ReturnsOld { get; private set; }

    /// <summary>Leave the time at which it expires.</summary>
    public bool KeepsExpiry { get; private set; }

    /// <summary>EX, PX, EXAT or PXAT; null for none.</summary>
    public string? ExpiryOption { get; private set; }

    /// <summary>Its number.</summary>
    public long Expiry { get; private set; }

    /// <summary>Reads them.</summary>
    /// <param name="call">SET.</param>
    /// <param name="error">What is wrong.</param>
    /// <returns>Null where something is wrong.</returns>
    public static SetOptions? TryRead(CommandCall call, out string error)
    {
        var options = new SetOptions();
        for (var i = 3; i < call.Count; i++)
        {
            error = options.TakeOne(call, ref i);
            if (error.Length > 0) return null;
        }
        error = options.ExpiryOption is { } name ? WrongExpiry(name, options.Expiry, "set") ?? "" : "";
        return error.Length == 0 ? options : null;
    }

    /// <summary>Why a time can't be one at which something expires, or null.</summary>
    /// <param name="option">EX and EXAT are in seconds, PX and PXAT in milliseconds.</param>
    /// <param name="number">The time.</param>
    /// <param name="command">In small letters.</param>
    public static string? WrongExpiry(string option, long number, string command) =>
        number <= 0 || (option[0] == 'E' && number > long.MaxValue / 1000) ? $"ERR invalid expire time in '{command}' command" : null;

    private string TakeOne(CommandCall call, ref int at)
    {
        var option = call.Text(at).ToUpperInvariant();
        var hasCondition = IfAbsent || IfPresent || IfEqual is not null;
        switch (option)
        {
            case "NX" when !hasCondition: IfAbsent = true; return "";
            case "XX" when !hasCondition: IfPresent = true; return "";
            case "IFEQ" when !hasCondition && at + 1 < call.Count: IfEqual = call[++at]; return "";
            case "GET": ReturnsOld = true; return "";
            case "KEEPTTL" when ExpiryOption is null: KeepsExpiry = true; return "";
            case "EX" or "PX" or "EXAT" or "PXAT" when ExpiryOption is null && !KeepsExpiry && at + 1 < call.Count:
                if (!call.TryInteger(++at, out var number)) return RespErrors.NotAnInteger;
                (ExpiryOption, Expiry) = (option, number);
                return "";
            case "NX" when IfAbsent: return "";
            case "XX" when IfPresent: return "";
            default: return RespErrors.Syntax;
        }
    }
}
