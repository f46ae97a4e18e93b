// Update.cs - one general read-modify-write as data: under a condition, change the value and its expiry, and say what to return. The
// owner decides it (Decide) on the key's newest record; what commands need goes into data here and not into more kinds.
//
// NUMBERS  AddDecimal adds decimal numbers exactly as far as 28 digits reach: both numbers and the sum lie within -10^28 and 10^28, what
//          has more digits is rounded. The sum is rounded to 17 digits behind the point (half to even) and written without exponent and
//          without zeros at its end, as INCRBYFLOAT of Redis writes it. That one computes with floating point of 64 bits of mantissa on
//          most machines: its last digits may differ, and numbers beyond 10^28 are refused here.
using System.Globalization;
using System.Text;

namespace Firecloud.Actors.Protocol;

/// <summary>When an update is done. Append only: the numbers are on the wire.</summary>
public enum UpdateCondition : byte
{
    /// <summary>Always.</summary>
    None = 1,

    /// <summary>There is no value.</summary>
    Absent = 2,

    /// <summary>There is a value.</summary>
    Present = 3,

    /// <summary>The value equals <see cref="Operation.Expected"/>.</summary>
    ValueEquals = 4,

    /// <summary>The key's version is <see cref="Operation.ExpectedVersion"/>; none for an absent key.</summary>
    VersionEquals = 5,
}

/// <summary>What an update makes of the value. Append only: the numbers are on the wire.</summary>
public enum UpdateChange : byte
{
    /// <summary>Nothing; without a value the condition does not hold.</summary>
    Keep = 1,

    /// <summary>It becomes <see cref="Operation.Value"/>.</summary>
    Set = 2,

    /// <summary><see cref="Operation.Value"/> is added to its end; an absent one counts as empty.</summary>
    Append = 3,

    /// <summary><see cref="Operation.Value"/> replaces what is at <see cref="Update.Offset"/>; zero bytes fill what is missing before it.</summary>
    SetRange = 4,

    /// <summary>It is removed; without a value the condition does not hold.</summary>
    Delete = 5,

    /// <summary><see cref="Operation.Value"/>, a decimal number as text, is added; an absent value counts as 0.</summary>
    AddDecimal = 6,
}

/// <summary>What becomes of the expiry. Append only: the numbers are on the wire.</summary>
public enum ExpiryRule : byte
{
    /// <summary>It stays.</summary>
    Keep = 1,

    /// <summary>The value never expires.</summary>
    None = 2,

    /// <summary>It becomes <see cref="Operation.ExpiresAt"/>.</summary>
    At = 3,
}

/// <summary>What must hold of the expiry there is, all of them. A value that never expires counts as expiring later than any time.</summary>
[Flags]
public enum ExpiryConditions : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There is none (NX).</summary>
    Unset = 1,

    /// <summary>There is one (XX).</summary>
    Set = 2,

    /// <summary>The new one is later (GT).</summary>
    Later = 4,

    /// <summary>The new one is earlier (LT).</summary>
    Earlier = 8,
}

/// <summary>A read-modify-write. Immutable; the bytes it works with are those of its <see cref="Operation"/>.</summary>
public sealed record Update
{
    /// <summary>When it is done.</summary>
    public UpdateCondition If { get; init; } = UpdateCondition.None;

    /// <summary>What it makes of the value.</summary>
    public required UpdateChange Change { get; init; }

    /// <summary>SetRange: the place of the first byte, from 0.</summary>
    public int Offset { get; init; }

    /// <summary>What becomes of the expiry.</summary>
    public ExpiryRule Expiry { get; init; } = ExpiryRule.Keep;

    /// <summary>What must hold of the expiry there is.</summary>
    public ExpiryConditions ExpiryIf { get; init; }

    /// <summary>The value that it leaves is part of the answer.</summary>
    public bool ReturnsNew { get; init; }

    /// <summary>What is wrong with an operation of this kind, or null.</summary>
    /// <param name="operation">The operation that carries this.</param>
    internal string? Wrong(Operation operation)
    {
        var takesValue = Change is not (UpdateChange.Keep or UpdateChange.Delete);
        return takesValue != (operation.Value is not null) ? $"{Change} {(takesValue ? "without" : "with")} a value."
            : (If == UpdateCondition.ValueEquals) != (operation.Expected is not null) ? $"The condition {If} and the value expected don't fit."
            : Offset < 0 ? $"Offset {Offset}."
            : Change == UpdateChange.SetRange && operation.Value!.Length == 0 ? "SetRange of no bytes."
            : Expiry == ExpiryRule.At && operation.ExpiresAt < 1 ? $"An expiry at {operation.ExpiresAt}; the first is 1."
            : (byte)ExpiryIf > 15 ? $"Expiry conditions {(byte)ExpiryIf}."
            : null;
    }

