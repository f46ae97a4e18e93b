// SimulatedHistoriesTests.cs - histories of realistic size: correct ones are accepted quickly, every planted bug is found.
using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Checker;

public class SimulatedHistoriesTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Correct_histories_are_accepted_with_and_without_versions(bool versions, bool fewValues)
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var options = new SimulationOptions(seed) { Versions = versions, FewValues = fewValues };
            var history = new RegisterSimulation(options).Run();
            Assert.Equal(2000, history.Count);
            Assert.InRange(history.Count(o => o.Answer.Outcome == Outcome.Unknown), 10, 100);
            foreach (var rules in AllOptions)
            {
                var watch = Stopwatch.StartNew();
                var result = LinearizabilityChecker.Check(history, rules);
                Assert.True(result.IsOk, $"seed {seed}, {rules}\n{result}");
                // Far above what it takes (about 20 ms), so that a busy machine does not fail it.
                Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"seed {seed}: {watch.Elapsed}, {result}");
            }
        }
    }

    [Fact]
    public void Thousands_of_operations_on_one_key_are_checked()
    {
        var simulation = new RegisterSimulation(new SimulationOptions(7) { Operations = 5000, Keys = 1, Clients = 12 });
        var history = simulation.Run();
        var result = LinearizabilityChecker.Check(history);
        output.WriteLine(result.Text);
        Assert.True(result.IsOk, result.Text);
    }

    public static TheoryData<PlantedBug> Bugs => [.. Enum.GetValues<PlantedBug>().Except([PlantedBug.None])];

    [Theory, MemberData(nameof(Bugs))]
    public void Planted_bug_is_found_and_explained(PlantedBug bug)
    {
        var sizes = new List<int>();
        for (var seed = 1; seed <= 5; seed++)
        {
            var needsVersions = bug is PlantedBug.VersionReused or PlantedBug.OldVersion;
            // Rare occasions need a high rate to be taken at all.
            var rare = bug is PlantedBug.UnknownTwice or PlantedBug.RefusedHappened or PlantedBug.NewThenOld;
            var simulation = new RegisterSimulation(new SimulationOptions(seed)
            {
                Bug = bug, BugRate = rare ? 1 : 0.05, UnknownRate = rare ? 0.05 : 0.02,
                Keys = bug == PlantedBug.NewThenOld ? 2 : 10, Clients = bug == PlantedBug.NewThenOld ? 8 : 16,
                Versions = needsVersions || seed % 2 == 0,
            });
            var history = simulation.Run();
            Assert.True(simulation.BugsPlanted > 0, $"seed {seed}: no bug was planted");
            var result = LinearizabilityChecker.Check(history);
            Assert.True(result.Verdict == Verdict.Violation, $"{bug}, seed {seed}, {simulation.BugsPlanted} planted: {result}");
            Assert.Equal(Verdict.Violation, LinearizabilityChecker.Check(result.Counterexample).Verdict);
            Assert.True(result.Counterexample.Count < history.Count(o => o.Key == result.Key), result.Text);
            sizes.Add(result.Counterexample.Count);
            if (seed == 1) output.WriteLine(result.Text);
        }
        output.WriteLine($"{bug}: counterexamples of {string.Join(", ", sizes.Order())} operations");
        // Not all are short: where a key was found absent, every delete before can be the reason.
        Assert.True(sizes.Order().ElementAt(2) <= 30, $"{bug}: {string.Join(", ", sizes)}");
    }

    [Fact]
    public void Errors_in_versions_alone_are_invisible_without_the_version_rule()
    {
        foreach (var bug in new[] { PlantedBug.VersionReused, PlantedBug.OldVersion })
        {
            var history = new RegisterSimulation(new SimulationOptions(3) { Bug = bug, Versions = true, UnknownRate = 0 }).Run();
            Assert.Equal(Verdict.Violation, LinearizabilityChecker.Check(history).Verdict);
            Assert.Equal(Verdict.Ok, LinearizabilityChecker.Check(history, new CheckerOptions { UseVersions = false }).Verdict);
        }
    }

    private static readonly CheckerOptions[] AllOptions =
        [new(), new() { PruneByVersions = false }, new() { UseVersions = false }];
}
