// Gaps.cs - the longest time without a success, and what went wrong, of one client.
namespace Firecloud.Tests.Lab;

/// <summary>What a client saw.</summary>
internal sealed record ClientResult
{
    /// <summary>The client: M, a, b, c, or all.</summary>
    public required string Client { get; init; }

    /// <summary>Operations done.</summary>
    public required int Done { get; init; }

    /// <summary>Longest time without a success before everything was healthy again, while the client had to be served; ms, null where it never had to.</summary>
    public double? FaultMs { get; init; }

    /// <summary>The same from then on.</summary>
    public double? HealedMs { get; init; }

    /// <summary>Longest time to the first success, from when its node could serve again; ms, null where it always could.</summary>
    public double? BackMs { get; init; }

    /// <summary>Longest wait for any answer to a call that began while its node ran and could not serve; ms, null where there was none.</summary>
    public double? SlowestNoMs { get; init; }

    /// <summary>Longest time without a success at all, whether the client had to be served or not; ms.</summary>
    public required double LongestMs { get; init; }

    /// <summary>Operations that were not done, by what was said, whether expected or not.</summary>
    public required IReadOnlyDictionary<string, int> Errors { get; init; }

    /// <summary>Of them, those whose whole time lay in a stretch in which the client had to be served, and had been since it began.</summary>
    public required IReadOnlyDictionary<string, int> Unexpected { get; init; }

    /// <summary>The errors in one line.</summary>
    public static string Line(IReadOnlyDictionary<string, int> errors) =>
        string.Join(", ", errors.OrderByDescending(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Value} {e.Key}"));
}

/// <summary>Computes it from the samples.</summary>
internal static class Gaps
{
    /// <summary>The name of a client.</summary>
    public static string NameOf(int client, int members) => client < members ? Scenario.NodeNames[client].ToString() : "all";

    /// <summary>One client's result.</summary>
    /// <param name="client">Its number.</param>
    /// <param name="members">How many nodes.</param>
    /// <param name="samples">Of all clients, in order of return.</param>
    /// <param name="expectations">When it had to be served.</param>
    /// <param name="endUs">When the load ended.</param>
    public static ClientResult Of(int client, int members, IEnumerable<Sample> samples, Expectations expectations, long endUs)
    {
        var own = samples.Where(s => s.Client == client).ToList();
        var done = own.Where(s => s.IsDone).Select(s => s.ReturnUs).ToList();
        var served = expectations.Of(client);
        var healed = expectations.HealthyFromUs;
        var (sick, sound) = (new Span(0, healed), new Span(healed, endUs));
        double? fault = null, after = null, back = null;
        var settled = new List<Span>();
        foreach (var span in served)
        {
            // What happens before the scenario begins is the warming up.
            var returns = span.FromUs > 0;
            var times = done.Where(t => t >= Math.Max(0, span.FromUs) && t <= span.ToUs).ToList();
            if (returns) back = Longer(back, (times.Count > 0 ? times[0] : span.ToUs) - span.FromUs);
            // A client that comes back begins to be measured with its first success.
            var first = returns ? times.Count > 0 ? times[0] : span.ToUs : 0;
            settled.Add(returns ? span with { FromUs = first } : span);
            foreach (var gap in Between(times, first, span.ToUs))
            {
                if (sick.Within(span).Length > 0) fault = Longer(fault, gap.Within(sick).Length);
                if (sound.Within(span).Length > 0) after = Longer(after, gap.Within(sound).Length);
            }
        }
        var wrong = own.Where(s => !s.IsDone).ToList();
        return new ClientResult
        {
            Client = NameOf(client, members),
            Done = done.Count,
            FaultMs = fault,
            HealedMs = after,
            BackMs = back,
            SlowestNoMs = SlowestNo(client, members, own, expectations, endUs),
            LongestMs = Between([.. done.Where(t => t >= 0)], 0, endUs).Max(g => g.Length) / 1000.0,
            Errors = Count(wrong),
            Unexpected = Count(wrong.Where(s => settled.Any(e => e.Contains(new Span(s.CallUs, s.ReturnUs))))),
        };
    }

    // Stretches between the times, with those at both ends.
    private static IEnumerable<Span> Between(IReadOnlyList<long> times, long fromUs, long toUs)
    {
        var last = fromUs;
        foreach (var time in times)
        {
            yield return new Span(last, time);
            last = time;
        }
        yield return new Span(last, toUs);
    }

    // Of a node that runs, of calls that began while it could not serve: what was under way before may have been done, and waits until it is known.
    private static double? SlowestNo(int client, int members, List<Sample> own, Expectations expectations, long endUs)
    {
        if (client >= members) return null;
        double? slowest = null;
        var situations = expectations.Situations;
        for (var i = 0; i < situations.Count; i++)
        {
            var span = new Span(situations[i].AtUs, i + 1 < situations.Count ? situations[i + 1].AtUs : endUs);
            if (span.Length <= 0 || situations[i].Now.Node(client) != NodeState.Up || expectations.Of(client).Any(e => e.Within(span).Length > 0)) continue;
            foreach (var wait in own.Where(s => s.CallUs >= span.FromUs).Select(s => new Span(s.CallUs, s.ReturnUs).Within(span)).Where(w => w.Length > 0)) slowest = Longer(slowest, wait.Length);
        }
        return slowest;
    }

    private static double? Longer(double? ms, long microseconds) => Math.Max(ms ?? 0, Math.Max(0, microseconds) / 1000.0);

    private static Dictionary<string, int> Count(IEnumerable<Sample> samples) =>
        samples.GroupBy(s => s.Error!).ToDictionary(g => g.Key, g => g.Count());
}
