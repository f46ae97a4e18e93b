using System.Diagnostics;
using Firecloud.Bench.Load;
using Xunit;

namespace Firecloud.Tests.Bench;

/// <summary>The parts of the load that decide what its figures mean.</summary>
public sealed class LoadTests
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void Ranks_follow_Zipf_s_law(double skew)
    {
        const int keys = 1000, draws = 400_000;
        var zeta = KeyChooser.Zeta(keys, skew);
        var chooser = new KeyChooser(keys, skew, seed: 7, zeta);
        var counts = new int[keys];
        for (var i = 0; i < draws; i++) counts[chooser.NextRank()]++;

        // The first two ranks are exact in the generator; the others are an approximation of the sum by an integral.
        foreach (var (rank, tolerance) in new[] { (0, 0.03), (1, 0.05), (9, 0.25), (99, 0.25) })
        {
            var expected = draws * Math.Pow(rank + 1, -skew) / zeta;
            Assert.True(Math.Abs(counts[rank] - expected) < tolerance * expected, $"rank {rank}: {counts[rank]} times, {expected:f0} expected");
        }
        Assert.Equal(draws, counts.Sum());
    }

    [Fact]
    public void Without_skew_all_keys_are_chosen_alike()
    {
        const int keys = 100, draws = 200_000;
        var chooser = new KeyChooser(keys, 0, seed: 7, KeyChooser.Zeta(keys, 0));
        var counts = new int[keys];
        for (var i = 0; i < draws; i++) counts[chooser.Next()]++;
        Assert.All(counts, c => Assert.InRange(c, 1700, 2300));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10_000)]
    public void Keys_are_in_their_range(int keys)
    {
        var chooser = new KeyChooser(keys, 0.99, seed: 7, KeyChooser.Zeta(keys, 0.99));
        for (var i = 0; i < 10_000; i++) Assert.InRange(chooser.Next(), 0, keys - 1);
    }

    [Fact]
    public async Task A_store_that_stops_for_a_moment_delays_all_calls_that_were_due_in_it()
    {
        // One client, a call each millisecond, answered at once but for one pause of 200 ms. In a closed loop one call sees the pause; with
        // a rate all that were due in it do, about half of them by 100 ms and more.
        using var window = new Window();
        var store = new PausingStore(after: 100, TimeSpan.FromMilliseconds(200));
        var callers = new PacedCallers([store], new Workload { Rate = 1000 }, window, seed: 1);
        window.Open();
        callers.Start();
        await store.Answered(600);
        await callers.StopAsync();
        window.Close();
        var times = window.Times();
        var late = times.RecordedValues().Where(v => v.ValueIteratedTo > 100_000).Sum(v => v.CountAddedInThisIterationStep);
        Assert.True(late >= 80, $"{late} calls of {times.TotalCount} took more than 100 ms");
        Assert.True(times.GetValueAtPercentile(100) >= 190_000, $"the longest took {times.GetValueAtPercentile(100)} us");
        Assert.Equal(0, window.NotDone);
    }

    [Fact]
    public async Task Closed_callers_begin_the_next_calls_when_all_have_ended()
    {
        using var window = new Window();
        var store = new HoldingStore();
        var callers = new ClosedCallers([store], new Workload { Depth = 4, Gets = 0.5 }, window, seed: 1);
        window.Open();
        callers.Start();
        for (var round = 0; round < 10; round++)
        {
            Assert.Equal(4, store.Held.Count);
            var held = store.Held.ToArray();
            store.Held.Clear();
            foreach (var call in held[..3]) call.End(done: true);
            Assert.Empty(store.Held);
            held[3].End(done: true);
        }
        var stopped = callers.StopAsync();
        Assert.False(stopped.IsCompleted);
        foreach (var call in store.Held.ToArray()) call.End(done: true);
        await stopped;
        window.Close();
        Assert.Equal(44, window.Times().TotalCount);
    }

    private sealed class HoldingStore : IConnection
    {
        public List<Call> Held { get; } = [];

        public void Begin(Call call) => Held.Add(call);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Answers on a thread of its own, and stops once.</summary>
    private sealed class PausingStore(int after, TimeSpan pause) : IConnection
    {
        private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _answered;
        private int _wanted = int.MaxValue;

        public Task Answered(int count)
        {
            Volatile.Write(ref _wanted, count);
            return _enough.Task;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public void Begin(Call call) => ThreadPool.UnsafeQueueUserWorkItem(_ =>
        {
            var answered = Interlocked.Increment(ref _answered);
            if (answered == after)
            {
                var clock = Stopwatch.StartNew();
                while (clock.Elapsed < pause) Thread.Sleep(1);
            }
            if (answered >= Volatile.Read(ref _wanted)) _enough.TrySetResult();
            call.End(done: true);
        }, null);
    }
}
