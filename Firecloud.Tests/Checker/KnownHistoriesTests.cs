// KnownHistoriesTests.cs - small histories whose verdict a person can see, each also judged by brute force.
using Xunit;

namespace Firecloud.Tests.Checker;

public class KnownHistoriesTests
{
    private static HistoryVersion V(ulong n) => HistoryVersion.Of(n);
    private static Operation Put(long call, long ret, string value, ulong version = 0) =>
        Operation.Put(1, "k", value).At(call, ret, Answer.Written(version == 0 ? null : V(version)));
    private static Operation Get(long call, long ret, string? value, ulong version = 0) =>
        Operation.Get(2, "k").At(call, ret, Answer.Got(value, version == 0 ? null : V(version)));
    private static Operation Lost(Operation o, long call, long ret = Operation.Never) => o.At(call, ret, Answer.Unknown);
    private static Operation Add(long call, long ret, long result) =>
        Operation.Increment(3, "k", 1).At(call, ret, Answer.Counted(result));
    private static Operation Cas(string? from, string? to) => Operation.CompareAndSet(4, "k", from, to);
    private static Operation CasAt(ulong version, string to) => Operation.CompareAndSetByVersion(4, "k", V(version), to);

    private static readonly Dictionary<string, Operation[]> Good = new()
    {
        ["nothing happened"] = [],
        ["one after the other"] = [Put(1, 2, "a"), Get(3, 4, "a"), Put(5, 6, "b"), Get(7, 8, "b")],
        ["a get during a put may see either"] = [Put(1, 2, "a"), Put(3, 8, "b"), Get(4, 5, "a"), Get(6, 7, "b")],
        ["an unknown put surfaces late"] =
            [Put(1, 2, "a"), Lost(Operation.Put(1, "k", "b"), 3, 4), Get(5, 6, "a"), Get(9, 10, "b")],
        ["an unknown put never surfaces"] = [Put(1, 2, "a"), Lost(Operation.Put(1, "k", "b"), 3), Get(5, 6, "a")],
        ["a refused put did not happen"] = [Put(1, 2, "a"), Operation.Put(1, "k", "b").At(3, 4, Answer.Refused), Get(5, 6, "a")],
        ["a get without an answer says nothing"] = [Put(1, 2, "a"), Lost(Operation.Get(1, "k"), 3, 4)],
        ["two unknown increments, both counted late"] =
            [Lost(Operation.Increment(1, "k", 1), 1), Lost(Operation.Increment(2, "k", 1), 2), Add(3, 4, 1), Add(5, 6, 4)],
        ["of two compare-and-sets at once one wins"] =
            [Put(1, 2, "a"), Cas("a", "b").At(3, 6, Answer.Swapped()), Cas("a", "c").At(4, 5, Answer.NotSwappedBecause("b"))],
        ["an unknown put explains a no"] =
            [Put(1, 2, "a"), Lost(Operation.Put(1, "k", "b"), 3), Cas("a", "c").At(4, 5, Answer.NotSwapped())],
        ["a retry that no longer knows the old value"] =
            [Put(1, 2, "a"), Operation.PutReturningOld(1, "k", "b").At(3, 4, Answer.OldNotKnown()), Get(5, 6, "b")],
        ["old values chain"] =
        [
            Operation.PutReturningOld(1, "k", "a").At(1, 9, Answer.WithOld("b")),
            Operation.PutReturningOld(2, "k", "b").At(2, 8, Answer.WithOld(null)),
            Operation.DeleteReturningOld(3, "k").At(3, 10, Answer.WithOld("a")), Get(11, 12, null),
        ],
        ["delete says whether there was a value"] =
        [
            Put(1, 2, "a"), Operation.Delete(1, "k").At(3, 4, Answer.Deleted(true)),
            Operation.Delete(1, "k").At(5, 6, Answer.Deleted(false)),
        ],
        ["the store writes the same value under a new version"] = [Put(1, 2, "a", 1), Get(3, 4, "a", 1), Get(5, 6, "a", 3)],
        ["a no to a version, because the store wrote the value anew"] =
            [Put(1, 2, "a", 1), CasAt(1, "b").At(3, 4, Answer.NotSwappedBecause("a", V(2))), Get(5, 6, "a", 2)],
        ["a set at the version that a get saw"] =
            [Put(1, 2, "a", 1), Get(3, 4, "a", 2), CasAt(2, "b").At(5, 6, Answer.Swapped(V(3))), Get(7, 8, "b", 3)],
        ["set if absent, by version"] =
            [Operation.CompareAndSetByVersion(1, "k", null, "a").At(1, 2, Answer.Swapped(V(1))), Get(3, 4, "a", 1)],
        ["versions of concurrent writes choose their order"] = [Put(1, 5, "a", 2), Put(2, 4, "b", 1), Get(6, 7, "a", 2)],
    };

