// CounterexampleShrinker.cs - from a history that is not linearizable to a small one that a person can follow.
//
// Only changes that keep a linearizable history linearizable are made; so if the smaller one is not, the larger was not either,
// and for the same reason. Each change is kept only if the result is still not linearizable:
//   Cut      everything after some return is dropped; what was under way then has no answer yet.
//   Reads    operations without effect are dropped. (Dropping a write is no such change: its readers would be left alone.)
//   Answers  a write is made one that may have happened at any time or never; it can only explain more than before.
//   Useless  one without an answer is dropped if nothing that looks at the value could accept what it leads to.
using System.Diagnostics;

namespace Firecloud.Tests.Checker;

internal sealed class CounterexampleShrinker(IEnumerable<Operation> operations, CheckerOptions options)
{
    // Every attempt is a search of its own; these must not take minutes together.
    private readonly Stopwatch _watch = new();

    // One hard attempt must not use up the time for many easy ones; giving up on it only leaves the result larger.
    private readonly CheckerOptions _attempt = options with { MaxSteps = options.MaxSteps / 200 };
    private readonly Dictionary<(int Client, long Call), Operation> _original =
        operations.GroupBy(o => (o.Client, o.Call)).ToDictionary(g => g.Key, g => g.First());
    private List<Operation> _left = [.. operations.OrderBy(o => o.Call)];

    public IReadOnlyList<Operation> Counterexample => _left;

    public void Run()
    {
        _watch.Start();
        Cut();
        KeepRelated();
        Thin(RegisterModel.SurelyReads);
        Thin(o => o.IsCertain);
        Thin(RegisterModel.SurelyReads);
    }

    public string Describe()
    {
        var search = new KeySearch(_left, options, new SearchBudget(options));
        search.Run();
        var numbers = new Dictionary<object, string>(ReferenceEqualityComparer.Instance);
        foreach (var o in _left) numbers.Add(o, $"#{numbers.Count + 1}");
        var lines = _left.Select(o => $"  {numbers[o],-4} {Line(o)}");
        var order = search.Longest.Count == 0 ? "nothing" : string.Join(" ", search.Longest.Select(o => numbers[o]));
        var value = HistoryText.Quote(search.ValueAfterLongest);
        return string.Join(Environment.NewLine, [
            $"No order explains these {_left.Count}:",
            .. lines,
            $"  The search got as far as {order}, value {value}; nothing left fits there.",
        ]);
    }

    private string Line(Operation o) =>
        !o.IsCertain && _original[(o.Client, o.Call)] is { IsCertain: true } original
            ? $"{original} (this answer does not matter here)"
            : o.ToString();

    // Parts of linearizable histories up to a moment are linearizable, so the shortest part that is not can be bisected for.
    private void Cut()
    {
        var ends = _left.Where(o => o.IsCertain).Select(o => o.Return).Order().ToList();
        var (low, high) = (0, ends.Count - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (IsViolation(UpTo(ends[middle]), options)) high = middle;
            else low = middle + 1;
        }
        var cut = UpTo(ends[high]);
        // A search that gave up looks like "linearizable" above; so make sure.
        if (IsViolation(cut, options)) _left = cut;
    }

    private List<Operation> UpTo(long end) =>
    [
        .. _left.Where(o => o.Call <= end)
            .Select(o => o.IsCertain && o.Return > end ? Unanswered(o) : o)
            .Where(LinearizabilityChecker.Matters),
    ];

    // The cut leaves the contradiction near the end. Most are between the last operations and those with the same values.
    private void KeepRelated()
    {
        var recent = _left.Where(o => o.IsCertain).OrderByDescending(o => o.Return).ToList();
        if (recent.Count == 0) return;
        var values = ValuesOf(recent[0]).ToHashSet();
        for (var count = 1; count < recent.Count && _watch.Elapsed < options.MaxTime; count *= 2)
        {
            var kept = new HashSet<object>(recent.Take(count), ReferenceEqualityComparer.Instance);
            if (TryWeaken(o => !kept.Contains(o) && !ValuesOf(o).Any(values.Contains))) return;
        }
    }

    private static IEnumerable<string> ValuesOf(Operation o)
    {
        var number = o.Answer.Number?.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new[] { o.Value, o.Expected, o.Answer.Value, number }.OfType<string>();
    }

    /// <summary>Weakens as many of the chosen operations as possible, in large groups first.</summary>
    private void Thin(Func<Operation, bool> chosen)
    {
        for (var size = Math.Max(1, _left.Count / 2); size >= 1; size /= 2)
        {
            var open = _left.Where(chosen).ToList();
            for (var i = 0; i < open.Count && _watch.Elapsed < options.MaxTime; i += size)
            {
                var group = new HashSet<object>(open.Skip(i).Take(size), ReferenceEqualityComparer.Instance);
                TryWeaken(group.Contains);
            }
        }
    }

    /// <summary>Drops chosen reads, makes chosen writes possible ones, and keeps that if the rest is not linearizable.</summary>
    private bool TryWeaken(Func<Operation, bool> chosen)
    {
        var weaker = _left.Where(o => !(chosen(o) && RegisterModel.SurelyReads(o)))
            .Select(o => chosen(o) && o.IsCertain ? Unanswered(o) : o).ToList();
        weaker = WithoutUseless(weaker);
        if (weaker.Count == 0 || !IsViolation(weaker, _attempt)) return false;
        _left = weaker;
        return true;
    }

    private static bool IsViolation(List<Operation> part, CheckerOptions limits) =>
        new KeySearch(part, limits, new SearchBudget(limits)).Run() == Verdict.Violation;

    private static Operation Unanswered(Operation o) => o with { Return = Operation.Never, Answer = Answer.Unknown };

    // By the rule Needed in KeySearch: what a maybe-operation makes must be accepted by an operation that looks, or by another
    // maybe-operation of which the same is true. And each looking operation needs at most one of several equal ones before it.
    private static List<Operation> WithoutUseless(List<Operation> part)
    {
        var looking = part.Where(o => o.IsCertain && Looks(o)).ToList();
        var maybe = part.Where(o => !o.IsCertain).ToList();
        var useful = new HashSet<object>(ReferenceEqualityComparer.Instance);
        List<Operation> takers;
        do
        {
            takers = [.. looking, .. maybe.Where(useful.Contains)];
            useful.UnionWith(maybe.Where(u => takers.Exists(t => CanTake(t, u))).ToList());
        }
        while (looking.Count + useful.Count > takers.Count);
        foreach (var equal in maybe.Where(o => o.Kind != OperationKind.Increment).GroupBy(MaybeTwins.Effect))
        {
            foreach (var spare in equal.Skip(looking.Count)) useful.Remove(spare);
        }
        return part.Where(o => o.IsCertain || useful.Contains(o)).ToList();
    }

    private static bool CanTake(Operation taker, Operation maker)
    {
        if (maker.Kind == OperationKind.Increment || (!taker.IsCertain && taker.Kind == OperationKind.Increment)) return true;
        var made = new RegisterState(maker.Value, default, Above: false);
        return new RegisterModel(useVersions: false).TryStep(taker, made, out var next)
            && (taker.IsCertain || (Looks(taker) && next != made));
    }

    private static bool Looks(Operation o) => o.Kind switch
    {
        OperationKind.Put => false,
        OperationKind.PutReturningOld => o.IsCertain && o.Answer.ValueKnown,
        OperationKind.Delete => o.IsCertain && o.Answer.Applied is not null,
        OperationKind.DeleteReturningOld => o.IsCertain && (o.Answer.ValueKnown || o.Answer.Applied is not null),
        _ => true,
    };
}
