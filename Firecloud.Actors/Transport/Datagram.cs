// Datagram.cs - the fixed header of every datagram, little-endian, 24 bytes, then the payload, then the seal's trailer:
//
//    0      1      2      3      4       6        8              16              24
//   +------+------+------+------+-------+--------+--------------+---------------+---------+---------+
//   | 0xF1 | kind | hops | key  | origin| destin.| session token| packet number | payload | trailer |
//   +------+------+------+------+-------+--------+--------------+---------------+---------+---------+
//
// The first byte is magic and version in one; it is no ASCII letter, so text datagrams (GET [, PUT [) are told apart by it.
// Members put their ids (Members.cs) into origin and destination, and into hops what is left of the way (RoutePath.cs); others
// write Unnumbered and 0. Relays change the hops, so the seal covers the header as if they were 0. The key id names
// the secret; 0 is none (Seal.cs).
using System.Buffers.Binary;

namespace Firecloud.Actors.Transport;

internal enum DatagramKind : byte
{
    None = 0,
    Hello = 1,       // asks for a session; padded, so that no answer is longer
    Retry = 2,       // answer to a first Hello: come again with this cookie, which proves your address
    HelloAck = 3,    // answer to a Hello with a good cookie: the session exists
    Data = 4,        // frames of a session
    Reset = 5,       // "I know no session with this token"; its number is that of the packet that it answers
    Probe = 6,       // between members, directly: whom the sender hears
}

/// <summary>Why a datagram is dropped.</summary>
internal enum DatagramError
{
    None,
    Malformed,
    Checksum,
    WrongKey,   // sealed with a secret that this node doesn't have
    Forged,     // the seal does not fit: another secret with the same key id, or altered
    Replayed,   // a packet number that was taken before, or is too old to tell
    Unsealed,   // this node has a secret, the datagram has no seal
}

internal readonly record struct DatagramHeader(DatagramKind Kind, byte Hops, byte KeyId, ushort Origin, ushort Destination,
    ulong Token, long Number)
{
    public const byte Magic = 0xF1;
    public const int Size = 24;
    public const int KeyIdAt = 3;
    public const int NumberAt = 16;

    /// <summary>Id of a node without a number.</summary>
    public const ushort Unnumbered = 0xFFFF;

    /// <summary>Largest UDP payload over IPv4, bytes: 65,535 - 20 (IP) - 8 (UDP).</summary>
    public const int MaxDatagram = 65_507;

    /// <summary>Where the hops are.</summary>
    public const int HopsAt = 2;

    /// <summary>The header of a datagram between two that are not both members.</summary>
    public static DatagramHeader Direct(DatagramKind kind, ulong token, long number) =>
        Between((Unnumbered, Unnumbered), kind, token, number);

    /// <summary>The header of a datagram whose hops are set when it is sent.</summary>
    public static DatagramHeader Between((ushort Origin, ushort Destination) ids, DatagramKind kind, ulong token, long number) =>
        new(kind, 0, 0, ids.Origin, ids.Destination, token, number);

    /// <summary>Whether a datagram that <see cref="Write"/> began says nothing of its origin, so that no relay would take it.</summary>
    public static bool IsUnnumbered(ReadOnlySpan<byte> datagram) => BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]) == Unnumbered;

    /// <summary>Reads what a relay needs, of a datagram that is not opened yet.</summary>
    /// <returns>False when it is none of this version; the whole check is <see cref="TryRead"/>'s.</returns>
    public static bool TryPeek(ReadOnlySpan<byte> datagram, out DatagramKind kind, out byte hops, out ushort origin, out ushort destination)
    {
        (kind, hops, origin, destination) = (DatagramKind.None, 0, Unnumbered, Unnumbered);
        if (datagram.Length < Size || datagram[0] != Magic) return false;
        (kind, hops) = ((DatagramKind)datagram[1], datagram[HopsAt]);
        origin = BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]);
        destination = BinaryPrimitives.ReadUInt16LittleEndian(datagram[6..]);
        return true;
    }

    public void Write(Span<byte> to)
    {
        to[0] = Magic;
        to[1] = (byte)Kind;
        to[2] = Hops;
        to[3] = KeyId;
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], Origin);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], Destination);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Token);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], Number);
    }

    /// <summary>Reads a header, without a look at the seal.</summary>
    /// <returns>False when it is too short, of another version, or a field is out of range.</returns>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out DatagramHeader header)
    {
        header = default;
        if (datagram.Length < Size || datagram[0] != Magic) return false;
        if (datagram[1] is < (byte)DatagramKind.Hello or > (byte)DatagramKind.Probe) return false;
        var number = BinaryPrimitives.ReadInt64LittleEndian(datagram[NumberAt..]);
        if (number is < 0 or > (long)Varint.Max) return false;
        header = new DatagramHeader((DatagramKind)datagram[1], datagram[2], datagram[3],
            BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]), BinaryPrimitives.ReadUInt16LittleEndian(datagram[6..]),
            BinaryPrimitives.ReadUInt64LittleEndian(datagram[8..]), number);
        return true;
    }

    /// <summary>Reads, checks and opens a datagram.</summary>
    /// <param name="datagram">What the socket gave; the seal may decrypt it in place.</param>
    /// <param name="seal">Checks the trailer.</param>
    /// <param name="header">The header, default on an error.</param>
    /// <param name="payload">The bytes between header and trailer, empty on an error.</param>
    public static DatagramError TryRead(Span<byte> datagram, ISeal seal, out DatagramHeader header,
        out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!TryParse(datagram, out header)) return DatagramError.Malformed;
        var error = datagram.Length < Size + seal.Overhead ? DatagramError.Malformed : seal.Open(datagram);
        if (error == DatagramError.None) payload = datagram[Size..^seal.Overhead];
        else header = default;
        return error;
    }
}
