// Seal.cs - what protects a datagram on its way. Without a secret a CRC32C (Castagnoli, as in RFC 3720, appendix B.4) against
// damage; with one AES-256-GCM: SessionSeal for the packets of a session, HandshakeSeal for all that comes before.
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Firecloud.Actors.Transport;

internal interface ISeal
{
    /// <summary>Which key it seals with, as written to the header; 0 for none.</summary>
    byte KeyId { get; }

    /// <summary>Bytes of the trailer.</summary>
    int Overhead { get; }

    /// <summary>Seals a whole datagram in place: header, payload and <see cref="Overhead"/> bytes of room. Writes the header's
    /// key id if it is 0.</summary>
    void Close(Span<byte> datagram);

    /// <summary>Checks and opens a whole datagram of at least header and trailer, in place.</summary>
    DatagramError Open(Span<byte> datagram);
}

internal sealed class ChecksumSeal : ISeal
{
    public static ChecksumSeal Instance { get; } = new();

    public byte KeyId => 0;

    public int Overhead => 4;

    public void Close(Span<byte> datagram) =>
        BinaryPrimitives.WriteUInt32LittleEndian(datagram[^Overhead..], Checksum(datagram[..^Overhead]));

    public DatagramError Open(Span<byte> datagram) =>
        datagram[DatagramHeader.KeyIdAt] != 0 ? DatagramError.WrongKey
        : BinaryPrimitives.ReadUInt32LittleEndian(datagram[^Overhead..]) == Checksum(datagram[..^Overhead]) ? DatagramError.None
        : DatagramError.Checksum;

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt16LittleEndian(bytes));
        crc = BitOperations.Crc32C(crc, (byte)0);  // the hops, which relays change
        bytes = bytes[(DatagramHeader.HopsAt + 1)..];
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) crc = BitOperations.Crc32C(crc, word);
        foreach (var last in bytes[(bytes.Length & ~7)..]) crc = BitOperations.Crc32C(crc, last);
        return ~crc;
    }
}
