using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Writes the primitives of docs/wire-format.md: varints (LEB128), fixed numbers little-endian, bytes behind their length.</summary>
internal sealed class WireWriter(int capacity = 1024)
{
    private const int MostKept = 256 * 1024;

    [ThreadStatic]
    private static WireWriter? _spare;

    private readonly ArrayBufferWriter<byte> _buffer = new(capacity);

    /// <summary>Encodes with a writer that the thread uses again and again: a frame costs no more memory than its bytes.</summary>
    /// <typeparam name="T">Of what is written.</typeparam>
    /// <param name="state">What is written.</param>
    /// <param name="write">Writes it.</param>
    public static byte[] Encode<T>(T state, Action<WireWriter, T> write)
    {
        var writer = _spare ?? new WireWriter();
        _spare = null;   // an encoding within an encoding takes another one
        write(writer, state);
        var bytes = writer.ToArray();
        if (writer._buffer.Capacity > MostKept) return bytes;
        writer._buffer.ResetWrittenCount();
        _spare = writer;
        return bytes;
    }

    public int Length => _buffer.WrittenCount;

    public byte[] ToArray() => _buffer.WrittenSpan.ToArray();

    /// <summary>What is written so far; until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    /// <summary>Begins anew, and keeps the room.</summary>
    public void Reset() => _buffer.ResetWrittenCount();

    /// <summary>Replaces the first eight bytes, which are there.</summary>
    public void SetFirst64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(MemoryMarshal.AsMemory(_buffer.WrittenMemory).Span, value);

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    public void Varint(ulong value)
    {
        var span = _buffer.GetSpan(10);
        var i = 0;
        for (; value >= 0x80; value >>= 7) span[i++] = (byte)(value | 0x80);
        span[i++] = (byte)value;
        _buffer.Advance(i);
    }

    public void Signed(long value) => Varint((ulong)(value << 1) ^ (ulong)(value >> 63));

    public void Fixed64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Varint((ulong)value.Length);
        _buffer.Write(value);
    }

    /// <summary>0 for null, else length + 1 and the bytes.</summary>
    public void Optional(byte[]? value)
    {
        Varint(value is null ? 0 : (ulong)value.Length + 1);
        if (value is not null) _buffer.Write(value);
    }

    public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public void Ballot(Ballot value)
    {
        Varint(value.Epoch);
        if (value.IsNone) return;
        Varint(value.Round);
        Byte((byte)value.Node);
        Fixed64(value.Boot);
    }

    public void Version(Version value)
    {
        Ballot(value.Ballot);
        if (!value.IsNone) Varint(value.Sequence);
    }

    public void Id(RequestId value)
    {
        Fixed64(value.Client);
        Varint(value.Number);
    }
}
