// Situation.cs - how nodes and links are at one moment, and who can serve then. Pure: the network and the processes follow it.
namespace Firecloud.Tests.Lab;

internal enum NodeState
{
    Up,

    /// <summary>Its process was started; it has not answered yet.</summary>
    Starting,

    Paused,
    Down,
}

/// <summary>Nodes and arcs. Immutable.</summary>
internal sealed class Situation
{
    private readonly NodeState[] _nodes;
    private readonly bool[,] _cut;
    private readonly double[,] _loss;
    private readonly bool[] _full;
    private readonly double[] _clocks;

    private Situation(NodeState[] nodes, bool[,] cut, double[,] loss, bool[] full, double[] clocks) =>
        (_nodes, _cut, _loss, _full, _clocks) = (nodes, cut, loss, full, clocks);

    public int Members => _nodes.Length;

    /// <summary>Everything is as it should be, but that nodes may still be starting.</summary>
    public bool IsHealed => _nodes.All(n => n is NodeState.Up or NodeState.Starting) && !_full.Any(f => f)
        && _clocks.All(c => c == 0) && !_cut.Cast<bool>().Any(c => c) && _loss.Cast<double>().All(l => l == 0);

    /// <summary>Everything is as it should be.</summary>
    public bool IsHealthy => IsHealed && _nodes.All(n => n == NodeState.Up);

    public static Situation Healthy(int members) =>
        new(new NodeState[members], new bool[members, members], new double[members, members], new bool[members], new double[members]);

    public NodeState Node(int node) => _nodes[node];

    public bool IsCut(int from, int to) => _cut[from, to];

    /// <summary>The share of datagrams that an arc loses.</summary>
    public double LossOf(int from, int to) => _loss[from, to];

    /// <summary>After a fault.</summary>
    /// <exception cref="ScenarioException">It can't be done now, as a start of a node that runs.</exception>
    public Situation With(Fault fault)
    {
        var next = new Situation([.. _nodes], (bool[,])_cut.Clone(), (double[,])_loss.Clone(), [.. _full], [.. _clocks]);
        foreach (var (from, to) in fault.Arcs) next.Change(fault, from, to);
        foreach (var node in fault.Nodes) next.Change(fault, node);
        return next;
    }

    /// <summary>A node that was starting serves.</summary>
    public Situation Ready(int node) => new([.. _nodes.Select((s, i) => i == node ? NodeState.Up : s)], _cut, _loss, _full, _clocks);

    /// <summary>Whether a node can reach a quorum and be reached by it, over any chain of running nodes, each direction by itself.</summary>
    /// <param name="node">The node.</param>
    /// <param name="votes">Of each node.</param>
    public bool Serves(int node, IReadOnlyList<int> votes)
    {
        if (_nodes[node] != NodeState.Up) return false;
        var (there, back) = (Reached(node, (u, v) => !_cut[u, v]), Reached(node, (u, v) => !_cut[v, u]));
        var sum = Enumerable.Range(0, Members).Where(n => there[n] && back[n]).Sum(n => votes[n]);
        return sum > votes.Sum() / 2;
    }

    private bool[] Reached(int node, Func<int, int, bool> carries)
    {
        var seen = new bool[Members];
        seen[node] = true;
        var open = new Stack<int>([node]);
        while (open.TryPop(out var from))
        {
            for (var to = 0; to < Members; to++)
            {
                if (seen[to] || _nodes[to] != NodeState.Up || !carries(from, to)) continue;
                seen[to] = true;
                open.Push(to);
            }
        }
        return seen;
    }

    private void Change(Fault fault, int from, int to)
    {
        if (fault.Kind != FaultKind.Loss) _cut[from, to] = fault.Kind == FaultKind.Cut;
        _loss[from, to] = fault.Kind == FaultKind.Loss ? fault.Amount : 0;
    }

    private void Change(Fault fault, int node)
    {
        var running = _nodes[node] is NodeState.Up or NodeState.Starting;
        var (allowed, next) = fault.Kind switch
        {
            FaultKind.Kill => (_nodes[node] != NodeState.Down, NodeState.Down),
            FaultKind.Terminate => (running, NodeState.Down),
            FaultKind.Start => (_nodes[node] == NodeState.Down, NodeState.Starting),
            FaultKind.Restart => (_nodes[node] != NodeState.Down, NodeState.Starting),
            FaultKind.Pause => (running, NodeState.Paused),
            FaultKind.Resume => (_nodes[node] == NodeState.Paused, NodeState.Up),
            FaultKind.Wipe => (_nodes[node] == NodeState.Down, NodeState.Down),
            FaultKind.Fill => (!_full[node], _nodes[node]),
            FaultKind.Free => (_full[node], _nodes[node]),
            _ => (true, _nodes[node]),
        };
        if (!allowed)
        {
            throw new ScenarioException($"'{fault.Text}': node {Scenario.NodeNames[node]} is {_nodes[node]}{(_full[node] ? ", its disk full" : "")}.");
        }
        _nodes[node] = next;
        if (fault.Kind == FaultKind.Clock) _clocks[node] = fault.Amount;
        _full[node] = fault.Kind == FaultKind.Fill || (_full[node] && fault.Kind != FaultKind.Free);
    }
}
