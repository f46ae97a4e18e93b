using System.Buffers.Binary;
using System.Text;
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Bytes that are not a message. The frame is dropped and counted; nothing else happens.</summary>
public sealed class WireFormatException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public WireFormatException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was wrong, with the value.</param>
    public WireFormatException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">What was wrong, with the value.</param>
    /// <param name="innerException">The cause.</param>
    public WireFormatException(string message, Exception innerException) : base(message, innerException) { }
}

/// <summary>Reads what <see cref="WireWriter"/> wrote. Every length is checked against what is there before it sizes anything.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes, int members, int shards)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly int Members => members;

    public readonly bool AtEnd => _rest.IsEmpty;

    public byte Byte()
    {
        if (_rest.IsEmpty) throw new WireFormatException("The frame ends within a value.");
        var value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    public ulong Varint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Byte();
            if (shift == 63 && next > 1) break;
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
        throw new WireFormatException("A number is longer than 64 bits.");
    }

    public long Signed()
    {
        var value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public ulong Fixed64()
    {
        if (_rest.Length < 8) throw new WireFormatException("The frame ends within a value.");
        var value = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
        _rest = _rest[8..];
        return value;
    }

    public byte[] Bytes() => Take(Varint());

    public byte[]? Optional()
    {
        var length = Varint();
        return length == 0 ? null : Take(length - 1);
    }

    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary>A count of things of at least <paramref name="size"/> bytes each.</summary>
    public int Count(int size)
    {
        var count = Varint();
        if (count > (ulong)(_rest.Length / size)) throw new WireFormatException($"{count} items don't fit into {_rest.Length} bytes.");
        return (int)count;
    }

    public int Member()
    {
        var member = Byte();
        return member < members ? member : throw new WireFormatException($"Member {member} of {members}.");
    }

    public int Shard()
    {
        var shard = Varint();
        return shard < (ulong)shards ? (int)shard : throw new WireFormatException($"Shard {shard} of {shards}.");
    }

    public Key Key()
    {
        var bytes = Bytes();
        return bytes.Length > 0 ? new Key(bytes) : throw new WireFormatException("An empty key.");
    }

    /// <summary>A number of 31 bits.</summary>
    public int Number()
    {
        var number = Varint();
        return number <= int.MaxValue ? (int)number : throw new WireFormatException($"{number} is out of range.");
    }

    public uint Epoch()
    {
        var epoch = Varint();
        return epoch <= uint.MaxValue ? (uint)epoch : throw new WireFormatException($"Epoch {epoch}.");
    }

    public Ballot Ballot()
    {
        var epoch = Epoch();
        return epoch == 0 ? Protocol.Ballot.None : new Ballot(epoch, BallotRound(), Member(), Fixed64());
    }

    /// <summary>A ballot's round: at most 62 bits, so that a higher one always exists. No honest node comes near it.</summary>
    public ulong BallotRound()
    {
        var round = Varint();
        return round < 1UL << 62 ? round : throw new WireFormatException($"Ballot round {round} of at most 62 bits.");
    }

    public Version Version()
    {
        var ballot = Ballot();
        return ballot.IsNone ? Protocol.Version.None : new Version(ballot, Varint());
    }

    public RequestId Id() => new(Fixed64(), Varint());

    /// <summary>A number of an enumeration whose values begin at 1.</summary>
    public byte Kind(byte last)
    {
        var kind = Byte();
        return kind >= 1 && kind <= last ? kind : throw new WireFormatException($"Kind {kind}, known are 1 to {last}.");
    }

    private byte[] Take(ulong length)
    {
        if (length > (ulong)_rest.Length) throw new WireFormatException($"{length} bytes announced, {_rest.Length} are there.");
        var bytes = _rest[..(int)length].ToArray();
        _rest = _rest[(int)length..];
        return bytes;
    }
}
