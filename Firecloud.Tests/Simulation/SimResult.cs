// SimResult.cs - how a run ended, and the report that lets somebody else see the same.
using System.Text;
using Firecloud.Actors.Protocol;
using Firecloud.Tests.Checker;

namespace Firecloud.Tests.Simulation;

internal enum FailureKind
{
    None,

    /// <summary>No order of the operations explains the answers.</summary>
    NotLinearizable,

    /// <summary>Somebody was told a value long after it had expired.</summary>
    Late,

    /// <summary>The healthy quorum did not finish.</summary>
    NotLive,

    /// <summary>The product found a mistake of its own.</summary>
    BrokenInvariant,

    /// <summary>The checker gave up: not evidence for anything, so a failure.</summary>
    Undecided,
}

internal sealed record SimResult(Simulation World, FailureKind Failure, string? Why)
{
    private static readonly CheckerOptions Quick = new() { Shrink = false };

    public IReadOnlyList<Asked> Asked { get; private init; } = World.Workload.Asked;

    public bool IsOk => Failure == FailureKind.None;

    /// <summary>What a planted bug is to be noticed by; that it stops the store would be too cheap.</summary>
    public bool ShowsTrap => Failure is FailureKind.NotLinearizable or FailureKind.BrokenInvariant or FailureKind.Late;

    /// <summary>How a run ended.</summary>
    public static SimResult Of(Simulation world, string? broken, bool healed)
    {
        if (broken is not null) return new SimResult(world, FailureKind.BrokenInvariant, broken);
        var result = Of(world, world.Workload.Asked);
        if (!result.IsOk || !healed) return result;
        return world.NotLive() is { } late ? result with { Failure = FailureKind.NotLive, Why = late } : result;
    }

    /// <summary>Whether some order explains what these were told.</summary>
    public static SimResult Of(Simulation world, IReadOnlyList<Asked> asked)
    {
        var failure = LinearizabilityChecker.Check(SimHistory.Of(world, asked), Quick).Verdict switch
        {
            Verdict.Ok => FailureKind.None,
            Verdict.Violation => FailureKind.NotLinearizable,
            _ => FailureKind.Undecided,
        };
        var late = failure == FailureKind.None ? SimHistory.LateAnswer(world, asked) : null;
        return new SimResult(world, late is null ? failure : FailureKind.Late, late) { Asked = asked };
    }

    /// <summary>Seed, options and the shortest history that shows it.</summary>
    public string Report()
    {
        var text = new StringBuilder();
        text.AppendLine($"{Failure}, seed {World.Seed}; replay: scripts/sim.sh --seed {World.Seed} (add --log for every event)");
        text.AppendLine($"  {World.Options}");
        if (Why is not null) text.AppendLine(Why);
        var history = SimHistory.Of(World, Asked);
        if (Failure is FailureKind.NotLinearizable or FailureKind.Undecided)
        {
            text.AppendLine(LinearizabilityChecker.Check(history).Text);
        }
        else
        {
            foreach (var asked in Asked) text.AppendLine($"  {asked}");
        }
        return text.ToString();
    }
}

internal sealed partial class Simulation
{
    /// <summary>What the healthy quorum left undone, or null.</summary>
    public string? NotLive()
    {
        if (!_faults.CanBeLive) return null;
        if (_workload.Unfinished is { } call) return $"{call.Asked} has no answer {PatienceMs} ms after the healing.";
        if (!_workload.IsFinished) return "The world stood still before all was asked.";
        var refused = _workload.Asked.FirstOrDefault(a => a is { MustBeDone: true, AskedAgain: false } && a.Result.Kind != ResultKind.Done);
        return refused is null ? null : $"{refused}, although a quorum is healthy.";
    }
}
