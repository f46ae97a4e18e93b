// BruteForceAgreementTests.cs - the checker and the search by brute force judge the same small random histories.
// Most histories have up to three answers changed, so both verdicts occur often; the tests make sure of that.
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Checker;

public class BruteForceAgreementTests(ITestOutputHelper output)
{
    private const int Seed = 20_26;

    [Theory]
    [InlineData(false, 8_000, 7)]
    [InlineData(true, 8_000, 5)]
    public void Checker_and_brute_force_agree(bool versions, int histories, int operations)
    {
        var (right, wrong, onlyByVersion) = (0, 0, 0);
        for (var i = 0; i < histories; i++)
        {
            var seed = Seed + i;
            var history = SmallHistory(seed, versions, operations);
            var byValue = BruteForce.IsLinearizable(history, useVersions: false);
            var byVersion = BruteForce.IsLinearizable(history, useVersions: true);
            AssertVerdict(byVersion, history, new CheckerOptions(), seed);
            AssertVerdict(byVersion, history, new CheckerOptions { PruneByVersions = false }, seed);
            AssertVerdict(byValue, history, new CheckerOptions { UseVersions = false }, seed);
            Assert.True(byValue || !byVersion, $"seed {seed}: versions explained what values don't");
            if (byVersion) right++;
            else wrong++;
            if (byValue && !byVersion) onlyByVersion++;
        }
        output.WriteLine($"seed {Seed}: {right} linearizable, {wrong} not, of these {onlyByVersion} by versions only");
        Assert.True(right > histories / 5 && wrong > histories / 5, $"one-sided: {right} linearizable, {wrong} not");
        Assert.True(!versions || onlyByVersion > histories / 50, $"only {onlyByVersion} errors in versions");
    }

    [Fact]
    public void Counterexamples_are_not_linearizable_either_and_hold_nothing_superfluous()
    {
        var found = 0;
        for (var seed = Seed; found < 400; seed++)
        {
            var history = SmallHistory(seed, versions: seed % 2 == 0, operations: 6);
            var result = LinearizabilityChecker.Check(history);
            if (result.IsOk) continue;
            found++;
            Assert.False(BruteForce.IsLinearizable(result.Counterexample, useVersions: true), $"seed {seed}\n{result}");
            foreach (var read in result.Counterexample.Where(RegisterModel.SurelyReads))
            {
                var fewer = result.Counterexample.Except([read]).ToList();
                Assert.True(BruteForce.IsLinearizable(fewer, true), $"seed {seed}\n{result}\nspare: {read}");
            }
        }
    }

    private static void AssertVerdict(bool linearizable, List<Operation> history, CheckerOptions options, int seed)
    {
        var result = LinearizabilityChecker.Check(history, options with { Shrink = false });
        var expected = linearizable ? Verdict.Ok : Verdict.Violation;
        Assert.True(expected == result.Verdict,
            $"seed {seed}, {options}: brute force says {expected}, the checker {result}\n{string.Join("\n", history)}");
    }

    private static List<Operation> SmallHistory(int seed, bool versions, int operations)
    {
        var random = new Random(seed);
        var history = new RegisterSimulation(new SimulationOptions(seed)
        {
            Operations = operations, Clients = random.Next(1, 5), Keys = 1, UnknownRate = random.Next(3) * 0.2,
            Versions = versions, FewValues = true,
        }).Run().ToList();
        for (var changes = random.Next(4); changes > 0; changes--)
        {
            var i = random.Next(history.Count);
            history[i] = history[i] with { Answer = Changed(history[i].Answer, random) };
        }
        return history;
    }

    private static Answer Changed(Answer answer, Random random) => random.Next(6) switch
    {
        0 => answer with { Outcome = answer.Outcome == Outcome.Refused ? Outcome.Unknown : Outcome.Refused },
        1 when answer.Applied is { } applied => answer with { Applied = !applied },
        2 when answer.Number is { } number => answer with { Number = number + 1 },
        3 or 4 when answer.Version is { } v =>
            answer with { Version = HistoryVersion.Of(Math.Max(3, v.Sequence + (ulong)random.Next(5)) - 2) },
        _ when answer.ValueKnown => answer with { Value = new[] { "a", "b", "1", null }[random.Next(4)] },
        _ => answer,
    };
}
