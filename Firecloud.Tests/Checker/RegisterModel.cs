// RegisterModel.cs - what one key may do: the sequential specification that a history is checked against.
//
// STATE    the value, and what is known of its version: at least Low, or above Low if Above. The version is never known
//          exactly: the store may write the same value again under a newer version at any moment (repair, a buried "no"), and
//          a write whose answer names no version raised it to nobody knows what.
// RULES    versions of a key only grow. An operation that wrote at version v needs every earlier version below v; one that
//          only saw version v needs every earlier version at most v, and no write between the one that made v and itself.
//          A compare-and-set by version e that succeeded needs that the version can have been e.
//          All of that is what Low and Above say, so the rules are local to one step.
// ADDS     values alone don't show: an answer with a version older than one already seen when both carry the same value
//          (put a, put b, put a, a get answered from the first), a version given to two writes, a write that was answered
//          with a version below that of an earlier one, a compare-and-set by version that succeeded on an outdated version.
// WATCH    a state with the same value and a lower bound that is weaker allows everything the stronger allows; KeySearch
//          relies on it.
using System.Globalization;

namespace Firecloud.Tests.Checker;

/// <param name="Value">Null = absent.</param>
/// <param name="Low">The version is at least this; the default value if no version has been named yet.</param>
/// <param name="Above">The version is even above Low.</param>
internal readonly record struct RegisterState(string? Value, HistoryVersion Low, bool Above)
{
    public bool CanBeAt(HistoryVersion version) => Above ? version > Low : version >= Low;

    /// <summary>Everything that can follow <paramref name="other"/> can follow this.</summary>
    public bool Allows(RegisterState other) =>
        Value == other.Value && (Low < other.Low || (Low == other.Low && (!Above || other.Above)));
}

/// <param name="useVersions">Off: named versions are ignored, and a comparison with a version may come out either way.</param>
internal sealed class RegisterModel(bool useVersions)
{
    /// <summary>Where values expire: increments of a value that was put stay below the next multiple of this.</summary>
    public const long CountedUpTo = 1000;

    /// <summary>Can the operation happen in this state, and what is the state then?</summary>
    /// <remarks>For an operation that is not certain the answer is always yes; if it has no effect the state stays.</remarks>
    public bool TryStep(Operation o, RegisterState state, out RegisterState next)
    {
        next = state;
        if (o.Kind == OperationKind.CompareAndSetByVersion) return TryCompareVersion(o, state, out next);
        if (!TryValue(o, state.Value, out var value, out var wrote)) return false;
        return TryVersion(o, state, value, wrote, out next);
    }

    /// <summary>In no state does this operation leave the version as it is; so its version is above all earlier ones.</summary>
    public static bool SurelyWrites(Operation o) => o.Kind switch
    {
        OperationKind.Put or OperationKind.PutReturningOld or OperationKind.Increment => true,
        OperationKind.CompareAndSet or OperationKind.CompareAndSetByVersion or OperationKind.Delete or OperationKind.Touch =>
            o.Answer.Applied == true,
        OperationKind.DeleteReturningOld => o.Answer is { ValueKnown: true, Value: not null },
        _ => false,
    };

    /// <summary>Surely has no effect: leaving it out of a history can't make the rest any harder to explain.</summary>
    public static bool SurelyReads(Operation o) => o.Kind switch
    {
        OperationKind.Get => true,
        OperationKind.CompareAndSet or OperationKind.CompareAndSetByVersion or OperationKind.Delete or OperationKind.Touch =>
            o.Answer.Applied == false,
        OperationKind.DeleteReturningOld => o.Answer is { ValueKnown: true, Value: null },
        _ => false,
    };

