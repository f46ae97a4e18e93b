// RangeSet.cs - a set of integers kept as sorted, disjoint, half-open ranges. Three users: packet numbers seen, stream bytes
// acknowledged out of order, stream bytes lost. All of them merge quickly, so a sorted list with binary search is enough.
namespace Firecloud.Actors.Transport;

/// <summary>The integers from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
internal readonly record struct Span64(long Start, long End)
{
    public long Length => End - Start;
}

internal sealed class RangeSet
{
    private readonly List<Span64> _ranges = [];

    public int Count => _ranges.Count;

    public Span64 this[int index] => _ranges[index];

    public bool Contains(long value)
    {
        var index = FirstEndingAfter(value);
        return index < _ranges.Count && _ranges[index].Start <= value;
    }

    /// <summary>Adds a range.</summary>
    /// <returns>How many of its integers were not in the set before.</returns>
    public long Add(long start, long end)
    {
        if (start >= end) return 0;
        var first = FirstEndingAfter(start - 1);  // a range that only touches is merged too
        var (low, high, known) = (start, end, 0L);
        var next = first;
        for (; next < _ranges.Count && _ranges[next].Start <= end; next++)
        {
            var range = _ranges[next];
            known += Math.Max(0, Math.Min(range.End, end) - Math.Max(range.Start, start));
            (low, high) = (Math.Min(low, range.Start), Math.Max(high, range.End));
        }
        if (next == first) _ranges.Insert(first, new Span64(low, high));
        else
        {
            _ranges[first] = new Span64(low, high);
            if (next > first + 1) _ranges.RemoveRange(first + 1, next - first - 1);
        }
        return end - start - known;
    }

    /// <summary>Takes a range out of the set, whether or not it was in it.</summary>
    public void Remove(long start, long end)
    {
        if (start >= end) return;
        var index = FirstEndingAfter(start);
        while (index < _ranges.Count && _ranges[index].Start < end)
        {
            var range = _ranges[index];
            _ranges.RemoveAt(index);
            if (range.Start < start) _ranges.Insert(index++, new Span64(range.Start, start));
            if (range.End > end) _ranges.Insert(index++, new Span64(end, range.End));
        }
    }

    public void RemoveAt(int index) => _ranges.RemoveAt(index);

    public void Clear() => _ranges.Clear();

    private int FirstEndingAfter(long value)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].End > value) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
