// LinearizabilityChecker.cs - is a history of a key-value store linearizable? The entry point of this folder.
//
// Linearizability is local (Herlihy and Wing 1990): a history is linearizable exactly if its part on each key is. So each key
// is searched by itself (KeySearch, with RegisterModel as the specification); every key starts absent.
// COST     the problem is NP-complete; in practice the time depends on how many operations on one key overlap and on how many
//          have no answer, hardly on the length. A search that reaches its limit ends as Undecided, which a test must treat as
//          a failure: it is not evidence for anything.
// VERSIONS UseVersions checks the versions that answers named as well as the values (see RegisterModel); PruneByVersions only
//          makes that faster and never changes the verdict.
using System.Diagnostics;

namespace Firecloud.Tests.Checker;

public enum Verdict { Ok, Violation, Undecided }

public sealed record CheckerOptions
{
    public static readonly CheckerOptions Default = new();

    /// <summary>Check that versions in answers fit the order; off, only values are checked.</summary>
    public bool UseVersions { get; init; } = true;

    /// <summary>Use versions to skip orders that can't fit. Without effect if UseVersions is off.</summary>
    public bool PruneByVersions { get; init; } = true;

    /// <summary>Look for a small part of a history that is already not linearizable.</summary>
    public bool Shrink { get; init; } = true;

    /// <summary>Operations tried, per key. Bounds the memory too: every new configuration is remembered.</summary>
    public long MaxSteps { get; init; } = 20_000_000;

    /// <summary>Time per key, and once more for shrinking.</summary>
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromSeconds(20);
}

/// <param name="Verdict">Ok: every key is linearizable. Violation: one is not. Undecided: none is known not to be.</param>
/// <param name="Key">The key that is not linearizable or not decided.</param>
/// <param name="Counterexample">Operations that no order explains; CounterexampleShrinker says what it may change.</param>
/// <param name="Steps">Operations tried over all keys, without those for shrinking.</param>
/// <param name="Text">The result in readable lines.</param>
public sealed record CheckResult(
    Verdict Verdict, string? Key, IReadOnlyList<Operation> Counterexample, long Steps, string Text)
{
    public bool IsOk => Verdict == Verdict.Ok;

    public override string ToString() => Text;
}

public static class LinearizabilityChecker
{
    /// <summary>Checks all keys; the first violation ends the check.</summary>
    /// <exception cref="ArgumentException">An operation that can't have happened: it returned before it was called.</exception>
    public static CheckResult Check(IEnumerable<Operation> history, CheckerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(history);
        options ??= CheckerOptions.Default;
        var all = history.ToList();
        if (all.Find(o => o.Return < o.Call) is { } wrong)
        {
            throw new ArgumentException($"Ends before it begins: {wrong}", nameof(history));
        }
        var steps = 0L;
        CheckResult? undecided = null;
        foreach (var key in all.Where(Matters).GroupBy(o => o.Key))
        {
            var result = CheckKey(key.Key, key.ToList(), options);
            steps += result.Steps;
            if (result.Verdict == Verdict.Violation) return result with { Steps = steps };
            if (result.Verdict == Verdict.Undecided) undecided ??= result;
        }
        return undecided is null
            ? new CheckResult(Verdict.Ok, null, [], steps, $"Linearizable: {all.Count} operations, {steps} steps.")
            : undecided with { Steps = steps };
    }

    /// <summary>Refused operations did not happen, and a get without an answer says nothing.</summary>
    internal static bool Matters(Operation o) =>
        o.Answer.Outcome != Outcome.Refused && (o.IsCertain || o.Kind != OperationKind.Get);

    private static CheckResult CheckKey(string key, List<Operation> operations, CheckerOptions options)
    {
        var budget = new SearchBudget(options);
        var search = new KeySearch(operations, options, budget);
        var verdict = search.Run();
        var size = $"{operations.Count} operations, {operations.Count(o => !o.IsCertain)} of them without an answer";
        if (verdict == Verdict.Ok) return new CheckResult(verdict, null, [], budget.Steps, "");
        if (verdict == Verdict.Undecided)
        {
            return new CheckResult(verdict, key, [], budget.Steps, $"Undecided: key {key}, {size}, overlapping at most "
                + $"{HistorySize.Overlap(operations)}. Stopped after {budget.Steps} steps, "
                + $"{search.Configurations} configurations, {budget.Elapsed.TotalSeconds:f1} s;"
                + " use fewer clients per key, shorter histories or higher limits.");
        }
        var shrinker = new CounterexampleShrinker(operations, options);
        if (options.Shrink) shrinker.Run();
        var text = $"Not linearizable: key {key}, {size}. {shrinker.Describe()}";
        return new CheckResult(verdict, key, shrinker.Counterexample, budget.Steps, text);
    }
}

/// <summary>Counts the steps of a search and says when to give up.</summary>
internal sealed class SearchBudget(CheckerOptions options)
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private bool _late;

    public long Steps { get; private set; }

    public TimeSpan Elapsed => _watch.Elapsed;

    public bool IsSpent => _late || Steps >= options.MaxSteps;

    public void Spend()
    {
        Steps++;
        // The clock costs more than a step, so it is asked now and then.
        if ((Steps & 0xFFF) == 0) _late = _watch.Elapsed > options.MaxTime;
    }
}

internal static class HistorySize
{
    /// <summary>The largest number of answered operations under way at one time.</summary>
    public static int Overlap(IEnumerable<Operation> operations)
    {
        var (now, most) = (0, 0);
        var changes = operations.Where(o => o.IsCertain).SelectMany(o => new[] { (o.Call, 1), (o.Return, -1) });
        foreach (var (_, change) in changes.OrderBy(c => c.Item1).ThenByDescending(c => c.Item2))
        {
            now += change;
            most = Math.Max(most, now);
        }
        return most;
    }
}
