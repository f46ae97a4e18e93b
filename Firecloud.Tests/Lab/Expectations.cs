// Expectations.cs - when each client has to be served, computed from the votes and from what was done to nodes and links.
//
// The client of a node has to be served while its node runs and has, over any chain of running nodes, a way to a quorum of votes and a way
// back from each of them. The client that knows all has to be served while any node's client has.
// WATCH    while a fault is being carried out only those have to be served that have to both before and after it. A node that was started
//          counts, also for the others, from the moment its own client was served first.
namespace Firecloud.Tests.Lab;

/// <summary>Who had to be served, and when.</summary>
internal sealed class Expectations
{
    private readonly List<Span>[] _served;

    private Expectations(List<Span>[] served, List<(long AtUs, Situation Now)> situations, List<long> starts, long endUs)
    {
        (_served, Situations, StartsUs) = (served, situations, starts);
        HealthyFromUs = situations.FindLastIndex(s => !s.Now.IsHealthy) is var last && last < 0 ? 0
            : last + 1 < situations.Count ? situations[last + 1].AtUs : endUs;
        Sick = [.. situations.Select((s, i) => (s.Now, Span: new Span(s.AtUs, i + 1 < situations.Count ? situations[i + 1].AtUs : endUs)))
            .Where(s => !s.Now.IsHealthy && s.Span.Length > 0).Select(s => s.Span)];
    }

    /// <summary>Situations and when they began.</summary>
    public IReadOnlyList<(long AtUs, Situation Now)> Situations { get; }

    /// <summary>How long nodes that were started took until their client was served.</summary>
    public IReadOnlyList<long> StartsUs { get; }

    /// <summary>Stretches in which something was not as it should be.</summary>
    public IReadOnlyList<Span> Sick { get; }

    /// <summary>From then on everything was as it should be; the end where it never was.</summary>
    public long HealthyFromUs { get; }

    /// <summary>Stretches in which a client had to be served.</summary>
    public IReadOnlyList<Span> Of(int client) => _served[client];

    /// <summary>Nodes whose clients had to be served all the time.</summary>
    public string AlwaysServed(int members, long endUs) =>
        string.Concat(Enumerable.Range(0, members).Where(n => _served[n] is [var one] && one.FromUs <= 0 && one.ToUs >= endUs).Select(n => Scenario.NodeNames[n]));

    /// <summary>Computes it.</summary>
    /// <param name="votes">Of each node.</param>
    /// <param name="changes">What was done, in order.</param>
    /// <param name="samples">In order of return.</param>
    /// <param name="beginUs">When the load began; everything is healthy then.</param>
    /// <param name="endUs">When it ended.</param>
    public static Expectations Compute(
        IReadOnlyList<int> votes, IReadOnlyList<Change> changes, IReadOnlyList<Sample> samples, long beginUs, long endUs)
    {
        var now = Situation.Healthy(votes.Count);
        var served = Enumerable.Range(0, votes.Count + 1).Select(_ => new List<Span>()).ToArray();
        var situations = new List<(long, Situation)> { (beginUs, now) };
        var starts = new List<long>();
        var (at, started) = (beginUs, new long[votes.Count]);
        foreach (var change in changes)
        {
            BringReady(change.BeginUs);
            Go(change.BeginUs, now, now);
            var next = now.With(change.Fault);
            Go(change.EndUs, now, next);
            now = next;
            situations.Add((change.EndUs, now));
            foreach (var node in change.Fault.Nodes.Where(n => now.Node(n) == NodeState.Starting)) started[node] = change.EndUs;
        }
        BringReady(endUs);
        Go(endUs, now, now);
        return new Expectations(served, situations, starts, endUs);

        void Go(long untilUs, Situation before, Situation after)
        {
            if (untilUs <= at) return;
            var serves = Enumerable.Range(0, votes.Count).Select(n => before.Serves(n, votes) && after.Serves(n, votes)).ToArray();
            for (var client = 0; client <= votes.Count; client++)
            {
                if (client < votes.Count ? serves[client] : serves.Any(s => s)) Add(served[client], new Span(at, untilUs));
            }
            at = untilUs;
        }

        void BringReady(long untilUs)
        {
            while (true)
            {
                var first = Enumerable.Range(0, votes.Count).Where(n => now.Node(n) == NodeState.Starting)
                    .Select(n => (Node: n, AtUs: FirstDone(samples, n, started[n]))).Where(r => r.AtUs < untilUs).OrderBy(r => r.AtUs).FirstOrDefault((-1, 0));
                if (first.Node < 0) return;
                Go(first.AtUs, now, now);
                now = now.Ready(first.Node);
                situations.Add((Math.Max(at, first.AtUs), now));
                starts.Add(first.AtUs - started[first.Node]);
            }
        }
    }

    private static void Add(List<Span> spans, Span span)
    {
        if (spans is [.., var last] && last.ToUs == span.FromUs) spans[^1] = last with { ToUs = span.ToUs };
        else spans.Add(span);
    }

    private static long FirstDone(IReadOnlyList<Sample> samples, int client, long afterUs) =>
        samples.FirstOrDefault(s => s.Client == client && s.IsDone && s.CallUs >= afterUs)?.ReturnUs ?? long.MaxValue;
}
