// Hello.cs - the payload of the three handshake datagrams. A first Hello is answered with a cookie made from its source, so a
// forged source gets no session; the second Hello brings the cookie and is answered with HelloAck. Each side's boot number
// tells its incarnations apart, its number (nonce) its attempts; the session token comes from both numbers and boots.
// Layout, little-endian: boot 8, number 8, echo 8, cookie 8, window 8, address length 2, address (ASCII).
using System.Buffers.Binary;
using System.Text;

namespace Firecloud.Actors.Transport;

/// <summary>Handshake fields.</summary>
/// <param name="Boot">Random number of the sender's process.</param>
/// <param name="Number">Random number of the sender's attempt.</param>
/// <param name="Echo">The other side's <paramref name="Number"/>, in answers.</param>
/// <param name="Cookie">In Retry: to be brought back. In Hello: brought back, 0 the first time.</param>
/// <param name="Window">Bytes of a stream that the sender takes beyond what it acknowledged.</param>
/// <param name="Address">Akka's address of the sender, as its configuration has it.</param>
internal readonly record struct Hello(ulong Boot, ulong Number, ulong Echo, ulong Cookie, long Window, string Address)
{
    private const int FixedSize = 42;

    /// <summary>Longest address: a scheme, a system name, a host of 253, a port.</summary>
    public const int MaxAddress = 320;

    /// <summary>Every Hello is padded to this, so that no answer is longer than what was asked.</summary>
    public const int PaddedSize = FixedSize + MaxAddress;

    /// <summary>Writes the payload.</summary>
    /// <returns>Bytes written, <see cref="PaddedSize"/> at most.</returns>
    public int Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Number);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], Echo);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], Cookie);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], Window);
        BinaryPrimitives.WriteUInt16LittleEndian(to[40..], (ushort)Address.Length);
        return FixedSize + Encoding.ASCII.GetBytes(Address, to[FixedSize..]);
    }

    /// <summary>Reads a payload.</summary>
    /// <returns>False when it is truncated or a field is out of range.</returns>
    public static bool TryRead(ReadOnlySpan<byte> from, out Hello hello)
    {
        hello = default;
        if (from.Length < FixedSize) return false;
        var length = BinaryPrimitives.ReadUInt16LittleEndian(from[40..]);
        var window = BinaryPrimitives.ReadInt64LittleEndian(from[32..]);
        if (length > MaxAddress || length > from.Length - FixedSize || window is < 1 or > 1L << 40) return false;
        var address = from.Slice(FixedSize, length);
        if (!Ascii.IsValid(address)) return false;
        hello = new Hello(BinaryPrimitives.ReadUInt64LittleEndian(from), BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]), BinaryPrimitives.ReadUInt64LittleEndian(from[24..]), window,
            Encoding.ASCII.GetString(address));
        return true;
    }

    /// <summary>The session's token: the same on both sides, whoever began. SplitMix64's mixer over all four numbers.</summary>
    public static ulong Token(ulong boot, ulong number, ulong peerBoot, ulong peerNumber)
    {
        var mine = Mix(Mix(boot) ^ number);
        var theirs = Mix(Mix(peerBoot) ^ peerNumber);
        return Mix(Math.Min(mine, theirs) ^ Mix(Math.Max(mine, theirs)));
    }

    /// <summary>The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).</summary>
    public static ulong Mix(ulong value)
    {
        value = unchecked(value + 0x9E37_79B9_7F4A_7C15);
        value = unchecked((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9);
        value = unchecked((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB);
        return value ^ (value >> 31);
    }
}
