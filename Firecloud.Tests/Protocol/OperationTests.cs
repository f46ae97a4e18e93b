// OperationTests.cs - what each operation does to a record: the sequential specification of one key.
using Firecloud.Actors.Protocol;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class OperationTests
{
    private static readonly Record Absent = Record.None;
    private static readonly Record Tombstone = Make.Written(Make.Version(1, 2), null);
    private static readonly Record A = Make.Written(Make.Version(1, 1), "a");

    [Fact]
    public void Put_writes_whatever_is_there()
    {
        foreach (var record in new[] { Absent, Tombstone, A })
        {
            Writes(Make.Put("b").Decide(record), "b");
            Assert.True(Operation.Put(Make.Bytes("b"), true).Decide(record) is { Writes: true, KeepsPrevious: true });
        }
        Assert.Equal(99, (Make.Put("b") with { ExpiresAt = 99 }).Decide(A).ExpiresAt);
        Assert.True(Make.Put("b").IsBlind);
        Assert.False(Operation.Put([], returnsOld: true).IsBlind);
    }

    [Fact]
    public void Delete_writes_a_tombstone_but_returning_nothing_old_it_writes_nothing()
    {
        foreach (var record in new[] { Absent, Tombstone, A }) Writes(Operation.Delete().Decide(record), null);
        Writes(Operation.Delete(returnsOld: true).Decide(A), null);
        Says(Outcome.NotMatched, Operation.Delete(returnsOld: true).Decide(Absent));
        Says(Outcome.NotMatched, Operation.Delete(returnsOld: true).Decide(Tombstone));
        Assert.True(Operation.Delete().IsBlind && Operation.Delete().Removes);
        Assert.False(Operation.Delete(returnsOld: true).IsBlind);
    }

    [Fact]
    public void Compare_and_set_by_value_writes_only_on_equal_bytes()
    {
        Writes(Operation.CompareAndSet(Make.Bytes("a"), Make.Bytes("b")).Decide(A), "b");
        Writes(Operation.CompareAndSet(Make.Bytes("a"), null).Decide(A), null);
        Writes(Operation.CompareAndSet((byte[]?)null, Make.Bytes("b")).Decide(Absent), "b");
        Writes(Operation.CompareAndSet((byte[]?)null, Make.Bytes("b")).Decide(Tombstone), "b");
        Says(Outcome.NotMatched, Operation.CompareAndSet(Make.Bytes("x"), Make.Bytes("b")).Decide(A));
        Says(Outcome.NotMatched, Operation.CompareAndSet((byte[]?)null, Make.Bytes("b")).Decide(A));
        Says(Outcome.NotMatched, Operation.CompareAndSet(Make.Bytes("a"), Make.Bytes("b")).Decide(Tombstone));
        // An empty value is a value.
        Says(Outcome.NotMatched, Operation.CompareAndSet([], Make.Bytes("b")).Decide(Absent));
        Writes(Operation.CompareAndSet([], Make.Bytes("b")).Decide(Make.Written(Make.Version(1, 1), "")), "b");
    }

    [Fact]
    public void Compare_and_set_by_version_compares_the_version_that_clients_see()
    {
        var rewritten = A.Rewritten(Make.Version(9, 9));
        Writes(Operation.CompareAndSet(Make.Version(1, 1), Make.Bytes("b")).Decide(A), "b");
        Writes(Operation.CompareAndSet(Make.Version(1, 1), Make.Bytes("b")).Decide(rewritten), "b");
        Writes(Operation.CompareAndSet(Version.None, Make.Bytes("b")).Decide(Absent), "b");
        Writes(Operation.CompareAndSet(Version.None, Make.Bytes("b")).Decide(Tombstone), "b");
        Says(Outcome.NotMatched, Operation.CompareAndSet(Make.Version(9, 9), Make.Bytes("b")).Decide(rewritten));
        Says(Outcome.NotMatched, Operation.CompareAndSet(Make.Version(1, 2), Make.Bytes("b")).Decide(Tombstone));
        Says(Outcome.NotMatched, Operation.CompareAndSet(Version.None, Make.Bytes("b")).Decide(A));
    }

    [Theory]
    [InlineData(null, 5, 5)]
    [InlineData("7", 5, 12)]
    [InlineData("-7", 5, -2)]
    [InlineData("+7", 0, 7)]
    [InlineData("9223372036854775806", 1, long.MaxValue)]
    [InlineData("-9223372036854775807", -1, long.MinValue)]
    [InlineData("9223372036854775807", long.MinValue, -1)]
    public void Increment_adds_to_decimal_text(string? value, long delta, long sum)
    {
        var decision = Operation.Increment(delta).Decide(value is null ? Absent : Make.Written(Make.Version(1, 1), value));
        Writes(decision, sum.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(sum, decision.Number);
    }

    [Theory]
    [InlineData("9223372036854775807", 1)]
    [InlineData("-9223372036854775808", -1)]
    [InlineData("1", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    public void Increment_says_no_when_the_sum_overflows(string value, long delta) =>
        Says(Outcome.NotANumber, Operation.Increment(delta).Decide(Make.Written(Make.Version(1, 1), value)));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("1.5")]
    [InlineData("1e3")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1,000")]
    [InlineData("9223372036854775808")]
    [InlineData("0x10")]
    public void Increment_says_no_when_the_value_is_not_a_whole_number(string value) =>
        Says(Outcome.NotANumber, Operation.Increment(1).Decide(Make.Written(Make.Version(1, 1), value)));

    [Fact]
    public void Increment_keeps_the_expiry()
    {
        var record = Record.Blind(Make.Version(1, 1), Make.Id(1), Decision.Write(Make.Bytes("1"), 1234, false));
        Assert.Equal(1234, Operation.Increment(1).Decide(record).ExpiresAt);
    }

    [Fact]
    public void A_get_decides_nothing()
    {
        Assert.Throws<Firecloud.Actors.InvariantViolationException>(() => Operation.Get.Decide(A));
        Assert.True(Operation.Get.IsGet);
        Assert.False(Operation.Get.IsBlind || Operation.Get.Removes || Operation.Increment(1).Removes);
    }

    private static void Writes(Decision decision, string? value)
    {
        Assert.True(decision.Writes);
        Assert.Equal((Outcome.Applied, value), (decision.Outcome, Make.Text(decision.Value)));
    }

    private static void Says(Outcome outcome, Decision decision)
    {
        Assert.False(decision.Writes || decision.KeepsPrevious);
        Assert.Equal(outcome, decision.Outcome);
    }
}
