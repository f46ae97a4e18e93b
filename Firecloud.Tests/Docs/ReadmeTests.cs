using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Docs;

/// <summary>The documentation says what the code does.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void The_readme_holds_the_example_that_is_run()
    {
        var lines = File.ReadAllLines(Path.Combine(Command.Root, "Firecloud.Tests", "Docs", "QuickStart.cs"));
        var example = lines.SkipWhile(l => !l.Contains("README begins", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(l => !l.Contains("README ends", StringComparison.Ordinal)).Select(l => l.Length > 8 ? l[8..] : "");
        var readme = File.ReadAllText(Path.Combine(Command.Root, "README.md"));
        Assert.Contains(string.Join('\n', example), readme, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_setting_is_described()
    {
        var operations = File.ReadAllText(Path.Combine(Command.Root, "docs", "operations.md"));
        var settings = Actors.Node.UnknownKeys.Paths(Actors.Node.NodeSettings.Reference, "firecloud");
        Assert.All(settings, key => Assert.Contains($"`{key["firecloud.".Length..]}`", operations, StringComparison.Ordinal));
    }
}
