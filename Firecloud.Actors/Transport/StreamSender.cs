// StreamSender.cs - one direction of an association: whole messages in, stream bytes out. Each message is a varint length and
// its bytes; a packet takes any piece of that stream, so fragments, coalescing and retransmission need no code of their own.
//
// INPUTS   TryWrite from any thread. Everything else under the session's lock.
// LIMITS   bytes accepted and not yet acknowledged stay below the cap; bytes on their way stay within the peer's window.
// WATCH    a message is never cut: only messages of which no byte was sent yet may be dropped (DropWaiting).
using System.Collections.Concurrent;

namespace Firecloud.Actors.Transport;

internal sealed class StreamSender(long cap, long window)
{
    private readonly record struct Message(long Start, ReadOnlyMemory<byte> Body)
    {
        public int PrefixLength => Varint.Size((ulong)Body.Length);
        public long End => Start + PrefixLength + Body.Length;
    }

    /// <summary>Bytes that a queued message costs besides its body: so that the cap also bounds floods of empty ones.</summary>
    private const int MessageOverhead = 64;

    private readonly ConcurrentQueue<ReadOnlyMemory<byte>> _waiting = new();
    private readonly List<Message> _messages = [];  // begun or pulled, and not fully acknowledged; the first _head are gone
    private readonly RangeSet _acked = new();       // above _ackedTo
    private readonly RangeSet _lost = new();
    private int _head;
    private long _queuedBytes;
    private long _next;     // first byte never sent
    private long _end;      // end of the last pulled message
    private long _ackedTo;  // everything below is acknowledged
    private volatile bool _closed;

    /// <summary>Bytes accepted and not yet acknowledged. Readable from any thread.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    public bool IsClosed => _closed;

    /// <summary>Whether every byte of a closed stream arrived.</summary>
    public bool IsFlushed => _ackedTo == _end && _waiting.IsEmpty;

    /// <summary>Where the stream ends; final once it is closed.</summary>
    public long End => _end;

    /// <summary>Whether <see cref="Take"/> would give something.</summary>
    public bool HasData => _lost.Count > 0 || ((_next < _end || !_waiting.IsEmpty) && _next < _ackedTo + window);

    /// <summary>Accepts a message. Any thread; never blocks.</summary>
    /// <returns>False when the stream is closed or the cap is reached.</returns>
    public bool TryWrite(ReadOnlyMemory<byte> message)
    {
        if (_closed) return false;
        if (Interlocked.Add(ref _queuedBytes, Cost(message)) > cap)
        {
            Interlocked.Add(ref _queuedBytes, -Cost(message));
            return false;
        }
        _waiting.Enqueue(message);
        return true;
    }

    /// <summary>Copies the next piece: lost bytes first, then new ones.</summary>
    /// <param name="to">Room for the piece; it is filled as far as there is data.</param>
    /// <param name="offset">Where in the stream the piece begins.</param>
    /// <returns>Bytes copied; 0 when there is nothing to send.</returns>
    public int Take(Span<byte> to, out long offset)
    {
        offset = _next;
        if (to.IsEmpty) return 0;
        if (_lost.Count > 0)
        {
            var range = _lost[0];
            var size = (int)Math.Min(range.Length, to.Length);
            offset = range.Start;
            Copy(offset, to[..size]);
            _lost.Remove(offset, offset + size);
            return size;
        }
        var limit = Math.Min(_ackedTo + window, _next + to.Length);
        while (_end < limit && Pull()) { }
        var count = (int)Math.Max(0, Math.Min(limit, _end) - _next);
        if (count == 0) return 0;
        Copy(_next, to[..count]);
        _next += count;
        return count;
    }

    /// <summary>No further messages; those that wait are part of the stream.</summary>
    public void Close()
    {
        _closed = true;
        while (Pull()) { }
    }

