using System.Globalization;
using System.Text;

namespace Firecloud.Actors.Protocol;

/// <summary>What a request does. Append only: the numbers are on the wire.</summary>
public enum OperationKind : byte
{
    /// <summary>Returns the value.</summary>
    Get = 1,

    /// <summary>Sets the value.</summary>
    Put = 2,

    /// <summary>Removes the value.</summary>
    Delete = 3,

    /// <summary>Sets (or removes) the value if it equals the expected one.</summary>
    CompareAndSet = 4,

    /// <summary>Sets (or removes) the value if the key's version is the expected one.</summary>
    CompareVersionAndSet = 5,

    /// <summary>Adds to a whole number kept as decimal text; an absent key counts as 0.</summary>
    Increment = 6,

    /// <summary>A general read-modify-write: <see cref="Operation.Update"/>.</summary>
    Update = 7,
}

/// <summary>One operation on one key, as data: it travels to the owner of the key's shard. Immutable.</summary>
public sealed record Operation
{
    /// <summary>What to do.</summary>
    public required OperationKind Kind { get; init; }

    /// <summary>The new value; null means delete, in both kinds of compare-and-set. Update: what its change works with.</summary>
    public byte[]? Value { get; init; }

    /// <summary>CompareAndSet: the value expected; null for none. Update: where its condition asks for one.</summary>
    public byte[]? Expected { get; init; }

    /// <summary>CompareVersionAndSet, Update: the version expected; <see cref="Version.None"/> for an absent key.</summary>
    public Version ExpectedVersion { get; init; }

    /// <summary>Increment: what to add.</summary>
    public long Delta { get; init; }

    /// <summary>Put, Delete, Update: return the value before.</summary>
    public bool ReturnsOld { get; init; }

    /// <summary>Get, Update: return when the value expires.</summary>
    public bool ReturnsExpiry { get; init; }

    /// <summary>Put, Update: when the value expires, in milliseconds since 1970; 0 is never.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>Put, Update: <see cref="ExpiresAt"/>, where it is not 0, counts from the owner's decision, by the owner's clock (section 11).</summary>
    public bool ExpiresFromNow { get; init; }

    /// <summary>Update: what it does.</summary>
    public Update? Update { get; init; }

    /// <summary>True when its effect does not depend on what is there: one round trip to write.</summary>
    public bool IsBlind => Kind is OperationKind.Put or OperationKind.Delete && !ReturnsOld;

    /// <summary>True when no value is left once it is applied.</summary>
    public bool Removes => Kind switch
    {
        OperationKind.Get or OperationKind.Increment => false,
        OperationKind.Update => Update!.Change == UpdateChange.Delete,
        _ => Value is null,
    };

    /// <summary>True when a value may be left once it is applied: it needs room on disk.</summary>
    public bool NeedsRoom => !IsGet && !Removes;

    /// <summary>True when it never writes.</summary>
    public bool IsGet => Kind == OperationKind.Get;

    /// <summary>Get.</summary>
    public static Operation Get { get; } = new() { Kind = OperationKind.Get };

    /// <summary>Put.</summary>
    public static Operation Put(byte[] value, bool returnsOld = false) =>
        new() { Kind = OperationKind.Put, Value = value, ReturnsOld = returnsOld };

    /// <summary>Delete.</summary>
    public static Operation Delete(bool returnsOld = false) =>
        new() { Kind = OperationKind.Delete, ReturnsOld = returnsOld };

    /// <summary>Compare-and-set by value.</summary>
    public static Operation CompareAndSet(byte[]? expected, byte[]? value) =>
        new() { Kind = OperationKind.CompareAndSet, Expected = expected, Value = value };

    /// <summary>Compare-and-set by version.</summary>
    public static Operation CompareAndSet(Version expected, byte[]? value) =>
        new() { Kind = OperationKind.CompareVersionAndSet, ExpectedVersion = expected, Value = value };

    /// <summary>Increment.</summary>
    public static Operation Increment(long delta) => new() { Kind = OperationKind.Increment, Delta = delta };

