// Scenario.cs - what happens to the nodes, and when. ScenarioFile reads it from a text; docs/lab.md describes the format.
//
// Nodes are named by what they are: M is the master (of etcd: the leader when the scenario begins), a, b and c the others, numbers 0
// to 3. Links are directed: the arc (from, to) is what carries datagrams from one to the other.
namespace Firecloud.Tests.Lab;

internal enum FaultKind
{
    /// <summary>Arcs carry nothing any more.</summary>
    Cut,

    /// <summary>Arcs carry everything again.</summary>
    Heal,

    /// <summary>Arcs lose datagrams by chance, a share of Amount.</summary>
    Loss,

    /// <summary>kill -9.</summary>
    Kill,

    /// <summary>SIGTERM: leave in good order.</summary>
    Terminate,

    /// <summary>A node that is down is started.</summary>
    Start,

    /// <summary>kill -9, and started at once.</summary>
    Restart,

    /// <summary>SIGSTOP.</summary>
    Pause,

    /// <summary>SIGCONT.</summary>
    Resume,

    /// <summary>The folder of a node that is down is emptied.</summary>
    Wipe,

    /// <summary>The node's disk has no room any more.</summary>
    Fill,

    /// <summary>The disk has room again.</summary>
    Free,

    /// <summary>The node's wall clock jumps by Amount seconds.</summary>
    Clock,
}

/// <summary>One thing that is done to nodes or links.</summary>
/// <param name="Kind">What.</param>
/// <param name="Text">As it was written.</param>
internal sealed record Fault(FaultKind Kind, string Text)
{
    /// <summary>Numbers of the nodes it is done to.</summary>
    public IReadOnlyList<int> Nodes { get; init; } = [];

    /// <summary>Arcs it is done to.</summary>
    public IReadOnlyList<(int From, int To)> Arcs { get; init; } = [];

    /// <summary>Loss: a share, 0 to 1. Clock: seconds, negative for back.</summary>
    public double Amount { get; init; }
}

/// <summary>A fault and its time.</summary>
/// <param name="AtMs">Milliseconds from the begin of the scenario.</param>
/// <param name="Fault">What is done.</param>
internal sealed record Step(long AtMs, Fault Fault);

/// <summary>Faults in the order of their times.</summary>
/// <param name="Name">The file's name without its ending.</param>
/// <param name="About">One sentence.</param>
/// <param name="TargetMs">The longest time without a success that is aimed at, for clients whose node can reach a quorum.</param>
/// <param name="BackMs">The same for clients whose node could not, from the moment it can.</param>
/// <param name="EndMs">How long it lasts.</param>
/// <param name="Steps">The faults.</param>
internal sealed record Scenario(string Name, string About, int TargetMs, int BackMs, long EndMs, IReadOnlyList<Step> Steps)
{
    public const string NodeNames = "Mabc";

    /// <summary>Whether a kind of fault is in it.</summary>
    public bool Has(FaultKind kind) => Steps.Any(s => s.Fault.Kind == kind);

    /// <summary>The same in another length: all times in proportion.</summary>
    public Scenario Lasting(long milliseconds) => this with
    {
        EndMs = milliseconds,
        Steps = [.. Steps.Select(s => s with { AtMs = s.AtMs * milliseconds / EndMs })],
    };

    /// <summary>The same without the nodes that a smaller group does not have; null where nothing of the faults is left.</summary>
    /// <param name="members">3 or 4.</param>
    public Scenario? For(int members)
    {
        var steps = Steps.Select(s => s with
        {
            Fault = s.Fault with
            {
                Nodes = [.. s.Fault.Nodes.Where(n => n < members)],
                Arcs = [.. s.Fault.Arcs.Where(a => a.From < members && a.To < members)],
            },
        }).Where(s => s.Fault.Nodes.Count + s.Fault.Arcs.Count > 0).ToList();
        return steps.All(s => s.Fault.Kind == FaultKind.Heal) && Steps.Count > 0 ? null : this with { Steps = steps };
    }
}

/// <summary>A scenario's text is wrong; the message names file, line and what is allowed.</summary>
internal sealed class ScenarioException(string message) : Exception(message);
