// StreamReceiver.cs - the other direction: pieces of a stream in any order and number, whole messages out, each exactly once.
// Bytes in order go straight to the message they belong to; bytes out of order wait in a ring no larger than the window.
//
// LIMITS   a piece beyond the window or a message above the limit is a violation: the caller ends the session. The memory for
//          a message is only taken once its length was checked.
using System.Buffers;

namespace Firecloud.Actors.Transport;

internal sealed class StreamReceiver(int window, int maxMessage, ReceiveSlab slab)
{
    private const int FirstRing = 16 * 1024;

    private readonly RangeSet _held = new();        // out of order, kept in _ring at offset modulo its size
    private readonly byte[] _prefix = new byte[8];
    private byte[]? _ring;
    private int _ringSize;
    private int _prefixLength;
    private Memory<byte> _message;
    private int _filled = -1;                       // bytes of _message that are there; -1 while its length is read

    /// <summary>Everything below has been taken in.</summary>
    public long Next { get; private set; }

    /// <summary>Takes a piece.</summary>
    /// <param name="offset">Where it begins in the stream.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="completed">Messages that it completed are added, in order.</param>
    /// <returns>False on a violation of the limits.</returns>
    public bool TryReceive(long offset, ReadOnlySpan<byte> data, List<ReadOnlyMemory<byte>> completed)
    {
        var end = offset + data.Length;
        if (end <= Next) return true;
        if (end > Next + window) return false;
        if (offset > Next)
        {
            Hold(offset, data);
            return true;
        }
        if (!TryParse(data[(int)(Next - offset)..], completed)) return false;
        _held.Remove(0, Next);
        while (_held.Count > 0 && _held[0].Start == Next)
        {
            var range = _held[0];
            _held.RemoveAt(0);
            if (!TryParseRing(range, completed)) return false;
        }
        if (_held.Count == 0) ReleaseRing();
        return true;
    }

    /// <summary>Gives the ring back; nothing may be received afterwards.</summary>
    public void ReleaseRing()
    {
        if (_ring is not null) ArrayPool<byte>.Shared.Return(_ring);
        (_ring, _ringSize) = (null, 0);
    }

    private void Hold(long offset, ReadOnlySpan<byte> data)
    {
        EnsureRing((int)(offset + data.Length - Next));
        _held.Add(offset, offset + data.Length);
        CopyToRing(_ring!, _ringSize, offset, data);
    }

    private void EnsureRing(int needed)
    {
        if (needed <= _ringSize) return;
        var size = FirstRing;
        while (size < needed) size *= 2;
        var ring = ArrayPool<byte>.Shared.Rent(size);
        for (var i = 0; i < _held.Count; i++)
        {
            var (start, end) = (_held[i].Start, _held[i].End);
            while (start < end)
            {
                var from = (int)(start % _ringSize);
                var count = (int)Math.Min(end - start, _ringSize - from);
                CopyToRing(ring, size, start, _ring.AsSpan(from, count));
                start += count;
            }
        }
        ReleaseRing();
        (_ring, _ringSize) = (ring, size);
    }

    private static void CopyToRing(byte[] ring, int size, long offset, ReadOnlySpan<byte> data)
    {
        var at = (int)(offset % size);
        var first = Math.Min(data.Length, size - at);
        data[..first].CopyTo(ring.AsSpan(at));
        data[first..].CopyTo(ring);
    }

    private bool TryParseRing(Span64 range, List<ReadOnlyMemory<byte>> completed)
    {
        for (var start = range.Start; start < range.End;)
        {
            var at = (int)(start % _ringSize);
            var count = (int)Math.Min(range.End - start, _ringSize - at);
            if (!TryParse(_ring.AsSpan(at, count), completed)) return false;
            start += count;
        }
        return true;
    }

    private bool TryParse(ReadOnlySpan<byte> data, List<ReadOnlyMemory<byte>> completed)
    {
        Next += data.Length;
        while (!data.IsEmpty)
        {
            if (_filled < 0 && !TryReadLength(ref data)) return false;
            if (_filled < 0) continue;  // the length is not complete; an empty message goes on and completes without data
            var count = Math.Min(data.Length, _message.Length - _filled);
            data[..count].CopyTo(_message.Span[_filled..]);
            data = data[count..];
            _filled += count;
            if (_filled < _message.Length) return true;
            completed.Add(_message);
            (_message, _filled) = (default, -1);
        }
        return true;
    }

    private bool TryReadLength(ref ReadOnlySpan<byte> data)
    {
        _prefix[_prefixLength++] = data[0];
        data = data[1..];
        if (_prefixLength < 1 << (_prefix[0] >> 6)) return true;
        var prefix = (ReadOnlySpan<byte>)_prefix;
        Varint.TryRead(ref prefix, out var length);
        _prefixLength = 0;
        if (length > maxMessage) return false;
        _message = slab.Take((int)length);
        _filled = 0;
        return true;
    }
}

/// <summary>Memory for received messages: slices of large arrays that the garbage collector frees, never reused, because
/// nobody tells when Akka has read them. One per session, used under its lock.</summary>
internal sealed class ReceiveSlab
{
    /// <summary>Bytes per array; below 85,000 it stays out of the large-object heap.</summary>
    public const int Size = 64 * 1024;

    private Memory<byte> _rest;

    public Memory<byte> Take(int length)
    {
        if (length > Size / 4) return GC.AllocateUninitializedArray<byte>(length);
        if (length > _rest.Length) _rest = GC.AllocateUninitializedArray<byte>(Size);
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
