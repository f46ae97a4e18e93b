// LimitsTests.cs - what the checker says when a history is too hard, and that many lost answers are not too hard.
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Checker;

public class LimitsTests(ITestOutputHelper output)
{
    [Fact]
    public void A_search_that_reaches_its_limit_is_undecided_and_names_the_size()
    {
        var history = new RegisterSimulation(new SimulationOptions(1) { Operations = 300, Keys = 1 }).Run();
        var result = LinearizabilityChecker.Check(history, new CheckerOptions { MaxSteps = 100 });
        Assert.Equal(Verdict.Undecided, result.Verdict);
        Assert.False(result.IsOk);
        Assert.InRange(result.Steps, 100, 1000);
        Assert.Contains($"{history.Count(LinearizabilityChecker.Matters)} operations", result.Text, StringComparison.Ordinal);
        Assert.Contains("key k0", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_runs_out_too()
    {
        var result = LinearizabilityChecker.Check(Hard(), new CheckerOptions { MaxTime = TimeSpan.FromMilliseconds(50) });
        Assert.Equal(Verdict.Undecided, result.Verdict);
    }

    [Fact]
    public void A_violation_on_one_key_counts_more_than_an_undecided_other()
    {
        var bad = Operation.Get(1, "other").At(1, 2, Answer.Got("never written"));
        var result = LinearizabilityChecker.Check([.. Hard(), bad], new CheckerOptions { MaxSteps = 10_000 });
        Assert.Equal((Verdict.Violation, "other"), (result.Verdict, result.Key));
    }

    [Theory]
    [InlineData(false, 0.1)]
    [InlineData(false, 0.3)]
    [InlineData(true, 0.5)]
    public void Hundreds_of_lost_answers_on_one_key_are_checked(bool versions, double unknownRate)
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            var history = new RegisterSimulation(new SimulationOptions(seed)
            {
                Operations = 1000, Keys = 1, Clients = 6, UnknownRate = unknownRate, Versions = versions,
            }).Run();
            var lost = history.Count(o => o.Answer.Outcome == Outcome.Unknown && o.Kind != OperationKind.Get);
            var result = LinearizabilityChecker.Check(history);
            output.WriteLine($"seed {seed}: {lost} lost answers; {result}");
            Assert.True(result.IsOk, $"seed {seed}: {result}");
        }
    }

    /// <summary>Increments by different powers of two whose answers are lost: every sum is possible but one.</summary>
    private static List<Operation> Hard()
    {
        var history = new List<Operation>();
        for (var i = 0; i < 40; i++)
        {
            history.Add(Operation.Increment(i, "k", 2L << i).At(i + 1, Operation.Never, Answer.Unknown));
        }
        history.Add(Operation.Get(99, "k").At(100, 101, Answer.Got("1")));
        return history;
    }
}
