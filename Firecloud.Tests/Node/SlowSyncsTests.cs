using Firecloud.Actors.Replica;
using Xunit;

namespace Firecloud.Tests.Node;

public class SlowSyncsTests
{
    private readonly SlowSyncs _slow = new();

    [Fact]
    public void A_sync_that_is_not_slow_is_not_spoken_of() => Assert.Null(_slow.Note(SlowSyncs.SlowMs - 1, 0));

    [Fact]
    public void The_first_slow_one_is_said_at_once()
    {
        var words = _slow.Note(SlowSyncs.SlowMs, 0);
        Assert.Contains("1 syncs", words, StringComparison.Ordinal);
        Assert.Contains("the longest 100 ms", words, StringComparison.Ordinal);
    }

    [Fact]
    public void Those_of_a_while_are_said_together()
    {
        Assert.NotNull(_slow.Note(150, 1_000));
        Assert.Null(_slow.Note(300, 1_001));
        Assert.Null(_slow.Note(120, 1_000 + SlowSyncs.SaidEveryMs - 1));
        var words = _slow.Note(110, 1_000 + SlowSyncs.SaidEveryMs);
        Assert.Contains("3 syncs", words, StringComparison.Ordinal);
        Assert.Contains("the longest 300 ms", words, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_said_is_not_said_again()
    {
        Assert.NotNull(_slow.Note(500, 0));
        var words = _slow.Note(101, 2 * SlowSyncs.SaidEveryMs);
        Assert.Contains("1 syncs", words, StringComparison.Ordinal);
        Assert.Contains("the longest 101 ms", words, StringComparison.Ordinal);
    }
}
