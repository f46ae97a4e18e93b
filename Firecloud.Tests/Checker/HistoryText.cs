// HistoryText.cs - operations in words, for counterexamples that a person reads.
namespace Firecloud.Tests.Checker;

internal static class HistoryText
{
    public static string Request(Operation o) => o.Kind switch
    {
        OperationKind.Get => $"get {o.Key}",
        OperationKind.Put => $"put {o.Key} = {Quote(o.Value)}",
        OperationKind.PutReturningOld => $"put {o.Key} = {Quote(o.Value)} returning old",
        OperationKind.Delete => $"delete {o.Key}",
        OperationKind.DeleteReturningOld => $"delete {o.Key} returning old",
        OperationKind.CompareAndSet => $"set {o.Key} = {Quote(o.Value)} if {Quote(o.Expected)}",
        OperationKind.CompareAndSetByVersion =>
            $"set {o.Key} = {Quote(o.Value)} if {(o.ExpectedVersion is { } v ? $"version {v}" : "absent")}",
        OperationKind.Increment => $"increment {o.Key} by {o.Delta}",
        OperationKind.Touch => $"touch {o.Key}",
        OperationKind.Expire => $"{o.Key} = {(o.Expected is null ? "anything" : Quote(o.Expected))} expires",
        _ => throw new ArgumentOutOfRangeException(nameof(o), o.Kind, "A kind that the checker does not know."),
    };

    public static string Reply(Operation o)
    {
        if (o.Answer.Outcome == Outcome.Refused) return "refused";
        if (o.Answer.Outcome == Outcome.Unknown) return o.Return == Operation.Never ? "no answer" : "unknown";
        var text = o.Answer.Applied switch
        {
            true => "yes",
            false => "no",
            null => o.Answer.ValueKnown || o.Answer.Number is not null ? "" : "done",
        };
        if (o.Answer.ValueKnown) text += (text.Length > 0 ? ", " : "") + Quote(o.Answer.Value);
        if (o.Answer.Number is { } number) text += number;
        return o.Answer.Version is { } version ? $"{text} @{version}" : text;
    }

    public static string Quote(string? value) => value is null ? "absent" : $"\"{value}\"";
}