    private static readonly Dictionary<string, Operation[]> Bad = new()
    {
        ["a stale read"] = [Put(1, 2, "a"), Put(3, 4, "b"), Get(5, 6, "a")],
        ["a lost write"] = [Put(1, 2, "a"), Get(3, 4, null)],
        ["a value nobody wrote"] = [Put(1, 2, "a"), Get(3, 4, "z")],
        ["a read from the future"] = [Get(1, 2, "a"), Put(3, 4, "a")],
        ["the new value, then the old one"] = [Put(1, 2, "a"), Put(3, 20, "b"), Get(4, 5, "b"), Get(6, 7, "a")],
        ["a lost update"] =
            [Put(1, 2, "1"), Cas("1", "2").At(3, 6, Answer.Swapped()), Cas("1", "3").At(4, 5, Answer.Swapped())],
        ["a retry applied twice"] = [Put(1, 2, "a"), Put(3, 4, "b"), Get(5, 6, "b"), Put(7, 8, "c"), Get(9, 10, "b")],
        ["told no, though it happened"] =
            [Put(1, 2, "a"), Cas("a", "b").At(3, 4, Answer.NotSwapped()), Get(5, 6, "b")],
        ["told no, then it happens"] =
        [
            Put(1, 2, "a"), Put(3, 4, "x"), Cas("a", "b").At(5, 6, Answer.NotSwappedBecause("x")),
            Put(7, 8, "a"), Get(9, 10, "b"),
        ],
        ["told yes, but it did not happen"] = [Put(1, 2, "a"), Cas("a", "b").At(3, 4, Answer.Swapped()), Get(5, 6, "a")],
        ["a no that names a wrong value"] = [Put(1, 2, "a"), Cas("x", "b").At(3, 4, Answer.NotSwappedBecause("y"))],
        ["an increment lost"] = [Add(1, 4, 1), Add(2, 3, 1)],
        ["an increment counted twice"] = [Add(1, 2, 1), Add(3, 4, 3)],
        ["an unknown increment counted twice"] = [Lost(Operation.Increment(1, "k", 1), 1), Add(3, 4, 3)],
        ["an unknown put surfaces twice"] =
        [
            Put(1, 2, "a"), Lost(Operation.Put(1, "k", "b"), 3), Get(5, 6, "b"), Put(7, 8, "c"),
            Get(9, 10, "c"), Get(11, 12, "b"),
        ],
        ["an unknown put surfaces, then is gone"] =
            [Put(1, 2, "a"), Lost(Operation.Put(1, "k", "b"), 3), Get(5, 6, "b"), Get(7, 8, "a")],
        ["an unknown put surfaces before it was called"] = [Put(1, 2, "a"), Get(3, 4, "b"), Lost(Operation.Put(1, "k", "b"), 5)],
        ["a refused put happened"] = [Put(1, 2, "a"), Operation.Put(1, "k", "b").At(3, 4, Answer.Refused), Get(5, 6, "b")],
        ["a deleted value comes back"] =
            [Put(1, 2, "a"), Operation.Delete(1, "k").At(3, 4, Answer.Written()), Get(5, 6, null), Get(7, 8, "a")],
        ["a wrong old value"] = [Put(1, 2, "a"), Operation.PutReturningOld(1, "k", "b").At(3, 4, Answer.WithOld(null))],
        ["two deletes of one value"] =
        [
            Put(1, 2, "a"), Operation.Delete(1, "k").At(3, 6, Answer.Deleted(true)),
            Operation.Delete(1, "k").At(4, 5, Answer.Deleted(true)),
        ],
        ["a forgotten old value does not excuse a lost write"] =
            [Put(1, 2, "a"), Operation.PutReturningOld(1, "k", "b").At(3, 4, Answer.OldNotKnown()), Get(5, 6, "a")],
        ["a counter that is no number"] = [Put(1, 2, "a"), Add(3, 4, 1)],
        ["set if absent, though present, by version"] =
            [Put(1, 2, "a"), Operation.CompareAndSetByVersion(1, "k", null, "b").At(3, 4, Answer.Swapped())],
    };

