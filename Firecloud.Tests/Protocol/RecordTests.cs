// RecordTests.cs - protocol.md section 6, rules 4, 6 and 7: what a record keeps of those that wrote it.
using Firecloud.Actors.Protocol;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class RecordTests
{
    [Fact]
    public void A_write_carries_the_last_four_ids_on_and_raises_forgotten_by_those_that_fall_off()
    {
        var record = Record.None;
        for (var i = 1ul; i <= 7; i++)
        {
            record = record.After(Make.Version(1, i), Make.Id(i), Make.Put($"v{i}").Decide(record));
            var kept = Math.Min(i, 4);
            Assert.Equal(Enumerable.Range(0, (int)kept).Select(n => Make.Id(i - kept + 1 + (ulong)n)), record.Writers.Select(w => w.Id));
            Assert.Equal(i <= 4 ? Version.None : Make.Version(1, i - 4), record.Forgotten);
            Assert.Equal(Make.Version(1, i), record.Visible);
        }
    }

    [Fact]
    public void A_blind_write_starts_anew_and_has_forgotten_everything_below_itself()
    {
        var record = Record.Blind(Make.Version(3, 1), Make.Id(1), Make.Put("v").Decide(Record.None));
        Assert.Equal([new Writer(Make.Id(1), Make.Version(3, 1), Outcome.Applied, 0)], record.Writers);
        Assert.Equal(Make.Version(3, 0), record.Forgotten);
        Assert.True(record.Forgotten > Make.Version(2, ulong.MaxValue));
        Assert.False(record.Forgotten.IsNone);
        Assert.Equal((record.Version, record.Version, "v"), (record.Modified, record.Visible, Make.Text(record.Value)));
    }

    [Fact]
    public void A_rewrite_changes_nothing_that_a_client_sees()
    {
        var written = Make.Written(Make.Version(1, 1), "old").After(Make.Version(1, 2), Make.Id(2), Operation.Put(Make.Bytes("v"), true).Decide(Make.Written(Make.Version(1, 1), "old")));
        var rewritten = written.Rewritten(Make.Version(5, 1));
        Assert.Equal(Make.Version(5, 1), rewritten.Version);
        Assert.Equal((Make.Version(1, 2), Make.Version(1, 2)), (rewritten.Modified, rewritten.Visible));
        Assert.Same(written.Writers, rewritten.Writers);
        Assert.Equal((written.Forgotten, written.KeepsPrevious, "old"), (rewritten.Forgotten, rewritten.KeepsPrevious, Make.Text(rewritten.Previous)));
    }

    [Fact]
    public void A_buried_no_keeps_value_and_modified_under_a_new_version()
    {
        var record = Make.Written(Make.Version(1, 1), "v");
        var no = record.After(Make.Version(1, 2), Make.Id(2), Operation.CompareAndSet(Make.Bytes("x"), null).Decide(record));
        Assert.Equal((Make.Version(1, 2), Make.Version(1, 1), "v"), (no.Version, no.Visible, Make.Text(no.Value)));
        Assert.Equal((Make.Id(2), Outcome.NotMatched), (no.Writers[^1].Id, no.Writers[^1].Outcome));
    }

    [Fact]
    public void The_value_before_is_kept_only_until_the_next_write()
    {
        var first = Make.Written(Make.Version(1, 1), "a");
        var second = first.After(Make.Version(1, 2), Make.Id(2), Operation.Put(Make.Bytes("b"), returnsOld: true).Decide(first));
        Assert.Equal((true, "a"), (second.KeepsPrevious, Make.Text(second.Previous)));
        var third = second.After(Make.Version(1, 3), Make.Id(3), Make.Put("c").Decide(second));
        Assert.Equal((false, null), (third.KeepsPrevious, third.Previous));
    }

    [Fact]
    public void A_tombstone_is_held_without_a_version_for_clients()
    {
        var record = Make.Written(Make.Version(1, 1), null);
        Assert.Equal((true, true, Version.None), (record.Held, record.IsTombstone, record.Visible));
        Assert.Equal((false, false), (Record.None.Held, Record.None.IsTombstone));
    }

    [Fact]
    public void An_absent_key_has_forgotten_what_was_dropped()
    {
        Assert.Same(Record.None, Record.Absent(Version.None));
        var absent = Record.Absent(Make.Version(4, 2));
        Assert.Equal((false, Make.Version(4, 2)), (absent.Held, absent.Forgotten));
        var next = absent.After(Make.Version(5, 1), Make.Id(1), Make.Put("v").Decide(absent));
        Assert.Equal(Make.Version(4, 2), next.Forgotten);
    }
}
