using System.Diagnostics;
using HdrHistogram;

namespace Firecloud.Bench.Load;

/// <summary>Counts what ends while it is open, on any number of threads without a lock.</summary>
internal sealed class Window : IDisposable
{
    /// <summary>Longest time that is told apart: ten minutes, in microseconds.</summary>
    private const long Longest = 600_000_000;

    private readonly ThreadLocal<Counts> _counts = new(() => new Counts(), trackAllValues: true);
    private volatile bool _open;
    private long _opened;
    private double _seconds;

    public void Open()
    {
        _opened = Stopwatch.GetTimestamp();
        _open = true;
    }

    public void Close()
    {
        _open = false;
        _seconds = Stopwatch.GetElapsedTime(_opened).TotalSeconds;
    }

    /// <summary>Notes the end of a call.</summary>
    public void Note(Call call, bool done)
    {
        if (!_open) return;
        var counts = _counts.Value!;
        if (done) counts.Times.RecordValue(Micros(Stopwatch.GetElapsedTime(call.Due)));
        else counts.NotDone++;
    }

    /// <summary>Seconds that it was open.</summary>
    public double Seconds => _seconds;

    /// <summary>Calls that were not done.</summary>
    public long NotDone => _counts.Values.Sum(c => c.NotDone);

    /// <summary>Times of the calls that were done, microseconds. To be read when nothing is counted any more.</summary>
    public LongHistogram Times()
    {
        var sum = NewHistogram();
        foreach (var counts in _counts.Values) sum.Add(counts.Times);
        return sum;
    }

    /// <summary>A histogram of times in microseconds, three digits.</summary>
    public static LongHistogram NewHistogram() => new(1, Longest, 3);

    public void Dispose() => _counts.Dispose();

    private static long Micros(TimeSpan time) => Math.Clamp((long)time.TotalMicroseconds, 1, Longest);

    private sealed class Counts
    {
        public LongHistogram Times { get; } = NewHistogram();

        public long NotDone { get; set; }
    }
}
