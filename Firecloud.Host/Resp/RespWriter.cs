// RespWriter.cs - writes answers in the protocol that the client chose with HELLO: RESP2, or RESP3 with its further types.
using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Firecloud.Host.Resp;

/// <summary>Writes one client's answers.</summary>
/// <param name="output">Where to.</param>
internal sealed class RespWriter(IBufferWriter<byte> output)
{
    private static ReadOnlySpan<byte> End => "\r\n"u8;

    /// <summary>2 or 3.</summary>
    public int Protocol { get; set; } = 2;

    /// <summary>The client wants no answers (CLIENT REPLY).</summary>
    public bool IsMuted { get; set; }

    /// <summary>Bytes written and not yet taken by <see cref="TakeWritten"/>.</summary>
    public long Written { get; private set; }

    /// <summary>Sets <see cref="Written"/> back.</summary>
    /// <returns>What it was.</returns>
    public long TakeWritten()
    {
        var written = Written;
        Written = 0;
        return written;
    }

    /// <summary>A line such as OK.</summary>
    /// <param name="text">Of our own, without line ends.</param>
    public void Simple(string text) => Line('+', text);

    /// <summary>OK.</summary>
    public void Ok() => Put("+OK\r\n"u8);

    /// <summary>An error; its first word says which kind.</summary>
    /// <param name="text">Line ends in it become spaces: it may name what the client sent.</param>
    public void Error(string text) => Line('-', text.Replace('\r', ' ').Replace('\n', ' '));

    /// <summary>A whole number.</summary>
    public void Integer(long number) => Head((byte)':', number);

    /// <summary>1 or 0: Redis has no truth values but for some RESP3 answers that Firecloud has not.</summary>
    public void Flag(bool value) => Put(value ? ":1\r\n"u8 : ":0\r\n"u8);

    /// <summary>Bytes, or null.</summary>
    public void Bulk(byte[]? value)
    {
        if (value is null) Null();
        else Bulk(value.AsSpan());
    }

    /// <summary>Bytes.</summary>
    public void Bulk(ReadOnlySpan<byte> value)
    {
        Head((byte)'$', value.Length);
        Put(value);
        Put(End);
    }

    /// <summary>Text as UTF-8.</summary>
    public void Bulk(string text) => Bulk(Encoding.UTF8.GetBytes(text).AsSpan());

    /// <summary>Text for people, which clients of RESP3 print as it is.</summary>
    public void Verbatim(string text)
    {
        if (Protocol == 2)
        {
            Bulk(text);
            return;
        }
        var bytes = Encoding.UTF8.GetBytes(text);
        Head((byte)'=', bytes.Length + 4);
        Put("txt:"u8);
        Put(bytes);
        Put(End);
    }

    /// <summary>No value.</summary>
    public void Null() => Put(Protocol == 2 ? "$-1\r\n"u8 : "_\r\n"u8);

    /// <summary>So many values follow.</summary>
    public void Array(int count) => Head((byte)'*', count);

    /// <summary>So many pairs follow.</summary>
    public void Map(int pairs) => Head(Protocol == 2 ? (byte)'*' : (byte)'%', Protocol == 2 ? 2L * pairs : pairs);

    /// <summary>So many values in no order follow.</summary>
    public void Set(int count) => Head(Protocol == 2 ? (byte)'*' : (byte)'~', count);

    private void Line(char kind, string text) =>
        Put(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind}{text}\r\n")));

    private void Head(byte kind, long number)
    {
        Span<byte> line = stackalloc byte[24];
        line[0] = kind;
        Utf8Formatter.TryFormat(number, line[1..], out var digits);
        End.CopyTo(line[(1 + digits)..]);
        Put(line[..(digits + 3)]);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (IsMuted) return;
        output.Write(bytes);
        Written += bytes.Length;
    }
}
