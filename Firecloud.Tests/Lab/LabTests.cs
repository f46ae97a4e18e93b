// LabTests.cs - a short lab: three scenarios with real processes in namespaces of their own, and that nothing is left behind.
using Firecloud.Tests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Lab;

public sealed class LabTests(ITestOutputHelper output)
{
    // Where the machine itself stands still for longer, errors and gaps say nothing about the nodes.
    private const double QuietMs = 100;

    [LabFact]
    public Task Chain_with_the_master_at_its_end() => RunAsync("chain-end", served: "Mabc");

    [LabFact]
    public Task Master_killed() => RunAsync("kill-master", served: "abc", mayBeUnknown: 1);

    [LabFact]
    public Task Two_and_two() => RunAsync("split", served: "Ma");

    [LabFact]
    public async Task What_a_run_that_was_killed_left_is_removed_by_the_next_one()
    {
        // As after a kill: everything is there, only the lock is free again.
        var slot = await LabSlot.TakeAsync();
        Directory.CreateDirectory(slot.Folder);
        await RunIpAsync("netns", "add", slot.Namespace(0));
        await RunIpAsync("link", "add", slot.Bridge, "type", "bridge");
        await RunIpAsync("link", "add", slot.Link(0), "type", "veth", "peer", "name", "eth0", "netns", slot.Namespace(0));
        await using var sleeper = NodeProcess.Start(Command.Program("ip", "netns", "exec", slot.Namespace(0), "sleep", "1000"));
        slot.Release();
        await LabSlot.CleanAllAsync();
        Assert.False(Directory.Exists(slot.Folder));
        Assert.False(Directory.Exists($"/sys/class/net/{slot.Bridge}"));
        Assert.DoesNotContain(slot.Namespace(0), (await Command.RunAsync(Command.Program("ip", "netns", "list"))).Output.Split('\n', ' '));
        await sleeper.KillAsync();   // returns at once where it is gone
    }

    private static async Task RunIpAsync(params string[] arguments) => Assert.Equal(0, (await Command.RunAsync(Command.Program("ip", arguments))).ExitCode);

    // mayBeUnknown: of each client, writes that were under way at an owner when it was killed. A later write of the key may have replaced the
    // trace of the first attempt before the second one looks for it (protocol.md, section 6, rule 5): then "unknown" is the right answer.
    private async Task RunAsync(string name, string served, int mayBeUnknown = 0)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var scenario = ScenarioFile.All().Single(s => s.Name == name);
        var result = await new ScenarioRunner("firecloud", 4, folder: null) { Patience = TimeSpan.FromSeconds(15) }.RunAsync(scenario, seed, CancellationToken.None);
        output.WriteLine(LabTables.Of([result]));
        foreach (var missed in result.Missed) output.WriteLine($"missed: {missed}");
        Assert.Empty(result.Failures);
        Assert.Equal(served, result.AlwaysServed);
        Assert.All(result.Clients, c => Assert.True(c.Done > 0, $"client {c.Client} was never served"));
        if (result.StallMs >= QuietMs) return;
        Assert.All(result.Clients, c => Assert.Equal("", ClientResult.Line(c.Unexpected.Where(e => !IsUnknown(e.Key)).ToDictionary())));
        Assert.All(result.Clients, c => Assert.InRange(c.Unexpected.Where(e => IsUnknown(e.Key)).Sum(e => e.Value), 0, mayBeUnknown));
    }

    private static bool IsUnknown(string error) => error.Equals("unknown", StringComparison.OrdinalIgnoreCase);
}