    /// <summary>Forgets everything: the association ended without a flush.</summary>
    public void Abandon()
    {
        _closed = true;
        _waiting.Clear();
        _messages.Clear();
        _lost.Clear();
        _acked.Clear();
        (_head, _next, _ackedTo) = (0, _end, _end);
        Interlocked.Exchange(ref _queuedBytes, 0);
    }

    /// <summary>Drops the messages of which no byte was sent: the link is dead and they would be stale. The first one of the
    /// stream stays, because it is the handshake of the layer above.</summary>
    /// <returns>Messages dropped.</returns>
    public int DropWaiting()
    {
        if (_closed) return 0;
        if (_end == 0) Pull();
        var dropped = 0;
        while (_waiting.TryDequeue(out var message))
        {
            Interlocked.Add(ref _queuedBytes, -Cost(message));
            dropped++;
        }
        while (_messages.Count > _head && _messages[^1].Start >= _next && _messages[^1].Start > 0)
        {
            Interlocked.Add(ref _queuedBytes, -Cost(_messages[^1].Body));
            _end = _messages[^1].Start;
            _messages.RemoveAt(_messages.Count - 1);
            dropped++;
        }
        return dropped;
    }

    public void OnAcked(long offset, int length)
    {
        if (_head == _messages.Count) return;  // abandoned, or a late acknowledgement
        var end = offset + length;
        _lost.Remove(offset, end);
        if (offset > _ackedTo)
        {
            _acked.Add(offset, end);
            return;
        }
        _ackedTo = Math.Max(_ackedTo, end);
        while (_acked.Count > 0 && _acked[0].Start <= _ackedTo)
        {
            _ackedTo = Math.Max(_ackedTo, _acked[0].End);
            _acked.RemoveAt(0);
        }
        Release();
    }

    public void OnLost(long offset, int length)
    {
        if (_head == _messages.Count) return;
        var (start, end) = (Math.Max(offset, _ackedTo), offset + length);
        if (start >= end) return;
        _lost.Add(start, end);
        for (var i = 0; i < _acked.Count && _acked[i].Start < end; i++) _lost.Remove(_acked[i].Start, _acked[i].End);
    }

    private static long Cost(ReadOnlyMemory<byte> message) => message.Length + MessageOverhead;

    private bool Pull()
    {
        if (!_waiting.TryDequeue(out var body)) return false;
        var message = new Message(_end, body);
        _messages.Add(message);
        _end = message.End;
        return true;
    }

    private void Release()
    {
        while (_head < _messages.Count && _messages[_head].End <= _ackedTo)
        {
            Interlocked.Add(ref _queuedBytes, -Cost(_messages[_head].Body));
            _messages[_head++] = default;
        }
        if (_head < 64 && _head < _messages.Count) return;
        if (_head * 2 < _messages.Count) return;
        _messages.RemoveRange(0, _head);
        _head = 0;
    }

    private void Copy(long offset, Span<byte> to)
    {
        Span<byte> prefix = stackalloc byte[8];
        for (var i = IndexOf(offset); !to.IsEmpty; i++)
        {
            var message = _messages[i];
            var at = (int)(offset - message.Start);
            var head = message.PrefixLength;
            if (at < head)
            {
                Varint.Write(prefix, (ulong)message.Body.Length);
                var some = Math.Min(head - at, to.Length);
                prefix.Slice(at, some).CopyTo(to);
                to = to[some..];
                offset += some;
                at += some;
            }
            if (to.IsEmpty) return;
            var count = Math.Min(message.Body.Length - (at - head), to.Length);
            message.Body.Span.Slice(at - head, count).CopyTo(to);
            to = to[count..];
            offset += count;
        }
    }

    private int IndexOf(long offset)
    {
        var (low, high) = (_head, _messages.Count - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_messages[middle].End > offset) high = middle;
            else low = middle + 1;
        }
        Invariant.That(low < _messages.Count && _messages[low].Start <= offset && offset < _messages[low].End);
        return low;
    }
}
