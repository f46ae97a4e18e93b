namespace Firecloud.Host.Resp;

/// <summary>Splits a line that a person typed: words, "quoted \x0a words" and 'quoted words', as redis.io describes inline commands.</summary>
internal static class InlineCommand
{
    /// <summary>Splits a line.</summary>
    /// <param name="line">Without its end; a zero byte ends it.</param>
    /// <param name="words">The words; none for an empty line.</param>
    /// <returns>False when a quote is not closed, or is followed by something else than a space.</returns>
    public static bool TrySplit(ReadOnlySpan<byte> line, out byte[][] words)
    {
        words = [];
        var zero = line.IndexOf((byte)0);
        if (zero >= 0) line = line[..zero];
        var found = new List<byte[]>();
        var word = new List<byte>();
        for (var at = 0; ;)
        {
            while (at < line.Length && IsSpace(line[at])) at++;
            if (at == line.Length) break;
            word.Clear();
            if (!TryWord(line, ref at, word)) return false;
            found.Add([.. word]);
        }
        words = [.. found];
        return true;
    }

    private static bool TryWord(ReadOnlySpan<byte> line, ref int at, List<byte> word)
    {
        for (; at < line.Length && !IsSpace(line[at]); at++)
        {
            if (line[at] is not ((byte)'"' or (byte)'\''))
            {
                word.Add(line[at]);
                continue;
            }
            if (!TryQuoted(line, ref at, word)) return false;
            return at == line.Length || IsSpace(line[at]);
        }
        return true;
    }

    // From the opening quote to behind the closing one.
    private static bool TryQuoted(ReadOnlySpan<byte> line, ref int at, List<byte> word)
    {
        var quote = line[at++];
        for (; at < line.Length; at++)
        {
            if (line[at] == quote)
            {
                at++;
                return true;
            }
            var escapes = line[at] == '\\' && at + 1 < line.Length && (quote == '"' || line[at + 1] == '\'');
            word.Add(escapes ? Escaped(line, ref at) : line[at]);
        }
        return false;
    }

    // At a backslash; ends at the last byte that belongs to it.
    private static byte Escaped(ReadOnlySpan<byte> line, ref int at)
    {
        if (line[at + 1] == 'x' && at + 3 < line.Length && IsHex(line[at + 2]) && IsHex(line[at + 3]))
        {
            at += 3;
            return (byte)((Hex(line[at - 1]) << 4) + Hex(line[at]));
        }
        return line[++at] switch
        {
            (byte)'n' => (byte)'\n',
            (byte)'r' => (byte)'\r',
            (byte)'t' => (byte)'\t',
            (byte)'b' => (byte)'\b',
            (byte)'a' => 7,
            var other => other,
        };
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (>= 9 and <= 13);

    private static bool IsHex(byte value) => char.IsAsciiHexDigit((char)value);

    private static int Hex(byte value) => value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10;
}
