// UpdateTests.cs - what the general read-modify-write does to a record.
using Firecloud.Actors.Protocol;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class UpdateTests
{
    private static readonly Record Absent = Record.None;
    private static readonly Record Tombstone = Make.Written(Make.Version(1, 2), null);
    private static readonly Record A = Make.Written(Make.Version(1, 1), "a");

    [Theory]
    [InlineData(UpdateCondition.None, true, true)]
    [InlineData(UpdateCondition.Absent, true, false)]
    [InlineData(UpdateCondition.Present, false, true)]
    [InlineData(UpdateCondition.ValueEquals, false, true)]
    [InlineData(UpdateCondition.VersionEquals, false, true)]
    public void A_condition_holds_or_nothing_is_written(UpdateCondition condition, bool ifAbsent, bool ifPresent)
    {
        var operation = Set("b", new Update { If = condition, Change = UpdateChange.Set }) with
        {
            Expected = condition == UpdateCondition.ValueEquals ? Make.Bytes("a") : null,
            ExpectedVersion = condition == UpdateCondition.VersionEquals ? A.Version : Version.None,
        };
        foreach (var record in new[] { Absent, Tombstone, A })
        {
            var decision = operation.Decide(record);
            Assert.Equal(record == A ? ifPresent : ifAbsent, decision.Writes);
            Assert.Equal(decision.Writes ? Outcome.Applied : Outcome.NotMatched, decision.Outcome);
            Assert.Equal(decision.Writes ? "b" : null, Make.Text(decision.Value));
        }
        if (condition == UpdateCondition.ValueEquals) Assert.False((operation with { Expected = [] }).Decide(Absent).Writes);
        if (condition != UpdateCondition.VersionEquals) return;
        Assert.False((operation with { ExpectedVersion = Make.Version(9, 9) }).Decide(A).Writes);
        Assert.True((operation with { ExpectedVersion = Version.None }).Decide(Tombstone).Writes);
    }

    [Theory]
    [InlineData(null, "xy", "xy")]
    [InlineData("", "", "")]
    [InlineData("a", "xy", "axy")]
    public void Append_adds_to_the_end_and_tells_the_length(string? value, string part, string result)
    {
        var decision = Set(part, new Update { Change = UpdateChange.Append }).Decide(Held(value));
        Assert.Equal((result, result.Length), (Make.Text(decision.Value), (int)decision.Number));
    }

    [Theory]
    [InlineData(null, 2, "x", "\0\0x")]
    [InlineData("abc", 0, "x", "xbc")]
    [InlineData("abc", 2, "xy", "abxy")]
    [InlineData("abc", 5, "x", "abc\0\0x")]
    public void SetRange_replaces_a_part_and_fills_with_zeros(string? value, int offset, string part, string result)
    {
        var decision = Set(part, new Update { Change = UpdateChange.SetRange, Offset = offset }).Decide(Held(value));
        Assert.Equal((result, result.Length), (Make.Text(decision.Value), (int)decision.Number));
    }

    [Fact]
    public void What_would_grow_over_the_limit_is_refused_before_anything_is_allocated()
    {
        var abc = Held("abc");
        Assert.Equal(5, Set("xy", new Update { Change = UpdateChange.Append }).Decide(abc, 5).Number);
        Says(Outcome.TooLarge, Set("xyz", new Update { Change = UpdateChange.Append }).Decide(abc, 5));
        Says(Outcome.TooLarge, Set("x", new Update { Change = UpdateChange.SetRange, Offset = 5 }).Decide(abc, 5));
        Says(Outcome.TooLarge, Set("x", new Update { Change = UpdateChange.SetRange, Offset = int.MaxValue }).Decide(abc, 5));
        Says(Outcome.TooLarge, Set("sixsix", new Update { Change = UpdateChange.Set }).Decide(abc, 5));
        // The condition is looked at first.
        Says(Outcome.NotMatched, Set("xyz", new Update { If = UpdateCondition.Absent, Change = UpdateChange.Append }).Decide(abc, 5));
    }

    [Fact]
    public void Keep_and_delete_need_a_value()
    {
        foreach (var record in new[] { Absent, Tombstone })
        {
            Says(Outcome.NotMatched, Operation.Of(new Update { Change = UpdateChange.Keep }).Decide(record));
            Says(Outcome.NotMatched, Operation.Of(new Update { Change = UpdateChange.Delete }).Decide(record));
        }
        Assert.Equal("a", Make.Text(Operation.Of(new Update { Change = UpdateChange.Keep }).Decide(A).Value));
        Assert.True(Operation.Of(new Update { Change = UpdateChange.Delete }).Decide(A) is { Writes: true, Value: null, ExpiresAt: 0 });
        Assert.True(Operation.Of(new Update { Change = UpdateChange.Delete }) is { Removes: true, NeedsRoom: false, IsBlind: false });
        Assert.True(Operation.Of(new Update { Change = UpdateChange.Keep }) is { Removes: false, NeedsRoom: true, IsBlind: false });
    }

    [Theory]
    [InlineData(ExpiryRule.Keep, 0, 0)]
    [InlineData(ExpiryRule.Keep, 70, 70)]
    [InlineData(ExpiryRule.None, 70, 0)]
    [InlineData(ExpiryRule.At, 0, 99)]
    [InlineData(ExpiryRule.At, 70, 99)]
    public void An_expiry_is_kept_taken_away_or_set(ExpiryRule rule, long before, long after)
    {
        foreach (var change in new[] { UpdateChange.Keep, UpdateChange.Set, UpdateChange.Append, UpdateChange.SetRange })
        {
            var value = change == UpdateChange.Keep ? null : Make.Bytes("b");
            var operation = Operation.Of(new Update { Change = change, Expiry = rule }, value, rule == ExpiryRule.At ? 99 : 0);
            Assert.Null(operation.Update!.Wrong(operation));
            Assert.Equal(after, operation.Decide(Held("a", before)).ExpiresAt);
        }
    }

    // EXPIRE with NX, XX, GT, LT: a value that never expires counts as expiring later than any time.
    [Theory]
    [InlineData(ExpiryConditions.Unset, true, false, false, false)]
    [InlineData(ExpiryConditions.Set, false, true, true, true)]
    [InlineData(ExpiryConditions.Later, false, true, false, false)]
    [InlineData(ExpiryConditions.Earlier, true, false, false, true)]
    [InlineData(ExpiryConditions.Set | ExpiryConditions.Earlier, false, false, false, true)]
    public void Conditions_on_the_expiry(ExpiryConditions conditions, bool never, bool before, bool same, bool later)
    {
        var operation = Operation.Of(new Update { Change = UpdateChange.Keep, Expiry = ExpiryRule.At, ExpiryIf = conditions }, expiresAt: 50);
        bool[] writes = [.. new long[] { 0, 49, 50, 51 }.Select(at => operation.Decide(Held("a", at)).Writes)];
        Assert.Equal([never, before, same, later], writes);
    }

    [Fact]
    public void Persist_is_told_whether_there_was_an_expiry()
    {
        var operation = Operation.Of(new Update { Change = UpdateChange.Keep, Expiry = ExpiryRule.None, ExpiryIf = ExpiryConditions.Set });
        Says(Outcome.NotMatched, operation.Decide(A));
        Assert.Equal(0, operation.Decide(Held("a", 50)).ExpiresAt);
    }

    [Theory]
    [InlineData(null, "1.5", "1.5")]
    [InlineData("10.50", "0.1", "10.6")]
    [InlineData("5.0e3", "2.0e2", "5200")]
    [InlineData("0.1", "0.2", "0.3")]
    [InlineData("3", "-3.0", "0")]
    [InlineData("-0.0", "0", "0")]
    [InlineData("+1", "-2", "-1")]
    [InlineData(".5", "1.", "1.5")]
    [InlineData("1", "0.00000000000000001", "1.00000000000000001")]
    [InlineData("1", "0.000000000000000001", "1")]
    [InlineData("-1e-30", "0", "0")]
    [InlineData("9999999999999999999999999999", "0", "9999999999999999999999999999")]
    [InlineData("1e28", "-1e28", "0")]
    public void AddDecimal_writes_without_exponent_and_zeros_at_the_end(string? value, string addend, string sum) =>
        Assert.Equal(sum, Make.Text(Add(addend).Decide(Held(value)).Value));

    [Theory]
    [InlineData("", "1")]
    [InlineData("a", "1")]
    [InlineData(" 1", "1")]
    [InlineData("1 ", "1")]
    [InlineData("1\0", "1")]
    [InlineData("1,000", "1")]
    [InlineData("0x10", "1")]
    [InlineData("nan", "1")]
    [InlineData("inf", "1")]
    [InlineData("1e29", "1")]
    [InlineData("1e28", "1e28")]
    [InlineData("1", "1e4000")]
    [InlineData("1", "x")]
    public void AddDecimal_says_no_where_there_is_no_number_or_too_large_a_one(string value, string addend) =>
        Says(Outcome.NotANumber, Add(addend).Decide(Held(value)));

    [Fact]
    public void What_does_not_fit_together_is_named()
    {
        (Operation Operation, string Part)[] wrong =
        [
            (Operation.Of(new Update { Change = UpdateChange.Set }), "Set without"),
            (Operation.Of(new Update { Change = UpdateChange.Keep }, [1]), "Keep with"),
            (Set("a", new Update { If = UpdateCondition.ValueEquals, Change = UpdateChange.Set }), "ValueEquals"),
            (Set("a", new Update { Change = UpdateChange.SetRange, Offset = -1 }), "Offset -1"),
            (Set("", new Update { Change = UpdateChange.SetRange }), "no bytes"),
            (Set("a", new Update { Change = UpdateChange.Set, Expiry = ExpiryRule.At }), "expiry at 0"),
            (Set("a", new Update { Change = UpdateChange.Set, ExpiryIf = (ExpiryConditions)16 }), "conditions 16"),
        ];
        foreach (var (operation, part) in wrong) Assert.Contains(part, operation.Update!.Wrong(operation), StringComparison.Ordinal);
    }

    private static Operation Set(string value, Update update) => Operation.Of(update, Make.Bytes(value));

    private static Operation Add(string addend) => Set(addend, new Update { Change = UpdateChange.AddDecimal });

    private static Record Held(string? value, long expiresAt = 0) =>
        Record.Blind(Make.Version(1, 1), Make.Id(900), Decision.Write(value is null ? null : Make.Bytes(value), expiresAt, false));

    private static void Says(Outcome outcome, Decision decision) => Assert.True(!decision.Writes && decision.Outcome == outcome, $"{decision}");
}
