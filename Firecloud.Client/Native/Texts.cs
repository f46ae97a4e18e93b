// Texts.cs - the datagrams of docs/kv739.md, seen from a client: requests are built, answers are read. Pure.
using System.Buffers.Text;

namespace Firecloud.Client.Native;

/// <summary>What a datagram says of a request.</summary>
internal enum AnswerKind
{
    /// <summary>Nothing: it is no answer, or one to another id.</summary>
    None,

    /// <summary>OK, with a value.</summary>
    Done,

    /// <summary>FL.</summary>
    Failed,
}

/// <summary>Builds requests and reads answers.</summary>
internal static class Texts
{
    /// <summary>Longest key, bytes.</summary>
    public const int MaxKey = 128;

    /// <summary>Longest value, bytes.</summary>
    public const int MaxValue = 2048;

    /// <summary>Longest request, bytes: a PUT whose id has 20 digits.</summary>
    public const int MaxRequest = 5 + MaxKey + 3 + MaxValue + 3 + 20 + 1;

    /// <summary>1 to 128 bytes without brackets.</summary>
    public static bool IsKey(ReadOnlySpan<byte> bytes) => bytes.Length is > 0 and <= MaxKey && !HasBracket(bytes);

    /// <summary>0 to 2,048 bytes without brackets.</summary>
    public static bool IsValue(ReadOnlySpan<byte> bytes) => bytes.Length <= MaxValue && !HasBracket(bytes);

    /// <summary>Writes <c>GET [key] [id]</c>.</summary>
    /// <param name="text">Room for <see cref="MaxRequest"/> bytes.</param>
    /// <param name="key">See <see cref="IsKey"/>.</param>
    /// <param name="id">The request's.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteGet(Span<byte> text, ReadOnlySpan<byte> key, ulong id)
    {
        var at = 0;
        Append(text, ref at, "GET ["u8);
        Append(text, ref at, key);
        AppendId(text, ref at, id);
        return at;
    }

    /// <summary>Writes <c>PUT [key] [value] [id]</c>.</summary>
    /// <param name="text">Room for <see cref="MaxRequest"/> bytes.</param>
    /// <param name="key">See <see cref="IsKey"/>.</param>
    /// <param name="value">See <see cref="IsValue"/>.</param>
    /// <param name="id">The request's.</param>
    /// <returns>Bytes written.</returns>
    public static int WritePut(Span<byte> text, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ulong id)
    {
        var at = 0;
        Append(text, ref at, "PUT ["u8);
        Append(text, ref at, key);
        Append(text, ref at, "] ["u8);
        Append(text, ref at, value);
        AppendId(text, ref at, id);
        return at;
    }

    /// <summary>Reads <c>OK [id] [value]</c> or <c>FL [id]</c>.</summary>
    /// <param name="text">A datagram of a server.</param>
    /// <param name="id">The request's.</param>
    /// <param name="value">With <see cref="AnswerKind.Done"/>: 0 to 2,048 bytes of the datagram.</param>
    public static AnswerKind Read(ReadOnlySpan<byte> text, ulong id, out ReadOnlySpan<byte> value)
    {
        value = default;
        var done = text.StartsWith("OK ["u8);
        if (!done && !text.StartsWith("FL ["u8)) return AnswerKind.None;
        text = text[4..];
        if (!Utf8Parser.TryParse(text, out ulong of, out var digits) || of != id) return AnswerKind.None;
        text = text[digits..];
        if (!done) return text.SequenceEqual("]"u8) ? AnswerKind.Failed : AnswerKind.None;
        if (!text.StartsWith("] ["u8) || text[^1] != ']' || !IsValue(text[3..^1])) return AnswerKind.None;
        value = text[3..^1];
        return AnswerKind.Done;
    }

    private static bool HasBracket(ReadOnlySpan<byte> bytes) => bytes.IndexOfAny((byte)'[', (byte)']') >= 0;

    private static void AppendId(Span<byte> text, ref int at, ulong id)
    {
        Append(text, ref at, "] ["u8);
        Utf8Formatter.TryFormat(id, text[at..], out var digits);
        at += digits;
        Append(text, ref at, "]"u8);
    }

    private static void Append(Span<byte> text, ref int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(text[at..]);
        at += bytes.Length;
    }
}
