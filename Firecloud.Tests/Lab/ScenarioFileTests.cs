using Xunit;

namespace Firecloud.Tests.Lab;

public class ScenarioFileTests
{
    public static TheoryData<string> Names
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var file in Directory.GetFiles(ScenarioFile.Folder, "*.txt")) data.Add(Path.GetFileNameWithoutExtension(file));
            return data;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_scenario_can_be_read_and_the_documentation_names_it(string name)
    {
        var scenario = ScenarioFile.Parse(name, File.ReadAllText(Path.Combine(ScenarioFile.Folder, $"{name}.txt")));
        Assert.True(scenario.EndMs >= 8000, "shorter than anything could show");
        Assert.Contains($"`{name}`", File.ReadAllText(Path.Combine(Processes.Command.Root, "docs", "lab.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_comments_and_targets_are_read()
    {
        var scenario = ScenarioFile.Parse("x", "# all of it\nabout  Two things  happen\ntarget 300 ms\nback 900 ms\nat 0.5 cut M>a # one way\nat 2 heal\nend 4\n");
        Assert.Equal(("x", "Two things happen", 300, 900, 4000L), (scenario.Name, scenario.About, scenario.TargetMs, scenario.BackMs, scenario.EndMs));
        Assert.Equal([500L, 2000L], scenario.Steps.Select(s => s.AtMs));
        Assert.Equal("cut M>a", scenario.Steps[0].Fault.Text);
        Assert.Equal([(0, 1)], scenario.Steps[0].Fault.Arcs);
        Assert.Equal(12, scenario.Steps[1].Fault.Arcs.Count);
    }

    [Theory]
    [InlineData("links M-a a-b b-c", "Ma aM ab ba bc cb")]
    [InlineData("links M-* b>c", "Ma aM Mb bM Mc cM bc")]
    [InlineData("split Ma|bc", "Ma aM bc cb")]
    [InlineData("split M|a|bc", "bc cb")]
    [InlineData("cut M-*", "ab ba ac ca bc cb")]
    [InlineData("cut *>M", "Ma Mb Mc ab ba ac ca bc cb")]
    [InlineData("cut M-a b>c", "Mb bM Mc cM ab ba ac ca cb")]
    public void What_is_left_of_the_links(string fault, string left)
    {
        var situation = Situation.Healthy(4);
        foreach (var step in ScenarioFile.Parse("x", $"about x\nat 0 {fault}\nat 1 heal\nend 2").Steps.Where(s => s.AtMs == 0)) situation = situation.With(step.Fault);
        var arcs = from u in Enumerable.Range(0, 4) from v in Enumerable.Range(0, 4) where u != v && !situation.IsCut(u, v) select $"{Scenario.NodeNames[u]}{Scenario.NodeNames[v]}";
        Assert.Equal(left.Split(' ').Order(), arcs.Order());
    }

    [Theory]
    [InlineData("about x\nat 0 cut M-d\nend 1", "x, line 2: 'd' is not a node")]
    [InlineData("about x\nat 0 cut Ma\nend 1", "x, line 2: 'Ma' is not a link")]
    [InlineData("about x\nat 0 cut\nend 1", "x, line 2: It names no link")]
    [InlineData("about x\nat 0 explode M\nend 1", "x, line 2: 'explode M' is not a fault")]
    [InlineData("about x\nat 0 loss 101%\nend 1", "x, line 2: '101' is not a number from 0 to 100")]
    [InlineData("about x\nat soon heal\nend 1", "x, line 2: 'soon' is not a number")]
    [InlineData("about x\nat 2 heal\nat 1 heal\nend 3", "x, line 3: 1 s is before the line above it")]
    [InlineData("about x\nat 0 start M\nend 1", "x, line 2: 'start M': node M is Up")]
    [InlineData("about x\nat 0 wipe M\nend 1", "x, line 2: 'wipe M': node M is Up")]
    [InlineData("about x\nat 0 kill M\nat 0 kill M\nend 1", "x, line 3: 'kill M': node M is Down")]
    [InlineData("about x\nat 0 resume M\nend 1", "x, line 2: 'resume M': node M is Up")]
    [InlineData("about x\nat 0 kill M\nend 1", "x: a scenario ends with everything healed")]
    [InlineData("about x\nat 0 cut M-a\nend 1", "x: a scenario ends with everything healed")]
    [InlineData("about x\nat 0 clock a 60\nend 1", "x: a scenario ends with everything healed")]
    [InlineData("about x\nat 0 fill a\nend 1", "x: a scenario ends with everything healed")]
    [InlineData("about x\nat 2 heal\nend 1", "x: it ends at 1000 ms, before its last fault")]
    [InlineData("about x", "x: a line 'end SECONDS' is missing")]
    [InlineData("end 1", "x: a line 'about TEXT' is missing")]
    [InlineData("about x\nhello\nend 1", "x, line 2: 'hello' is not a line")]
    public void What_is_wrong_is_named(string text, string message) =>
        Assert.StartsWith(message, Assert.Throws<ScenarioException>(() => ScenarioFile.Parse("x", text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_scenario_is_stretched_in_proportion()
    {
        var scenario = ScenarioFile.Parse("x", "about x\nat 1 cut M-a\nat 3 heal\nend 4").Lasting(8000);
        Assert.Equal([2000L, 6000L], scenario.Steps.Select(s => s.AtMs));
        Assert.Equal(8000, scenario.EndMs);
    }

    [Fact]
    public void Of_three_nodes_c_is_left_out()
    {
        var star = ScenarioFile.Parse("x", "about x\nat 0 links a-M a-b a-c\nat 1 kill c\nat 2 start c\nat 3 heal\nend 4").For(3)!;
        Assert.DoesNotContain(star.Steps, s => s.Fault.Nodes.Count > 0);
        Assert.All(star.Steps.SelectMany(s => s.Fault.Arcs), a => Assert.True(a.From < 3 && a.To < 3));
        Assert.Null(ScenarioFile.Parse("x", "about x\nat 0 cut b-c\nat 1 heal\nend 4").For(3));
        Assert.NotNull(ScenarioFile.Parse("x", "about x\nend 4").For(3));
    }

    [Theory]
    [InlineData("--members 5", "--members is a number from 3 to 4, not '5'")]
    [InlineData("--peer zookeeper", "--peer is etcd, or firecloud, not 'zookeeper'")]
    [InlineData("--seconds", "--seconds needs a value")]
    [InlineData("--fast", "'--fast' is not an option")]
    public void Wrong_arguments_are_named(string arguments, string message) =>
        Assert.StartsWith(message, Assert.Throws<ScenarioException>(() => LabArguments.Parse(arguments.Split(' '))).Message, StringComparison.Ordinal);

    [Fact]
    public void Arguments_are_read()
    {
        var arguments = LabArguments.Parse("split ring --peer etcd --members 3 --seconds 20 --seed 7 --out /tmp/x".Split(' '));
        Assert.Equal(["split", "ring"], arguments.Names);
        Assert.Equal(("etcd", 3, 20, 7, "/tmp/x"), (arguments.Peer, arguments.Members, arguments.Seconds, arguments.Seed, arguments.Out));
        Assert.Equal(["all"], LabArguments.Parse([]).Names);
    }
}
