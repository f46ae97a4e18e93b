// Frames.cs - what a Data datagram's payload is made of. Numbers are varints (Varint.cs):
//   PADDING                                       nothing; fills up short datagrams, and probes of what the path carries
//   ACK      largest, delay µs, count, length - 1, then count times gap - 1, length - 1     (AckRanges.cs)
//   PING                                          asks for an acknowledgement, nothing else
//   OPEN     association                          a new association; answered with OPEN_OK or CLOSE
//   OPEN_OK  association
//   CLOSE    association, end, 0 or 1             no more after `end` bytes; 1: at once, whatever is missing
//   STREAM   association, offset, length, bytes   a piece of its stream
//   BYE                                           the sender ends the session
// Association ids are even when the side with the smaller handshake number opened them, odd otherwise.
namespace Firecloud.Actors.Transport;

internal enum FrameType : byte
{
    Padding = 0,
    Ack = 1,
    Ping = 2,
    Open = 3,
    OpenOk = 4,
    Close = 5,
    Stream = 6,
    Bye = 7,
}

/// <summary>Writes frames into a datagram's payload.</summary>
internal ref struct FrameWriter(Span<byte> room)
{
    /// <summary>The longest control frame, bytes.</summary>
    public const int MaxControlSize = 1 + 8 + 8 + 1;

    /// <summary>What a STREAM frame needs besides its data at most, bytes.</summary>
    public const int StreamOverhead = 1 + 8 + 8 + 4;

    private readonly Span<byte> _room = room;

    public int Length { get; private set; }

    public readonly int Left => _room.Length - Length;

    public void Ack(AckRanges ranges, long delayMicros) => Length += ranges.WriteFrame(_room[Length..], delayMicros);

    /// <summary>Fills up with PADDING.</summary>
    public void PadTo(int length)
    {
        if (Length >= length) return;
        _room[Length..length].Clear();
        Length = length;
    }

    public void Bye() => _room[Length++] = (byte)FrameType.Bye;

    public void Ping() => _room[Length++] = (byte)FrameType.Ping;

    public void Open(FrameType type, long association)
    {
        _room[Length++] = (byte)type;
        Number(association);
    }

    public void Close(long association, long end, bool atOnce)
    {
        _room[Length++] = (byte)FrameType.Close;
        Number(association);
        Number(end);
        _room[Length++] = atOnce ? (byte)1 : (byte)0;
    }

    /// <summary>Writes a STREAM frame with as much as fits and the sender has.</summary>
    /// <returns>Bytes of data; 0 when the sender had none, then nothing is written.</returns>
    public int Stream(long association, StreamSender sender, out long offset)
    {
        // The data is copied behind the longest possible head, then moved up if the head is shorter: one small memmove
        // instead of asking the sender twice.
        var start = Length;
        var body = _room[(start + StreamOverhead)..];
        var count = sender.Take(body, out offset);
        if (count == 0) return 0;
        _room[Length++] = (byte)FrameType.Stream;
        Number(association);
        Number(offset);
        Number(count);
        if (Length < start + StreamOverhead) body[..count].CopyTo(_room[Length..]);
        Length += count;
        return count;
    }

    private void Number(long value) => Length += Varint.Write(_room[Length..], (ulong)value);
}