    /// <summary>What it does to a record.</summary>
    /// <param name="operation">The operation that carries this.</param>
    /// <param name="record">The key's newest record; its value has not expired.</param>
    /// <param name="mostValue">The longest value allowed.</param>
    /// <param name="expiresAt">The new expiry, in milliseconds since 1970, where its rule sets one.</param>
    internal Decision Decide(Operation operation, Record record, int mostValue, long expiresAt)
    {
        if (!Holds(operation, record, expiresAt)) return Decision.No(Outcome.NotMatched);
        switch (Change)
        {
            case UpdateChange.Keep:
                return record.Value is { } same ? Write(operation, record, same, expiresAt) : Decision.No(Outcome.NotMatched);
            case UpdateChange.Delete:
                return record.Value is null ? Decision.No(Outcome.NotMatched) : Decision.Write(null, 0, operation.ReturnsOld);
            case UpdateChange.AddDecimal:
                return Decimals.TryAdd(record.Value, operation.Value!, out var sum) ? Write(operation, record, sum, expiresAt) : Decision.No(Outcome.NotANumber);
        }
        var (old, part) = (record.Value ?? [], operation.Value!);
        var start = Change switch { UpdateChange.Append => old.Length, UpdateChange.SetRange => (long)Offset, _ => 0 };
        var length = Change == UpdateChange.Set ? part.Length : Math.Max(old.Length, start + part.Length);
        if (length > mostValue) return Decision.No(Outcome.TooLarge);
        if (Change == UpdateChange.Set) return Write(operation, record, part, expiresAt);
        var value = new byte[length];
        old.CopyTo(value, 0);
        part.CopyTo(value, start);
        return Write(operation, record, value, expiresAt);
    }

    private Decision Write(Operation operation, Record record, byte[] value, long at)
    {
        var expiresAt = Expiry switch { ExpiryRule.Keep => record.Expires, ExpiryRule.At => at, _ => 0 };
        return Decision.Write(value, expiresAt, operation.ReturnsOld) with { Number = value.Length };
    }

    private bool Holds(Operation operation, Record record, long expiresAt)
    {
        var holds = If switch
        {
            UpdateCondition.None => true,
            UpdateCondition.Absent => record.Value is null,
            UpdateCondition.Present => record.Value is not null,
            UpdateCondition.ValueEquals => record.Value.AsSpan().SequenceEqual(operation.Expected) && record.Value is not null,
            UpdateCondition.VersionEquals => record.Visible == operation.ExpectedVersion,
            _ => throw new InvariantViolationException($"Condition {If}; only the codec's checked ones reach this."),
        };
        var now = record.Expires == 0 ? long.MaxValue : record.Expires;
        var then = Expiry == ExpiryRule.At ? expiresAt : long.MaxValue;
        return holds
            && (!ExpiryIf.HasFlag(ExpiryConditions.Unset) || now == long.MaxValue)
            && (!ExpiryIf.HasFlag(ExpiryConditions.Set) || now != long.MaxValue)
            && (!ExpiryIf.HasFlag(ExpiryConditions.Later) || then > now)
            && (!ExpiryIf.HasFlag(ExpiryConditions.Earlier) || then < now);
    }
}

/// <summary>Decimal numbers as text; the file's head has the limits.</summary>
internal static class Decimals
{
    private const decimal Most = 1e28m;
    private const int Behind = 17;   // digits behind the point
    private const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Adds two numbers.</summary>
    /// <param name="value">One of them as text; null counts as 0.</param>
    /// <param name="addend">The other one.</param>
    /// <param name="sum">The sum as text.</param>
    /// <returns>False where one is no number, or one or the sum is out of range.</returns>
    public static bool TryAdd(byte[]? value, byte[] addend, out byte[] sum)
    {
        sum = [];
        var old = 0m;
        if ((value is not null && !TryRead(value, out old)) || !TryRead(addend, out var more)) return false;
        var exact = decimal.Round(old + more, Behind);
        if (Math.Abs(exact) > Most) return false;
        sum = Encoding.ASCII.GetBytes(exact == 0 ? "0" : exact.ToString("0.#################", CultureInfo.InvariantCulture));
        return true;
    }

    /// <summary>Reads one: a sign, digits with or without a point, an exponent; nothing around it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out decimal number) =>
        decimal.TryParse(text, Style, CultureInfo.InvariantCulture, out number)
        && Math.Abs(number) <= Most
        && !text.Contains((byte)0);   // the parser forgives zero bytes at the end
}
