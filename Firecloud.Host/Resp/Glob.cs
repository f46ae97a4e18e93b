namespace Firecloud.Host.Resp;

/// <summary>Patterns of KEYS, SCAN and CONFIG GET: * any bytes, ? one byte, [a-c] or [^a-c] one of them, \ takes the next byte as it is.</summary>
internal static class Glob
{
    /// <summary>Matches in time of at most pattern times text: a star never tries again what stars before it have decided.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="text">What may match.</param>
    /// <param name="ignoreCase">A is a.</param>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text, bool ignoreCase = false)
    {
        var (at, place) = (0, 0);
        var (star, from) = (-1, 0);   // behind the last star, and where its text ends
        while (place < text.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, from) = (++at, place);
                continue;
            }
            var next = at;
            if (at < pattern.Length && One(pattern, ref next, text[place], ignoreCase))
            {
                (at, place) = (next, place + 1);
                continue;
            }
            if (star < 0) return false;
            (at, place) = (star, ++from);
        }
        return pattern[at..].IndexOfAnyExcept((byte)'*') < 0;
    }

    // One byte against what is at the pattern's place; moves behind it.
    private static bool One(ReadOnlySpan<byte> pattern, ref int at, byte value, bool ignoreCase)
    {
        switch (pattern[at])
        {
            case (byte)'?':
                at++;
                return true;
            case (byte)'[':
                return Class(pattern, ref at, Fold(value, ignoreCase), ignoreCase);
            case (byte)'\\' when at + 1 < pattern.Length:
                at++;
                break;
        }
        return Fold(pattern[at++], ignoreCase) == Fold(value, ignoreCase);
    }

    // A class that is not closed ends with the pattern.
    private static bool Class(ReadOnlySpan<byte> pattern, ref int at, byte value, bool ignoreCase)
    {
        at++;
        var negated = at < pattern.Length && pattern[at] == '^';
        if (negated) at++;
        var found = false;
        for (; at < pattern.Length && pattern[at] != ']'; at++)
        {
            if (pattern[at] == '\\' && at + 1 < pattern.Length) at++;
            var (low, high) = (Fold(pattern[at], ignoreCase), Fold(pattern[at], ignoreCase));
            if (at + 2 < pattern.Length && pattern[at + 1] == '-')
            {
                at += 2;
                high = Fold(pattern[at], ignoreCase);
                if (low > high) (low, high) = (high, low);
            }
            found |= value >= low && value <= high;
        }
        if (at < pattern.Length) at++;
        return found != negated;
    }

    private static byte Fold(byte value, bool ignoreCase) => ignoreCase && value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value + 32) : value;
}
