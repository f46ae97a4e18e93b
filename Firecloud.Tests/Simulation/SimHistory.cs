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
    /// <summary>A moment of a history is the time in virtual milliseconds and, in so many low bits, its place among those of one time.</summary>
    public const int MomentsBits = 20;

    /// <summary>What the callers asked, and that what they gave an expiry may go away by itself: not before it, by the fastest of all clocks.</summary>
    public static List<Operation> Of(Simulation world, IReadOnlyList<Asked> asked) =>
        [.. asked.Select(Of), .. asked.Where(MayExpire).Select(a => Expiry(world, a))];

    /// <summary>An answer with a value that had expired by every clock before it was asked for, or null.</summary>
    public static string? LateAnswer(Simulation world, IReadOnlyList<Asked> asked)
    {
        // A later expiry may have been set for what is there: then nothing is known of it.
        var touched = asked.Where(a => IsTouch(a.Operation)).Select(a => a.Key).ToHashSet();
        var over = asked.Where(a => a.Operation.ExpiresAt != 0 && !IsTouch(a.Operation))
            .ToDictionary(a => (a.Key, Number(Text(a.Operation.Value)!)), a => LastMoment(world, a.Operation.ExpiresAt));
        var late = asked.FirstOrDefault(a => a.HasReturned && a.Result.Kind == ResultKind.Done && !touched.Contains(a.Key)
            && Told(a) is { } told && over.TryGetValue((a.Key, Number(told)), out var last) && a.CalledAt > last);
        return late is null ? null : $"{late}: told a value that had expired by every clock.";
    }

    private static string? Told(Asked asked) => asked.Operation.Kind == ProtocolKind.Increment
        ? $"{asked.Result.Number}"
        : asked.Result.ValueKnown ? Text(asked.Result.Value) : null;

    private static long Number(string text) => long.Parse(text, System.Globalization.CultureInfo.InvariantCulture) / RegisterModel.CountedUpTo;

    private static bool IsTouch(Actors.Protocol.Operation operation) => operation.Update is { Change: UpdateChange.Keep };

    private static bool MayExpire(Asked asked) =>
        asked.Operation.ExpiresAt != 0 && !(asked.HasReturned && asked.Result.Kind == ResultKind.Refused);

    private static Operation Expiry(Simulation world, Asked asked)
    {
        var touched = IsTouch(asked.Operation) && asked.HasReturned && asked.Result.Kind == ResultKind.Done ? Text(asked.Result.Value) : null;
        var first = asked.Operation.ExpiresAt - world.Options.ClockSkew - Simulation.WallAtStart;
        return new Operation(asked.Number, asked.Key.ToString(), OperationKind.Expire)
        {
            Expected = touched ?? Text(asked.Operation.Value),
            Call = Math.Max(asked.CalledAt, first << MomentsBits),
        };
    }

    private static long LastMoment(Simulation world, long expiresAt) =>
        (expiresAt + world.Options.ClockSkew - Simulation.WallAtStart + 1 << MomentsBits) - 1;

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
        ProtocolKind.Update => IsTouch(operation) ? OperationKind.Touch : OperationKind.CompareAndSet,
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
            default: return (applied && !IsTouch(operation) ? said : seen) with { Applied = applied };
        }
    }

    private static string? Text(byte[]? value) => value is null ? null : Encoding.ASCII.GetString(value);

    private static HistoryVersion? Seen(Version version) => version.IsNone
        ? null
        : new HistoryVersion(
            version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);
}
