// BruteForce.cs - linearizability by trying every order: slow, and so plain that it can be trusted to judge the checker.
//
// Shares nothing with the checker but the history. Versions are concrete numbers here: the store holds one, may raise it at any
// time, and every possible one is followed. Named versions are spread out so that enough unnamed ones fit between any two.
using Xunit;

namespace Firecloud.Tests.Checker;

internal static class BruteForce
{
    private const int Gap = 12;  // more than the operations of one history, so that all may write between two named versions

    private readonly record struct Store(string? Value, int Version);

    public static bool IsLinearizable(IReadOnlyList<Operation> history, bool useVersions)
    {
        Assert.True(history.Count < Gap);
        var relevant = history.Where(o => o.Answer.Outcome != Outcome.Refused)
            .Where(o => o.Kind != OperationKind.Get || IsDone(o)).ToList();
        var named = history.SelectMany(o => new[] { o.Answer.Version, o.ExpectedVersion }).OfType<HistoryVersion>()
            .Where(v => v != default).Distinct().Order().ToList();
        var numbers = named.Select((v, i) => (v, n: (i + 1) * Gap)).ToDictionary(p => p.v, p => p.n);
        var top = useVersions ? (named.Count + 1) * Gap : 0;
        var search = new Search(relevant, numbers, top);
        return search.Go(0, [new Store(null, 0)]);
    }

    private static bool IsDone(Operation o) => o.Answer.Outcome == Outcome.Done;

    private sealed class Search(List<Operation> history, Dictionary<HistoryVersion, int> numbers, int top)
    {
        public bool Go(int placed, HashSet<Store> stores)
        {
            if (stores.Count == 0) return false;
            var open = Enumerable.Range(0, history.Count).Where(i => (placed >> i & 1) == 0).ToList();
            var done = open.Where(i => IsDone(history[i])).ToList();
            if (done.Count == 0) return true;
            foreach (var i in open)
            {
                if (done.Any(d => d != i && history[d].Return < history[i].Call)) continue;
                if (Go(placed | 1 << i, stores.SelectMany(Raised).SelectMany(s => After(history[i], s)).ToHashSet())) return true;
            }
            return false;
        }

        private IEnumerable<Store> Raised(Store s) =>
            Enumerable.Range(s.Version, Math.Max(1, top - s.Version + 1)).Select(v => s with { Version = v });

        private IEnumerable<Store> After(Operation o, Store s)
        {
            foreach (var (value, wrote) in Outcomes(o, s))
            {
                if (top == 0) yield return new Store(value, 0);
                else if (!wrote && (Named(o) is not { } seen || seen == s.Version)) yield return s with { Value = value };
                else if (wrote && Named(o) is { } made && made > s.Version) yield return new Store(value, made);
                else if (wrote && Named(o) is null)
                {
                    for (var v = s.Version + 1; v <= top; v++) yield return new Store(value, v);
                }
            }
        }

        private int? Named(Operation o) => IsDone(o) && o.Answer.Version is { } v && v != default ? numbers[v] : null;

        private IEnumerable<(string? Value, bool Wrote)> Outcomes(Operation o, Store s)
        {
            var a = IsDone(o) ? o.Answer : new Answer();
            var old = s.Value;
            var sees = !a.ValueKnown || a.Value == old;
            switch (o.Kind)
            {
                case OperationKind.Get: return sees ? [(old, false)] : [];
                case OperationKind.Put or OperationKind.PutReturningOld: return sees ? [(o.Value, true)] : [];
                case OperationKind.Delete or OperationKind.DeleteReturningOld:
                    return sees && (a.Applied is null || a.Applied == (old != null)) ? [(null, old != null)] : [];
                case OperationKind.Increment:
                    if (!long.TryParse(old ?? "0", out var n)) return IsDone(o) ? [] : [(old, false)];
                    return a.Number is null || a.Number == n + o.Delta ? [($"{n + o.Delta}", true)] : [];
                default:
                    var holds = o.Kind == OperationKind.CompareAndSet ? old == o.Expected : Holds(o, s);
                    // Without versions nobody can say what a "no" to a version means.
                    var mayFail = !holds
                        || (o.Kind == OperationKind.CompareAndSetByVersion && top == 0 && o.ExpectedVersion != null);
                    var yes = holds && a.Applied != false;
                    var no = mayFail && a.Applied != true && sees;
                    (string?, bool)[] none = [];
                    return [.. yes ? [(o.Value, true)] : none, .. no ? [(old, false)] : none];
            }
        }

        private bool Holds(Operation o, Store s) =>
            o.ExpectedVersion is { } e ? top == 0 || s.Version == numbers[e] : s.Value is null;
    }
}
