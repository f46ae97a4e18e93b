// HistoryRecorderTests.cs - recorded times are exact under many threads, and no call is answered twice.
using Xunit;

namespace Firecloud.Tests.Checker;

public class HistoryRecorderTests
{
    [Fact]
    public async Task Clients_on_many_threads_leave_a_linearizable_history_of_a_locked_value()
    {
        var recorder = new HistoryRecorder();
        var gate = new Lock();
        string? value = null;
        await Task.WhenAll(Enumerable.Range(1, 8).Select(client => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                if (i % 2 == 0)
                {
                    var text = $"{client}.{i}";
                    var put = recorder.Call(Operation.PutReturningOld(client, "k", text));
                    string? old;
                    lock (gate) (old, value) = (value, text);
                    recorder.Return(put, Answer.WithOld(old));
                }
                else
                {
                    var get = recorder.Call(Operation.Get(client, "k"));
                    string? now;
                    lock (gate) now = value;
                    recorder.Return(get, Answer.Got(now));
                }
            }
        })));
        var history = recorder.ToHistory();
        Assert.Equal(1600, history.Count);
        Assert.Equal(3200, history.SelectMany(o => new[] { o.Call, o.Return }).Distinct().Count());
        var result = LinearizabilityChecker.Check(history);
        Assert.True(result.IsOk, result.Text);
    }

    [Fact]
    public void A_call_that_has_not_returned_has_no_answer()
    {
        var recorder = new HistoryRecorder();
        recorder.Call(Operation.Put(1, "k", "a").At(7, 8, Answer.Written()));
        var only = Assert.Single(recorder.ToHistory());
        Assert.Equal((1L, Operation.Never, Answer.Unknown), (only.Call, only.Return, only.Answer));
    }

    [Fact]
    public void A_second_answer_is_refused_and_the_first_stays()
    {
        var recorder = new HistoryRecorder();
        var call = recorder.Call(Operation.Get(1, "k"));
        recorder.Return(call, Answer.Got("a"));
        Assert.Throws<InvalidOperationException>(() => recorder.Return(call, Answer.Got("b")));
        Assert.Equal("a", Assert.Single(recorder.ToHistory()).Answer.Value);
    }

    [Fact]
    public void Versions_compare_field_by_field()
    {
        HistoryVersion[] ascending =
        [
            default, new(1, 0, 0, 0, 9), new(1, 1, 0, 0, 8), new(1, 1, 1, 0, 7),
            new(1, 1, 1, 1, 6), new(1, 1, 1, 1, 7), new(2, 0, 0, 0, 0),
        ];
        for (var i = 0; i < ascending.Length; i++)
        {
            for (var j = 0; j < ascending.Length; j++)
            {
                var (a, b) = (ascending[i], ascending[j]);
                Assert.Equal(i.CompareTo(j), a.CompareTo(b));
                Assert.Equal(i < j, a < b);
                Assert.Equal(i > j, a > b);
                Assert.Equal(i <= j, a <= b);
                Assert.Equal(i >= j, a >= b);
            }
        }
    }
}
