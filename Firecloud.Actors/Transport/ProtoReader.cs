// ProtoReader.cs - the fields of one protobuf message (Encoding, protobuf.dev), without copies: varints, fixed numbers, bytes.
using System.Buffers.Binary;

namespace Firecloud.Actors.Transport;

internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;
    private bool _failed;

    /// <summary>Number of the field, 1 to 31: none of the messages that are read has more.</summary>
    public int Field { get; private set; }

    /// <summary>Whether the field is <see cref="Bytes"/>, else it is a <see cref="Number"/>.</summary>
    public bool IsBytes { get; private set; }

    public ReadOnlySpan<byte> Bytes { get; private set; }

    public ulong Number { get; private set; }

    /// <summary>Whether everything was read and made sense.</summary>
    public readonly bool AtEnd => !_failed && _rest.IsEmpty;

    /// <summary>Reads the next field.</summary>
    /// <param name="seen">Fields so far, one bit each; a field may be there once.</param>
    /// <returns>False at the end, and on the first thing that makes no sense.</returns>
    public bool Next(ref uint seen)
    {
        if (_rest.IsEmpty || _failed) return false;
        _failed = !TryVarint(out var key) || key >> 3 is < 1 or > 31 || (seen >> (int)(key >> 3) & 1) != 0;
        if (_failed) return false;
        Field = (int)(key >> 3);
        seen |= 1u << Field;
        IsBytes = false;
        Bytes = default;
        Number = 0;
        switch (key & 7)
        {
            case 0:
                _failed = !TryVarint(out var value);
                Number = value;
                break;
            case 1 when _rest.Length >= 8:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
                _rest = _rest[8..];
                break;
            case 2 when TryVarint(out var length) && length <= (ulong)_rest.Length:
                IsBytes = true;
                Bytes = _rest[..(int)length];
                _rest = _rest[(int)length..];
                break;
            default:
                _failed = true;
                break;
        }
        return !_failed;
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return true;
        }
        return false;
    }
}
