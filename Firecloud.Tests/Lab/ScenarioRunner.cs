// ScenarioRunner.cs - one scenario: a new cluster, clients at work, the faults at their times, and then the judgement of what was recorded.
using System.Globalization;
using Firecloud.Tests.Checker;

namespace Firecloud.Tests.Lab;

/// <summary>Runs scenarios.</summary>
/// <param name="peer">firecloud or etcd.</param>
/// <param name="members">3 or 4.</param>
/// <param name="folder">For the nodes' logs and histories that fail; null for none.</param>
internal sealed class ScenarioRunner(string peer, int members, string? folder)
{
    private const double SlowMs = 150;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    /// <summary>How long a client waits for one answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A HOCON file with further settings of Firecloud's nodes; null for none.</summary>
    public string? Settings { get; init; }

    /// <summary>Runs one.</summary>
    /// <param name="scenario">Already without the nodes that there are not.</param>
    /// <param name="seed">Of the load.</param>
    /// <param name="stop">Ends it early.</param>
    /// <exception cref="InvalidOperationException">The lab itself failed.</exception>
    /// <exception cref="TimeoutException">The nodes did not serve within a minute.</exception>
    public async Task<ScenarioResult> RunAsync(Scenario scenario, int seed, CancellationToken stop)
    {
        await using var network = await LabNetwork.CreateAsync(members);
        var store = LabStore.Of(peer, network, members, Settings);
        await using var nodes = await LabNodes.StartAsync(store, scenario);
        try
        {
            await store.ReadyAsync().WaitAsync(stop);
            var places = Places(await store.MasterAsync());
            var clients = new List<ILabClient>(places.Select(store.ClientOf)) { await store.ClientOfAllAsync() };
            await using var load = new LabLoad(clients, store.Counts, seed, Patience);
            load.Start();
            await Task.Delay(WarmUp, stop);
            load.Begin();
            using var disk = new DiskProbe(network.Slot.Folder, () => load.NowUs);
            var changes = await FaultsAsync(scenario, load, nodes, network, places, stop);
            var endUs = load.NowUs;
            var ended = nodes.Ended(_ => true);
            await load.StopAsync();
            var votes = places.Select(p => store.Votes[p]).ToList();
            return Judge(scenario, seed, load, disk.Syncs, votes, changes, endUs, ended, places);
        }
        finally
        {
            if (folder is not null) KeepLogs(scenario, nodes);
        }
    }

    // M is the master; who else has that number takes its place.
    private int[] Places(int master)
    {
        var places = Enumerable.Range(0, members).ToArray();
        (places[0], places[master]) = (places[master], places[0]);
        return places;
    }

