// RespReply.cs - a client of the raw protocol for tests, and answers as text: +OK, -ERR …, :1, "bulk", nil, [a, b], {k: v}.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Firecloud.Tests.Resp;

/// <summary>One connection.</summary>
internal sealed class RespTestClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TcpClient _tcp;
    private readonly Stream _stream;
    private readonly byte[] _one = new byte[1];

    private RespTestClient(TcpClient tcp, Stream stream) => (_tcp, _stream) = (tcp, stream);

    public static async Task<RespTestClient> ConnectAsync(int port, int protocol = 2, Func<Stream, Task<Stream>>? wrap = null)
    {
        var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        Stream stream = tcp.GetStream();
        var client = new RespTestClient(tcp, new BufferedStream(wrap is null ? stream : await wrap(stream)));
        if (protocol == 3) await client.AskAsync("HELLO", "3");
        return client;
    }

    public Socket Socket => _tcp.Client;

    public static byte[] Bytes(params byte[][] words)
    {
        using var bytes = new MemoryStream();
        bytes.Write(Encoding.ASCII.GetBytes($"*{words.Length}\r\n"));
        foreach (var word in words)
        {
            bytes.Write(Encoding.ASCII.GetBytes($"${word.Length}\r\n"));
            bytes.Write(word);
            bytes.Write("\r\n"u8);
        }
        return bytes.ToArray();
    }

    public Task<string> AskAsync(params string[] words) => AskAsync([.. words.Select(Encoding.UTF8.GetBytes)]);

    public async Task<string> AskAsync(byte[][] words)
    {
        await SendAsync(Bytes(words));
        return await ReadAsync() ?? throw new IOException("The server closed the connection.");
    }

    /// <summary>Several commands, then as many answers.</summary>
    public async Task<string[]> PipelineAsync(params string[][] commands)
    {
        await SendAsync([.. commands.SelectMany(c => Bytes([.. c.Select(Encoding.UTF8.GetBytes)]))]);
        var answers = new List<string>();
        foreach (var _ in commands) answers.Add(await ReadAsync() ?? "closed");
        return [.. answers];
    }

    public async Task SendAsync(byte[] bytes)
    {
        await _stream.WriteAsync(bytes);
        await _stream.FlushAsync();
    }

    /// <summary>The next answer as text; null when the server has closed the connection.</summary>
    public async Task<string?> ReadAsync()
    {
        using var late = new CancellationTokenSource(Patience);
        try
        {
            return await ReadOneAsync(late.Token);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _tcp.Dispose();
    }

    private async Task<string?> ReadOneAsync(CancellationToken late)
    {
        if (await LineAsync(late) is not { Length: > 0 } line) return null;
        var rest = line[1..];
        switch (line[0])
        {
            case '+' or '-' or ':' or ',' or '#': return line;
            case '_': return "nil";
            case '$' or '*' when rest == "-1": return "nil";
            case '$': return Quoted(await BulkAsync(Number(rest), late));
            case '=': return Quoted((await BulkAsync(Number(rest), late))[4..]);
            case '*' or '~' or '>': return $"[{string.Join(", ", await ManyAsync(Number(rest), late))}]";
            case '%':
                var items = await ManyAsync(2 * Number(rest), late);
                return $"{{{string.Join(", ", items.Chunk(2).Select(p => $"{p[0]}: {p[1]}"))}}}";
            default: throw new FormatException($"'{line}' begins no answer.");
        }
    }

    private async Task<string[]> ManyAsync(int count, CancellationToken late)
    {
        var items = new string[count];
        for (var i = 0; i < count; i++) items[i] = await ReadOneAsync(late) ?? throw new FormatException("An answer ends half way.");
        return items;
    }

    private async Task<byte[]> BulkAsync(int length, CancellationToken late)
    {
        var bytes = new byte[length + 2];
        await _stream.ReadExactlyAsync(bytes, late);
        return bytes[..^2];
    }

    private async Task<string> LineAsync(CancellationToken late)
    {
        var line = new List<byte>();
        while (await _stream.ReadAsync(_one, late) == 1)
        {
            if (_one[0] == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            line.Add(_one[0]);
        }
        return "";
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Quoted(byte[] bytes)
    {
        var text = new StringBuilder("\"");
        foreach (var each in bytes)
        {
            if (each is (byte)'"' or (byte)'\\') text.Append('\\').Append((char)each);
            else if (each is >= 0x20 and < 0x7f) text.Append((char)each);
            else text.Append(CultureInfo.InvariantCulture, $"\\x{each:x2}");
        }
        return text.Append('"').ToString();
    }
}
