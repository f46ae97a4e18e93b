using System.Buffers.Text;

namespace Firecloud.Host.Kv739;

/// <summary>One datagram of the original's clients, taken apart.</summary>
/// <param name="IsPut">PUT, else GET.</param>
/// <param name="Key">1 to 128 bytes, without brackets.</param>
/// <param name="Value">PUT: 0 to 2,048 bytes, without brackets.</param>
/// <param name="Id">Chosen by the client.</param>
internal sealed record Kv739Request(bool IsPut, byte[] Key, byte[] Value, ulong Id)
{
    /// <summary>Longest key, bytes.</summary>
    public const int MaxKey = 128;

    /// <summary>Longest value, bytes.</summary>
    public const int MaxValue = 2048;

    /// <summary>Reads <c>GET [key] [id]</c> or <c>PUT [key] [value] [id]</c>.</summary>
    /// <param name="text">A datagram.</param>
    /// <returns>Null where the text does not parse: such text gets no answer.</returns>
    public static Kv739Request? TryParse(ReadOnlySpan<byte> text)
    {
        // Some senders end the text with a NUL or a line feed.
        text = text.TrimEnd("\0\r\n "u8);
        var isPut = text.StartsWith("PUT "u8);
        if (!isPut && !text.StartsWith("GET "u8)) return null;
        text = text[4..];
        if (!TryField(ref text, out var key) || key.Length is 0 or > MaxKey) return null;
        var value = text[..0];
        if (isPut && (!TryField(ref text, out value) || value.Length > MaxValue)) return null;
        if (!TryField(ref text, out var digits) || !text.IsEmpty) return null;
        var isNumber = Utf8Parser.TryParse(digits, out ulong id, out var used) && used == digits.Length;
        return isNumber ? new Kv739Request(isPut, key.ToArray(), value.ToArray(), id) : null;
    }

    /// <summary>True for a value that can be sent back: short enough, and without brackets.</summary>
    public static bool Fits(ReadOnlySpan<byte> value) => value.Length <= MaxValue && value.IndexOfAny((byte)'[', (byte)']') < 0;

    // [field], then a space unless the text ends.
    private static bool TryField(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> field)
    {
        field = default;
        if (text.IsEmpty || text[0] != '[') return false;
        var end = text.IndexOf((byte)']');
        if (end < 0) return false;
        field = text[1..end];
        text = text[(end + 1)..];
        if (!text.IsEmpty)
        {
            if (text[0] != ' ') return false;
            text = text[1..];
        }
        return field.IndexOf((byte)'[') < 0;
    }
}