    private static bool TryValue(Operation o, string? now, out string? value, out bool wrote)
    {
        (value, wrote) = (now, false);
        var answer = o.Answer;
        var seen = !o.IsCertain || !answer.ValueKnown || answer.Value == now;
        var told = o.IsCertain ? answer.Applied : null;
        switch (o.Kind)
        {
            case OperationKind.Get:
                return seen;
            case OperationKind.Put or OperationKind.PutReturningOld:
                (value, wrote) = (o.Value, true);
                return seen;
            case OperationKind.Delete or OperationKind.DeleteReturningOld:
                (value, wrote) = (null, now is not null);
                return seen && (told is null || told == wrote);
            case OperationKind.CompareAndSet:
                wrote = now == o.Expected;
                value = wrote ? o.Value : now;
                // Only a "no" names the current value; a "yes" has told it by being one.
                return (told is null || told == wrote) && (wrote || seen);
            case OperationKind.Increment:
                return TryIncrement(o, now, ref value, ref wrote);
            case OperationKind.Touch:
                wrote = now is not null;
                return seen && (told is null || told == wrote);
            case OperationKind.Expire:
                wrote = now is not null && (o.Expected is null || o.Expected == now || IsCountedFrom(o.Expected, now));
                if (wrote) value = null;
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(o), o.Kind, "A kind that the model does not know.");
        }
    }

    private static bool TryIncrement(Operation o, string? now, ref string? value, ref bool wrote)
    {
        // No number there, or too large a sum: the store refuses, so such an increment is never answered Done.
        if (!TryNumber(now, out var old) || WouldOverflow(old, o.Delta)) return !o.IsCertain;
        (value, wrote) = (Text(old + o.Delta), true);
        return !o.IsCertain || o.Answer.Number is not { } number || number == old + o.Delta;
    }

    /// <summary>Values that are put lie further apart than counting goes.</summary>
    private static bool IsCountedFrom(string first, string now) =>
        TryNumber(first, out var from) && TryNumber(now, out var to) && to / CountedUpTo == from / CountedUpTo;

    private static bool WouldOverflow(long a, long b) => b > 0 ? a > long.MaxValue - b : a < long.MinValue - b;

    private static bool TryNumber(string? text, out long number)
    {
        number = 0;
        return text is null || long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private bool TryVersion(Operation o, RegisterState state, string? value, bool wrote, out RegisterState next)
    {
        next = state with { Value = value };
        if (!useVersions) return true;
        if (o.NamedVersion is { } version)
        {
            next = new RegisterState(value, version, Above: false);
            return wrote ? version > state.Low : state.CanBeAt(version);
        }
        // Before any version was named there is nothing to be above of; keeping Above off there keeps states few.
        if (wrote && state.Low != default) next = next with { Above = true };
        return true;
    }

    private bool TryCompareVersion(Operation o, RegisterState state, out RegisterState next)
    {
        next = state;
        var (absent, can) = (o.ExpectedVersion is null, CanMatch(o, state));
        if (!o.IsCertain)
        {
            if (!can) return true;
        }
        else if (o.Answer.Applied == false)
        {
            return TryCompareVersionNo(o, state, out next);
        }
        else if (!can)
        {
            return false;
        }
        if (!useVersions || absent) return TryVersion(o, state, o.Value, wrote: true, out next);
        var matched = new RegisterState(state.Value, o.ExpectedVersion!.Value, Above: false);
        return TryVersion(o, matched, o.Value, wrote: true, out next);
    }

    private bool CanMatch(Operation o, RegisterState state)
    {
        if (o.ExpectedVersion is not { } expected) return state.Value is null;
        return !useVersions || state.CanBeAt(expected);
    }

    private bool TryCompareVersionNo(Operation o, RegisterState state, out RegisterState next)
    {
        next = state;
        if (o.Answer.ValueKnown && o.Answer.Value != state.Value) return false;
        if (o.ExpectedVersion is not { } expected)
        {
            return state.Value is not null && TryVersion(o, state, state.Value, wrote: false, out next);
        }
        if (!useVersions) return true;
        if (o.NamedVersion == expected) return false;
        // The version was not the expected one. If that is the lowest it can be, it has moved on.
        var moved = state.Low == expected && state.Low != default ? state with { Above = true } : state;
        return TryVersion(o, moved, state.Value, wrote: false, out next);
    }
}
