// Seal.cs - what protects a datagram on its way. Today a CRC32C (Castagnoli, as in RFC 3720, appendix B.4) against damage;
// the place where authenticated encryption comes: it may work in place and needs only another Overhead and KeyId.
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Firecloud.Actors.Transport;

internal interface ISeal
{
    /// <summary>Which key, as written to the header.</summary>
    byte KeyId { get; }

    /// <summary>Bytes of the trailer.</summary>
    int Overhead { get; }

    /// <summary>Fills the trailer of a whole datagram: header, payload and <see cref="Overhead"/> bytes of room.</summary>
    void Close(Span<byte> datagram);

    /// <summary>Checks a whole datagram of at least header and trailer.</summary>
    bool TryOpen(Span<byte> datagram);
}

internal sealed class ChecksumSeal : ISeal
{
    private const int HopsAt = 2;

    public static ChecksumSeal Instance { get; } = new();

    public byte KeyId => 0;

    public int Overhead => 4;

    public void Close(Span<byte> datagram) =>
        BinaryPrimitives.WriteUInt32LittleEndian(datagram[^Overhead..], Checksum(datagram[..^Overhead]));

    public bool TryOpen(Span<byte> datagram) =>
        BinaryPrimitives.ReadUInt32LittleEndian(datagram[^Overhead..]) == Checksum(datagram[..^Overhead]);

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt16LittleEndian(bytes));
        crc = BitOperations.Crc32C(crc, (byte)0);  // the hops, which relays change
        bytes = bytes[(HopsAt + 1)..];
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) crc = BitOperations.Crc32C(crc, word);
        foreach (var last in bytes[(bytes.Length & ~7)..]) crc = BitOperations.Crc32C(crc, last);
        return ~crc;
    }
}
