// SimulationTests.cs - fixed seeds for every build; scripts/sim.sh draws new ones.
using Xunit;

namespace Firecloud.Tests.Simulation;

public sealed class SimulationTests
{
    private const ulong Seeds = 3000;

    [Fact]
    public void Histories_are_linearizable_and_a_healthy_quorum_finishes()
    {
        for (var seed = 0ul; seed < Seeds; seed++)
        {
            var result = new Simulation(seed).Run();
            Assert.True(result.IsOk, result.IsOk ? "" : result.Report());
        }
    }

    // Each answer took longer than an attempt, so that it always came to an attempt that was over.
    [Theory, InlineData(500267536ul), InlineData(500574581ul)]
    public void Runs_that_once_did_not_end_do(ulong seed)
    {
        var result = new Simulation(seed).Run();
        Assert.True(result.IsOk, result.IsOk ? "" : result.Report());
    }

    [Fact]
    public void Same_seed_replays_the_same_run()
    {
        var traces = new HashSet<ulong>();
        for (var seed = 0ul; seed < 100; seed++)
        {
            var (first, again) = (new Simulation(seed), new Simulation(seed) { Log = [] });
            first.Run();
            again.Run();
            Assert.Equal((first.TraceHash, first.Events, first.NowMs), (again.TraceHash, again.Events, again.NowMs));
            Assert.True(traces.Add(first.TraceHash), $"Seed {seed} gave the run of another seed.");
        }
    }

    [Fact]
    public void Runs_see_what_they_are_for()
    {
        var (done, unknown, lateDone, recovered, heard, expired) = (0, 0, 0, 0, 0, 0);
        for (var seed = 0ul; seed < 400; seed++)
        {
            var world = new Simulation(seed);
            world.Run();
            done += world.Workload.Asked.Count(a => a.Result.Kind == Actors.Protocol.ResultKind.Done);
            unknown += world.Workload.Asked.Count(a => a.Result.Kind == Actors.Protocol.ResultKind.Unknown);
            lateDone += world.Workload.Asked.Count(a => a.MustBeDone);
            recovered += world.Nodes.Count(n => n.HasMemory && n.Store.Lives[n.Id] > 0);
            expired += world.Nodes.Count(n => world.Keys.Any(k => HasExpired(n.Store.Get(k.Shard(world.Options.Shards), k).Record)));
            heard += world.Nodes.Count(n => world.Keys.Any(k => n.Store.Get(k.Shard(world.Options.Shards), k).Heard));
        }
        // A simulator that lost its faults or its callers would pass every other test.
        Assert.True(done > 2000 && unknown > 20 && lateDone > 400 && recovered > 20 && heard > 5 && expired > 20,
            $"done {done}, unknown {unknown}, asked after the healing {lateDone}, recovered {recovered}, heard {heard}, expired {expired}");
    }

    private static bool HasExpired(Actors.Protocol.Record record) =>
        record.IsTombstone && record.Writers.Count > 0 && !record.IsAsLeftBy(record.Writers[^1]);

    [Fact]
    public void Report_names_seed_options_and_the_shortest_history()
    {
        var trap = Trap.Named("nofloor");
        var result = Enumerable.Range(0, 1000).Select(s => trap.Run((ulong)s)).First(r => r.Failure == FailureKind.NotLinearizable);
        var report = result.Report();
        Assert.Contains($"scripts/sim.sh --seed {result.World.Seed}", report, StringComparison.Ordinal);
        Assert.Contains("shards=", report, StringComparison.Ordinal);
        Assert.Contains("No order explains these", report, StringComparison.Ordinal);
    }
}
