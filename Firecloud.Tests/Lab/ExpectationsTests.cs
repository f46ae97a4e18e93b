using Xunit;

namespace Firecloud.Tests.Lab;

/// <summary>Who has to be served, and the longest time without a success.</summary>
public class ExpectationsTests
{
    private static readonly int[] Weighted = [2, 1, 1, 1];
    private static readonly int[] Equal = [1, 1, 1, 1];

    // The same counts come out of the routers themselves, in Transport/RouterTests.
    [Theory]
    [InlineData(true, 212)]
    [InlineData(false, 200)]
    public void All_states_of_the_six_links(bool weighted, int serving)
    {
        var links = (from u in Enumerable.Range(0, 4) from v in Enumerable.Range(0, 4) where u < v select (u, v)).ToArray();
        var count = 0;
        for (var state = 0; state < 64; state++)
        {
            var cut = links.Where((_, i) => (state >> i & 1) == 0).SelectMany(l => new[] { l, (l.v, l.u) });
            count += Serving(cut, weighted ? Weighted : Equal);
        }
        Assert.Equal(serving, count);
    }

    [Fact]
    public void All_states_of_the_twelve_directions()
    {
        var arcs = (from u in Enumerable.Range(0, 4) from v in Enumerable.Range(0, 4) where u != v select (u, v)).ToArray();
        Assert.Equal(10_624, Enumerable.Range(0, 4096).Sum(state => Serving(arcs.Where((_, i) => (state >> i & 1) == 0), Weighted)));
    }

    [Fact]
    public void Who_is_down_paused_or_starting_neither_serves_nor_votes()
    {
        var situation = Situation.Healthy(4).With(On(FaultKind.Kill, 0)).With(On(FaultKind.Pause, 1));
        Assert.Equal("", Who(situation));
        Assert.Equal("abc", Who(situation.With(On(FaultKind.Resume, 1))));
        var starting = situation.With(On(FaultKind.Start, 0));
        Assert.Equal("", Who(starting));
        Assert.Equal("Mbc", Who(starting.Ready(0)));
        Assert.True(starting.Ready(0).With(On(FaultKind.Resume, 1)).IsHealthy);
        Assert.Equal("Mabc", Who(Situation.Healthy(4).With(On(FaultKind.Fill, 0))));
        Assert.False(Situation.Healthy(4).With(On(FaultKind.Fill, 0)).IsHealed);
    }

    [Fact]
    public void While_a_fault_is_carried_out_those_count_who_serve_before_and_after()
    {
        var changes = new[] { new Change(1000, 1100, Split()), new Change(5000, 5200, Heal()) };
        var expected = Expectations.Compute(Weighted, changes, [], -500, 9000);
        Assert.Equal([new Span(-500, 9000)], expected.Of(0));
        Assert.Equal([new Span(-500, 1000), new Span(5200, 9000)], expected.Of(2));
        Assert.Equal([new Span(-500, 9000)], expected.Of(4));
        Assert.Equal(5200, expected.HealthyFromUs);
        Assert.Equal([new Span(1100, 5200)], expected.Sick);
        Assert.Equal("Ma", expected.AlwaysServed(4, 9000));
    }

    [Fact]
    public void A_node_that_was_started_counts_from_its_first_success()
    {
        var changes = new[] { new Change(1000, 1000, On(FaultKind.Kill, 0, 1)), new Change(2000, 2000, On(FaultKind.Start, 0, 1)) };
        Sample[] samples = [Ok(0, 900, 1990), Ok(2, 2500, 2600), Ok(0, 2500, 3000), Ok(1, 2900, 4000)];
        var expected = Expectations.Compute(Weighted, changes, samples, 0, 9000);
        Assert.Equal([new Span(0, 1000), new Span(3000, 9000)], expected.Of(0));
        Assert.Equal([new Span(0, 1000), new Span(4000, 9000)], expected.Of(1));
        Assert.Equal([new Span(0, 1000), new Span(3000, 9000)], expected.Of(2));
        Assert.Equal(4000, expected.HealthyFromUs);
        Assert.Equal([1000L, 2000L], expected.StartsUs);
    }

    [Fact]
    public void A_node_that_does_not_come_back_is_never_healthy_again()
    {
        var expected = Expectations.Compute(Weighted, [new Change(1000, 1000, On(FaultKind.Restart, 1))], [], 0, 9000);
        Assert.Equal(9000, expected.HealthyFromUs);
        Assert.Equal([new Span(0, 1000)], expected.Of(1));
        Assert.Equal(NodeState.Starting, expected.Situations[^1].Now.Node(1));
    }

    [Fact]
    public void Gaps_are_told_apart_by_fault_and_healing()
    {
        var changes = new[] { new Change(0, 0, Split()), new Change(500_000, 500_000, Heal()) };
        // M: 10 ms steps, but 200 ms before and 60 ms after the healing at 500 ms.
        var samples = Steps(0, 0, 300_000).Append(Ok(0, 490_000, 560_000)).Concat(Steps(0, 570_000, 900_000))
            // c: refused from 5 ms on, and done again 90 ms after the healing; one call hangs for 150 ms.
            .Append(No(3, 5_000, 155_000)).Append(No(3, 160_000, 161_000)).Concat(Steps(3, 590_000, 900_000)).OrderBy(s => s.ReturnUs).ToList();
        var expected = Expectations.Compute(Weighted, changes, samples, 0, 900_000);
        var m = Gaps.Of(0, 4, samples, expected, 900_000);
        Assert.Equal((200, 60, null, null), (m.FaultMs, m.HealedMs, m.BackMs, m.SlowestNoMs));
        Assert.Equal(260, m.LongestMs);
        Assert.Empty(m.Errors);
        var c = Gaps.Of(3, 4, samples, expected, 900_000);
        Assert.Equal((null, 10, 90, 150), (c.FaultMs, c.HealedMs, c.BackMs, c.SlowestNoMs));
        Assert.Equal(590, c.LongestMs);
        Assert.Equal("2 NOQUORUM", ClientResult.Line(c.Errors));
        Assert.Empty(c.Unexpected);
    }