    // Values alone explain these.
    private static readonly Dictionary<string, Operation[]> BadByVersion = new()
    {
        ["the same value, of an older version"] = [Put(1, 2, "a", 1), Put(3, 4, "b", 2), Put(5, 6, "a", 3), Get(7, 8, "a", 1)],
        ["one version for two writes"] = [Put(1, 3, "a", 1), Put(2, 4, "b", 1)],
        ["a later write under a lower version"] = [Put(1, 2, "a", 2), Put(3, 4, "b", 1)],
        ["versions of gets go back"] = [Put(1, 2, "a", 1), Get(3, 4, "a", 5), Get(6, 7, "a", 4)],
        ["one version, a write between"] =
            [Put(1, 2, "a", 1), Get(3, 4, "a", 2), Lost(Operation.Put(1, "k", "b"), 5), Get(6, 7, "b", 2)],
        ["a set at a version that had been overwritten by the same value"] =
            [Put(1, 2, "a", 1), Put(3, 4, "a", 2), CasAt(1, "b").At(5, 6, Answer.Swapped(V(3)))],
        ["a no that names the expected version"] =
            [Put(1, 2, "a", 1), CasAt(1, "b").At(3, 4, Answer.NotSwappedBecause("a", V(1)))],
    };

    public static TheoryData<string> GoodNames => [.. Good.Keys];
    public static TheoryData<string> BadNames => [.. Bad.Keys];
    public static TheoryData<string> BadByVersionNames => [.. BadByVersion.Keys];

    [Theory, MemberData(nameof(GoodNames))]
    public void Good_history_is_accepted(string name)
    {
        foreach (var options in AllOptions) Assert.Equal((Verdict.Ok, options), (Check(Good[name], options), options));
        Assert.True(BruteForce.IsLinearizable(Good[name], useVersions: true));
    }

    [Theory, MemberData(nameof(BadNames))]
    public void Bad_history_is_rejected(string name)
    {
        foreach (var options in AllOptions) Assert.Equal((Verdict.Violation, options), (Check(Bad[name], options), options));
        Assert.False(BruteForce.IsLinearizable(Bad[name], useVersions: false));
    }

    [Theory, MemberData(nameof(BadByVersionNames))]
    public void Versions_show_what_values_hide(string name)
    {
        var history = BadByVersion[name];
        Assert.Equal(Verdict.Ok, Check(history, new CheckerOptions { UseVersions = false }));
        Assert.Equal(Verdict.Violation, Check(history, new CheckerOptions { PruneByVersions = false }));
        Assert.Equal(Verdict.Violation, Check(history, new CheckerOptions()));
        Assert.False(BruteForce.IsLinearizable(history, useVersions: true));
    }

    [Fact]
    public void Keys_are_checked_apart_and_the_bad_one_is_named()
    {
        Operation[] history =
        [
            Put(1, 2, "a"), Get(3, 4, "a"),
            Operation.Put(1, "other", "b").At(5, 6, Answer.Written()), Operation.Get(1, "other").At(7, 8, Answer.Got("a")),
        ];
        var result = LinearizabilityChecker.Check(history);
        Assert.Equal((Verdict.Violation, "other"), (result.Verdict, result.Key));
        Assert.All(result.Counterexample, o => Assert.Equal("other", o.Key));
    }

    [Fact]
    public void An_operation_that_ends_before_it_begins_is_a_bug_in_the_test() =>
        Assert.Throws<ArgumentException>(() => LinearizabilityChecker.Check([Put(2, 1, "a")]));

    private static readonly CheckerOptions[] AllOptions =
        [new(), new() { PruneByVersions = false }, new() { UseVersions = false }];

    private static Verdict Check(Operation[] history, CheckerOptions options) =>
        LinearizabilityChecker.Check(history, options).Verdict;
}