    /// <summary>A general read-modify-write.</summary>
    /// <param name="update">What it does.</param>
    /// <param name="value">What its change works with.</param>
    /// <param name="expiresAt">The new expiry, in milliseconds since 1970 and at least 1, where its rule sets one.</param>
    public static Operation Of(Update update, byte[]? value = null, long expiresAt = 0) =>
        new() { Kind = OperationKind.Update, Update = update, Value = value, ExpiresAt = expiresAt };

    /// <summary>What this operation does to a record.</summary>
    /// <param name="record">The key's newest record; one whose value has expired is given as <see cref="Record.Over"/>.</param>
    /// <param name="mostValue">The longest value that an update may leave, in bytes.</param>
    /// <param name="wallMs">The owner's clock, in milliseconds since 1970.</param>
    /// <returns>Whether it writes, what, and what it answers.</returns>
    public Decision Decide(Record record, int mostValue = int.MaxValue, long wallMs = 0)
    {
        switch (Kind)
        {
            case OperationKind.Put:
                return Decision.Write(Value, Expiry(wallMs), ReturnsOld);
            case OperationKind.Delete:
                // Deleting nothing and saying so needs no tombstone.
                return ReturnsOld && record.Value is null ? Decision.No(Outcome.NotMatched) : Decision.Write(null, 0, ReturnsOld);
            case OperationKind.CompareAndSet:
                return SameValue(record.Value, Expected) ? Decision.Write(Value, 0, false) : Decision.No(Outcome.NotMatched);
            case OperationKind.CompareVersionAndSet:
                return record.Visible == ExpectedVersion ? Decision.Write(Value, 0, false) : Decision.No(Outcome.NotMatched);
            case OperationKind.Increment:
                return Add(record);
            case OperationKind.Update:
                return Update!.Decide(this, record, mostValue, Expiry(wallMs));
            default:
                throw new InvariantViolationException($"{Kind} does not decide anything; only the codec's checked kinds reach this.");
        }
    }

    // Far beyond all clocks, a time counts as the last one there is.
    private long Expiry(long wallMs) => !ExpiresFromNow || ExpiresAt == 0 ? ExpiresAt : ExpiresAt > long.MaxValue - wallMs ? long.MaxValue : wallMs + ExpiresAt;

    private Decision Add(Record record)
    {
        if (!TryReadNumber(record.Value, out var number)) return Decision.No(Outcome.NotANumber);
        var sum = unchecked(number + Delta);
        var overflows = ((number ^ sum) & (Delta ^ sum)) < 0;
        if (overflows) return Decision.No(Outcome.NotANumber);
        var text = Encoding.ASCII.GetBytes(sum.ToString(CultureInfo.InvariantCulture));
        return Decision.Write(text, record.ExpiresAt, false) with { Number = sum };
    }

    private static bool TryReadNumber(byte[]? value, out long number)
    {
        number = 0;
        return value is null
            || long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }

    private static bool SameValue(byte[]? left, byte[]? right) =>
        left is null || right is null ? left is null && right is null : left.AsSpan().SequenceEqual(right);
}

/// <summary>What an operation does to a record.</summary>
/// <param name="Writes">False for a "no": nothing changes.</param>
/// <param name="Value">The new value; null deletes.</param>
/// <param name="ExpiresAt">The new expiry.</param>
/// <param name="Outcome">What it came to.</param>
/// <param name="Number">An increment's result; of an update the length of the value it leaves.</param>
/// <param name="KeepsPrevious">The value before is part of the answer.</param>
public readonly record struct Decision(
    bool Writes, byte[]? Value, long ExpiresAt, Outcome Outcome, long Number, bool KeepsPrevious)
{
    /// <summary>A write.</summary>
    public static Decision Write(byte[]? value, long expiresAt, bool keepsPrevious) =>
        new(true, value, expiresAt, Outcome.Applied, 0, keepsPrevious);

    /// <summary>A "no".</summary>
    public static Decision No(Outcome outcome) => new(false, null, 0, outcome, 0, false);
}