    private static async Task<List<Change>> FaultsAsync(
        Scenario scenario, LabLoad load, LabNodes nodes, LabNetwork network, int[] places, CancellationToken stop)
    {
        var changes = new List<Change>();
        var situation = Situation.Healthy(places.Length);
        // Faults of one time are carried out together.
        var lateUs = 0L;
        foreach (var group in scenario.Steps.GroupBy(s => s.AtMs))
        {
            await UntilAsync(group.Key);
            await UpAsync();
            var beginUs = load.NowUs;
            foreach (var step in group) situation = situation.With(step.Fault);
            await Task.WhenAll([network.SetAsync(situation, places), .. group.SelectMany(s => s.Fault.Nodes).Distinct().Select(DoAllAsync)]);
            changes.AddRange(group.Select(s => new Change(beginUs, load.NowUs, s.Fault)));

            async Task DoAllAsync(int node)
            {
                foreach (var step in group.Where(s => s.Fault.Nodes.Contains(node))) await nodes.DoAsync(step.Fault, places[node]);
            }
        }
        await UpAsync();
        await UntilAsync(scenario.EndMs);
        return changes;

        // How fast a process starts is the machine's: what comes next waits for it, and so does all that follows.
        async Task UpAsync()
        {
            var fromUs = load.NowUs;
            foreach (var node in Enumerable.Range(0, places.Length).Where(n => situation.Node(n) == NodeState.Starting))
            {
                var startedUs = changes.Last(c => c.Fault.Nodes.Contains(node)).EndUs;
                while (!load.HasServed(node, startedUs))
                {
                    if (load.NowUs - startedUs > StartPatience.TotalMicroseconds) throw new TimeoutException($"Node {Scenario.NodeNames[node]} did not serve within {StartPatience.TotalSeconds} s of its start.");
                    await Task.Delay(10, stop);
                }
            }
            lateUs += load.NowUs - fromUs;
        }

        Task UntilAsync(long ms)
        {
            var rest = TimeSpan.FromMicroseconds(ms * 1000 + lateUs - load.NowUs);
            return Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, stop);
        }
    }

    private ScenarioResult Judge(
        Scenario scenario, int seed, LabLoad load, IReadOnlyList<Span> syncs, List<int> votes, List<Change> changes, long endUs, IReadOnlyList<int> ended, int[] places)
    {
        var samples = load.Samples;
        var expectations = Expectations.Compute(votes, changes, samples, samples.Count > 0 ? Math.Min(0, samples[0].CallUs) : 0, endUs);
        var results = Enumerable.Range(0, members + 1).Select(c => Gaps.Of(c, members, samples, expectations, endUs)).ToList();
        var history = load.History;
        var check = LinearizabilityChecker.Check(history);
        if (!check.IsOk && folder is not null) File.WriteAllLines(Path.Combine(folder, $"{scenario.Name}.history.txt"), history.Select(o => o.ToString()));
        if (folder is not null) File.WriteAllLines(Path.Combine(folder, $"{scenario.Name}.slow.txt"), Slow(samples, syncs));
        var last = expectations.Situations[^1].Now;
        var troubles = Enumerable.Range(0, members).Where(n => last.Node(n) != NodeState.Up)
            .Select(n => $"node {Scenario.NodeNames[n]} did not come back before the end")
            .Concat(ended.Select(m => $"the process of node {Scenario.NodeNames[Array.IndexOf(places, m)]} has ended")).ToList();
        return new ScenarioResult
        {
            Scenario = scenario.Name,
            About = scenario.About,
            Store = peer,
            Members = members,
            Seed = seed,
            TargetMs = scenario.TargetMs,
            BackTargetMs = scenario.BackMs,
            AlwaysServed = expectations.AlwaysServed(members, endUs),
            Clients = results,
            Operations = history.Count,
            Checked = check.Verdict.ToString(),
            CheckedText = check.IsOk ? null : check.ToString(),
            StallMs = load.StallMs,
            SlowestSyncMs = syncs.Count > 0 ? syncs.Max(s => s.Length) / 1000.0 : null,
            StartMs = expectations.StartsUs.Count > 0 ? expectations.StartsUs.Max() / 1000.0 : null,
            Troubles = troubles,
            Timeline = new Timeline(changes, samples, expectations, endUs),
        };
    }

    // What may have been done, or took long; and the disk's slow syncs, so that one sees whose fault it was.
    private IEnumerable<string> Slow(IReadOnlyList<Sample> samples, IReadOnlyList<Span> syncs) => samples
        .Where(s => s.ReturnUs >= 0 && (s.IsUnknown || s.ReturnUs - s.CallUs > SlowMs * 1000))
        .Select(s => (Of: new Span(s.CallUs, s.ReturnUs), Text: $"client {Gaps.NameOf(s.Client, members),-3} {s.Error ?? "done"}: {s.Text}"))
        .Concat(syncs.Where(s => s.Length > SlowMs / 3 * 1000).Select(s => (Of: s, Text: "the disk: a sync")))
        .OrderBy(each => each.Of.FromUs)
        .Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Of.FromUs / 1000,7} ms, {each.Of.Length / 1000,5} ms, {each.Text}"));

    private void KeepLogs(Scenario scenario, LabNodes nodes)
    {
        var logs = Directory.CreateDirectory(Path.Combine(folder!, "logs")).FullName;
        for (var member = 0; member < members; member++) File.WriteAllText(Path.Combine(logs, $"{scenario.Name}-{member}.log"), nodes.LogOf(member));
    }
}