    [Fact]
    public void Errors_that_should_not_be_are_those_of_clients_that_had_to_be_served()
    {
        var changes = new[] { new Change(100_000, 110_000, Split()), new Change(500_000, 510_000, Heal()) };
        // Of c's the second spans the cut, and the third comes while its node is on its way back.
        Sample[] samples = [No(3, 10_000, 20_000), No(3, 90_000, 105_000), No(0, 200_000, 210_000), No(3, 520_000, 530_000), Ok(3, 600_000, 610_000), No(3, 620_000, 630_000)];
        var expected = Expectations.Compute(Weighted, changes, samples, 0, 900_000);
        Assert.Equal("2 NOQUORUM", ClientResult.Line(Gaps.Of(3, 4, samples, expected, 900_000).Unexpected));
        Assert.Equal("1 NOQUORUM", ClientResult.Line(Gaps.Of(0, 4, samples, expected, 900_000).Unexpected));
    }

    [Fact]
    public void A_client_that_is_never_served_has_a_gap_of_all_the_time()
    {
        var expected = Expectations.Compute(Weighted, [], [], 0, 900_000);
        var result = Gaps.Of(1, 4, [], expected, 900_000);
        Assert.Equal((null, 900, 900), (result.FaultMs, result.HealedMs, result.LongestMs));
    }

    [Fact]
    public void Targets_that_were_missed_are_told()
    {
        var fine = new ClientResult { Client = "M", Done = 1, LongestMs = 5, FaultMs = 5, Errors = new Dictionary<string, int>(), Unexpected = new Dictionary<string, int>() };
        var result = new ScenarioResult
        {
            Scenario = "x", About = "x", Store = "firecloud", Members = 4, Seed = 1, TargetMs = 250, BackTargetMs = 1000, AlwaysServed = "Mabc", Operations = 1,
            Checked = "Ok", StallMs = 1, Troubles = [], Clients = [fine],
        };
        Assert.Empty(result.Missed);
        Assert.Empty(result.Failures);
        Assert.Single((result with { Clients = [fine with { FaultMs = 250 }] }).Missed);
        Assert.Single((result with { Clients = [fine with { HealedMs = 251 }] }).Missed);
        Assert.Single((result with { Clients = [fine with { SlowestNoMs = 1001 }] }).Missed);
        Assert.Single((result with { Clients = [fine with { BackMs = 1000 }] }).Missed);
        Assert.Single((result with { Clients = [fine with { Unexpected = new Dictionary<string, int> { ["UNKNOWN"] = 2 } }] }).Missed);
        Assert.Single((result with { Checked = "Violation" }).Failures);
        Assert.Single((result with { Checked = "Undecided" }).Failures);
        Assert.Single((result with { Troubles = ["node a did not come back"] }).Failures);
        Assert.Contains("| x        | Mabc ", LabTables.Of([result]), StringComparison.Ordinal);
        Assert.EndsWith("| 1 ms  | –            |", LabTables.Of([result]).TrimEnd(), StringComparison.Ordinal);
        Assert.EndsWith("| 1 ms  | 246 ms       |", LabTables.Of([result with { SlowestSyncMs = 245.7 }]).TrimEnd(), StringComparison.Ordinal);
        Assert.Contains("| 5 ms (M) ", LabTables.SideBySide([[result]]), StringComparison.Ordinal);
    }

    private static int Serving(IEnumerable<(int From, int To)> cut, int[] votes)
    {
        var situation = Situation.Healthy(4).With(new Fault(FaultKind.Cut, "cut") { Arcs = [.. cut] });
        return Enumerable.Range(0, 4).Count(n => situation.Serves(n, votes));
    }

    private static string Who(Situation situation) => string.Concat(Enumerable.Range(0, 4).Where(n => situation.Serves(n, Weighted)).Select(n => Scenario.NodeNames[n]));

    private static Fault On(FaultKind kind, params int[] nodes) => new(kind, kind.ToString()) { Nodes = nodes };

    private static Fault Split() => ScenarioFile.Parse("x", "about x\nat 0 split Ma|bc\nat 1 heal\nend 2").Steps[0].Fault;

    private static Fault Heal() => ScenarioFile.Parse("x", "about x\nat 1 heal\nend 2").Steps[0].Fault;

    private static Sample Ok(int client, long callUs, long returnUs) => new(client, callUs, returnUs, null, false);

    private static Sample No(int client, long callUs, long returnUs) => new(client, callUs, returnUs, "NOQUORUM", false);

    private static IEnumerable<Sample> Steps(int client, long fromUs, long toUs)
    {
        for (var at = fromUs; at <= toUs; at += 10_000) yield return Ok(client, at - 1000, at);
    }
}
