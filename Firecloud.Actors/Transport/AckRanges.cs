// AckRanges.cs - which packet numbers arrived: detects duplicates and writes ACK frames (RFC 9000, sections 13.2.3 and 19.3).
// Memory is bounded: when too many gaps stay open, the oldest range is forgotten and every number below it counts as seen.
// That is safe: such a packet is treated as lost and its content comes again under a new number.
namespace Firecloud.Actors.Transport;

internal sealed class AckRanges
{
    /// <summary>Ranges kept to detect duplicates. The replay window of the sealed protocol needs at least this much.</summary>
    public const int MaxKept = 256;

    /// <summary>Ranges that one ACK frame carries, newest first. 32 are at most some 200 bytes.</summary>
    public const int MaxPerFrame = 32;

    private readonly RangeSet _seen = new();
    private long _floor;

    public long Largest { get; private set; } = -1;

    public int Count => _seen.Count;

    /// <summary>Notes that a packet arrived.</summary>
    /// <returns>False when it had arrived before, or is too old to tell.</returns>
    public bool Add(long number)
    {
        if (number < _floor || _seen.Add(number, number + 1) == 0) return false;
        if (number > Largest) Largest = number;
        if (_seen.Count > MaxKept)
        {
            _floor = _seen[0].End;
            _seen.RemoveAt(0);
        }
        return true;
    }

    /// <summary>Whether every packet below <paramref name="number"/> that is still remembered has arrived.</summary>
    public bool HasGapBelow(long number) => !_seen.Contains(number - 1) && number > _floor && number > 0;

    /// <summary>Writes an ACK frame: type, largest, delay, count of further ranges, then length - 1 and gap - 1 in
    /// turns.</summary>
    /// <param name="to">Room for at least <see cref="MaxFrameSize"/> bytes.</param>
    /// <param name="delayMicros">Time since the largest packet arrived, microseconds.</param>
    /// <returns>Bytes written.</returns>
    public int WriteFrame(Span<byte> to, long delayMicros)
    {
        Invariant.That(_seen.Count > 0);
        var count = Math.Min(_seen.Count, MaxPerFrame);
        var top = _seen[_seen.Count - 1];
        to[0] = (byte)FrameType.Ack;
        var at = 1;
        at += Varint.Write(to[at..], (ulong)(top.End - 1));
        at += Varint.Write(to[at..], (ulong)Math.Clamp(delayMicros, 0, 1 << 29));
        at += Varint.Write(to[at..], (ulong)(count - 1));
        at += Varint.Write(to[at..], (ulong)(top.Length - 1));
        for (var i = _seen.Count - 2; i >= _seen.Count - count; i--)
        {
            at += Varint.Write(to[at..], (ulong)(_seen[i + 1].Start - _seen[i].End - 1));
            at += Varint.Write(to[at..], (ulong)(_seen[i].Length - 1));
        }
        return at;
    }

    /// <summary>The longest ACK frame: type, three numbers, and two of at most 8 bytes per range.</summary>
    public const int MaxFrameSize = 1 + (3 * 8) + (MaxPerFrame * 16);
}

/// <summary>A parsed ACK frame; one instance is used again and again.</summary>
internal sealed class AckFrame
{
    private readonly Span64[] _ranges = new Span64[AckRanges.MaxPerFrame];

    public long Largest { get; private set; }

    /// <summary>Time between the arrival of the largest packet and the sending of this frame, microseconds.</summary>
    public long DelayMicros { get; private set; }

    /// <summary>Acknowledged packet numbers, newest first.</summary>
    public ReadOnlySpan<Span64> Ranges => _ranges.AsSpan(0, Count);

    private int Count { get; set; }

    /// <summary>Reads what follows the type byte.</summary>
    /// <returns>False when the frame is truncated, has too many ranges or goes below packet 0.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> from)
    {
        Count = 0;
        if (!Varint.TryRead(ref from, out var largest) || !Varint.TryRead(ref from, out var delay)
            || !Varint.TryRead(ref from, out var more) || !Varint.TryRead(ref from, out var length)
            || more >= AckRanges.MaxPerFrame || length > largest)
        {
            return false;
        }
        (Largest, DelayMicros) = (largest, delay);
        _ranges[Count++] = new Span64(largest - length, largest + 1);
        for (var low = largest - length; more > 0; more--)
        {
            if (!Varint.TryRead(ref from, out var gap) || !Varint.TryRead(ref from, out length)) return false;
            var end = low - gap - 1;
            low = end - length - 1;
            if (end <= 0 || low < 0) return false;
            _ranges[Count++] = new Span64(low, end);
        }
        return true;
    }
}
