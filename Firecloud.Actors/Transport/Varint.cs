// Varint.cs - unsigned integers of 1, 2, 4 or 8 bytes, as in RFC 9000, section 16: the top two bits of the first byte
// give the length, the rest is big-endian. Small numbers (most ids, lengths, offsets) cost one or two bytes.
using System.Buffers.Binary;

namespace Firecloud.Actors.Transport;

internal static class Varint
{
    /// <summary>The greatest value that fits: 62 bits.</summary>
    public const ulong Max = (1UL << 62) - 1;

    /// <summary>Bytes that <see cref="Write"/> needs: 1, 2, 4 or 8.</summary>
    public static int Size(ulong value) => value < 1UL << 6 ? 1 : value < 1UL << 14 ? 2 : value < 1UL << 30 ? 4 : 8;

    /// <summary>Writes a value to the start of a span that has room for it.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="InvariantViolationException">The value exceeds <see cref="Max"/>: a bug in the caller.</exception>
    public static int Write(Span<byte> to, ulong value)
    {
        Invariant.That(value <= Max);
        switch (Size(value))
        {
            case 1:
                to[0] = (byte)value;
                return 1;
            case 2:
                BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)(value | (1U << 14)));
                return 2;
            case 4:
                BinaryPrimitives.WriteUInt32BigEndian(to, (uint)(value | (2U << 30)));
                return 4;
            default:
                BinaryPrimitives.WriteUInt64BigEndian(to, value | (3UL << 62));
                return 8;
        }
    }

    /// <summary>Reads a value and moves the span behind it.</summary>
    /// <returns>False when the span ends too early; then the span is unchanged.</returns>
    public static bool TryRead(ref ReadOnlySpan<byte> from, out long value)
    {
        value = 0;
        if (from.IsEmpty) return false;
        var size = 1 << (from[0] >> 6);
        if (from.Length < size) return false;
        value = size switch
        {
            1 => from[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(from) & 0x3FFF,
            4 => BinaryPrimitives.ReadUInt32BigEndian(from) & 0x3FFF_FFFF,
            _ => (long)(BinaryPrimitives.ReadUInt64BigEndian(from) & Max),
        };
        from = from[size..];
        return true;
    }
}
