using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Firecloud.Bench.Peers.Resp;

/// <summary>One question to a server of the Redis protocol on loopback, for what is not measured.</summary>
internal static class RespTalk
{
    /// <summary>Sends a command and returns the first line of its answer; of a text the text.</summary>
    /// <exception cref="SocketException">Nobody listens.</exception>
    public static async Task<string> AskAsync(int port, params string[] command)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port, late.Token);
        await using var stream = client.GetStream();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"*{command.Length}\r\n");
        foreach (var word in command) text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), late.Token);
        using var reader = new StreamReader(stream);
        var line = await reader.ReadLineAsync(late.Token) ?? "";
        if (!line.StartsWith('$') || line == "$-1") return line;
        var answer = new char[int.Parse(line[1..], CultureInfo.InvariantCulture)];
        await reader.ReadBlockAsync(answer, late.Token);
        return new string(answer);
    }
}
