// MaybeTwins.cs - finds maybe-operations that are interchangeable, so that the search need not try them in every order.
//
// Two are twins if they have the same arguments. Two blind writes are twins also with different values, if no other operation
// in the history could tell these values apart: none expects one of them, was answered one of them, or counts up from it.
// This keeps a history with many lost answers cheap: writes that nobody ever saw are one family.
namespace Firecloud.Tests.Checker;

internal static class MaybeTwins
{
    /// <returns>For each of <paramref name="maybe"/> the index of its previous twin in order of call, or -1.</returns>
    public static int[] Find(IReadOnlyList<Operation> all, IReadOnlyList<Operation> maybe)
    {
        var told = new HashSet<string?>(all.SelectMany(TellingValues));
        var counts = all.Any(o => o.Kind == OperationKind.Increment);
        var last = new Dictionary<(OperationKind Kind, string? Value, string?, HistoryVersion?, long), int>();
        var twins = new int[maybe.Count];
        for (var i = 0; i < maybe.Count; i++)
        {
            var o = maybe[i];
            var effect = Effect(o);
            if (effect.Kind == OperationKind.Put && !counts && !told.Contains(o.Value)) effect.Value = null;
            twins[i] = last.GetValueOrDefault(effect, -1);
            last[effect] = i;
        }
        return twins;
    }

    /// <summary>What an operation without an answer does: a put that would return the old value is a put.</summary>
    public static (OperationKind Kind, string? Value, string? Expected, HistoryVersion? Version, long Delta) Effect(Operation o)
    {
        var kind = o.Kind switch
        {
            OperationKind.PutReturningOld => OperationKind.Put,
            OperationKind.DeleteReturningOld => OperationKind.Delete,
            _ => o.Kind,
        };
        return (kind, o.Value, o.Expected, o.ExpectedVersion, o.Delta);
    }

    private static IEnumerable<string?> TellingValues(Operation o)
    {
        if (o.Expected is not null) yield return o.Expected;
        if (o.IsCertain && o.Answer.ValueKnown) yield return o.Answer.Value;
        // A write that stores the same value can make a maybe-operation one without effect.
        if (o.IsCertain || o.Kind == OperationKind.CompareAndSetByVersion) yield return o.Value;
    }
}
