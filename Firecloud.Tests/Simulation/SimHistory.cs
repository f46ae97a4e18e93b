// SimHistory.cs - what the callers asked and were told, in the checker's words.
//
// WATCH    a blind put or delete does not tell what was there; what an answer does not tell must stay "not known" here.
using System.Text;
using Firecloud.Actors.Protocol;
using Firecloud.Tests.Checker;
using Operation = Firecloud.Tests.Checker.Operation;
using OperationKind = Firecloud.Tests.Checker.OperationKind;
using Outcome = Firecloud.Actors.Protocol.Outcome;
using ProtocolKind = Firecloud.Actors.Protocol.OperationKind;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

internal static class SimHistory
{
    public static List<Operation> Of(IEnumerable<Asked> asked) => [.. asked.Select(Of)];

    private static Operation Of(Asked asked)
    {
        var operation = asked.Operation;
        return new Operation(asked.Number, asked.Key.ToString(), Kind(operation))
        {
            Value = Text(operation.Value),
            Expected = Text(operation.Expected),
            ExpectedVersion = Seen(operation.ExpectedVersion),
            Delta = operation.Delta,
            Call = asked.CalledAt,
            Return = asked.ReturnedAt,
            Answer = asked.HasReturned ? Told(operation, asked.Result) : Answer.Unknown,
        };
    }

    private static OperationKind Kind(Actors.Protocol.Operation operation) => operation.Kind switch
    {
        ProtocolKind.Get => OperationKind.Get,
        ProtocolKind.Put => operation.ReturnsOld ? OperationKind.PutReturningOld : OperationKind.Put,
        ProtocolKind.Delete => operation.ReturnsOld ? OperationKind.DeleteReturningOld : OperationKind.Delete,
        ProtocolKind.CompareAndSet => OperationKind.CompareAndSet,
        ProtocolKind.CompareVersionAndSet => OperationKind.CompareAndSetByVersion,
        _ => OperationKind.Increment,
    };

    private static Answer Told(Actors.Protocol.Operation operation, in OperationResult result)
    {
        if (result.Kind == ResultKind.Refused) return Answer.Refused;
        if (result.Kind == ResultKind.Unknown) return Answer.Unknown;
        var said = new Answer { Outcome = Checker.Outcome.Done, Version = Seen(result.Version) };
        var seen = said with { Value = Text(result.Value), ValueKnown = result.ValueKnown };
        var applied = result.Outcome == Outcome.Applied;
        switch (operation.Kind)
        {
            case ProtocolKind.Get: return seen;
            case ProtocolKind.Put: return operation.ReturnsOld ? seen : said;
            case ProtocolKind.Delete: return operation.ReturnsOld ? seen with { Applied = applied } : said;
            case ProtocolKind.Increment:
                if (!applied) throw new InvalidOperationException($"Every value is a number, but an increment was told {result.Outcome}.");
                return said with { Number = result.Number };
            default: return (applied ? said : seen) with { Applied = applied };
        }
    }

    private static string? Text(byte[]? value) => value is null ? null : Encoding.ASCII.GetString(value);

    private static HistoryVersion? Seen(Version version) => version.IsNone
        ? null
        : new HistoryVersion(
            version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);
}
