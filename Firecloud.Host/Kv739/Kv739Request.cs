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
        var at = 0;
        var value = 0..0;
        if (!TryField(text, ref at, out var key)) return null;
        if (isPut && !TryField(text, ref at, out value)) return null;
        if (!TryField(text, ref at, out var number) || at != text.Length) return null;
        if (text[key].Length is 0 or > MaxKey || text[value].Length > MaxValue) return null;
        var isNumber = Utf8Parser.TryParse(text[number], out ulong id, out var used) && used == text[number].Length;
        return isNumber ? new Kv739Request(isPut, text[key].ToArray(), text[value].ToArray(), id) : null;
    }

    /// <summary>True for a value that can be sent back: short enough, and without brackets.</summary>
    public static bool Fits(ReadOnlySpan<byte> value) => value.Length <= MaxValue && value.IndexOfAny((byte)'[', (byte)']') < 0;

    // [field], then one space unless the text ends.
    private static bool TryField(ReadOnlySpan<byte> text, ref int at, out Range field)
    {
        field = 0..0;
        var rest = text[at..];
        var length = rest.IndexOf((byte)']');
        if (length < 0 || rest[0] != '[' || rest[1..length].Contains((byte)'[')) return false;
        field = (at + 1)..(at + length);
        at += length + 1;
        if (at == text.Length) return true;
        return text[at++] == ' ' && at < text.Length;
    }
}
