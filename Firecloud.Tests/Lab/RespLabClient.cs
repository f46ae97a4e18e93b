// RespLabClient.cs - a client of one Firecloud node: the Redis protocol over one TCP connection, opened again when it was lost. Whatever the
// others do, only this node answers it.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Firecloud.Tests.Checker;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Lab;

/// <summary>One node's client.</summary>
internal sealed class RespLabClient(string host, int port) : ILabClient
{
    private readonly byte[] _buffer = new byte[4096];
    private Socket? _socket;
    private int _filled;
    private int _read;

    public async Task<LabAnswer> RunAsync(Operation operation, TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        if (_socket is null && await ConnectAsync(late.Token) is { } failed) return LabAnswer.Refused(failed);
        try
        {
            await _socket!.SendAsync(Bytes(Words(operation)), late.Token);
            return AnswerOf(operation, await ReadAsync(late.Token));
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            Close();
            return LabAnswer.Unknown(e is OperationCanceledException ? "no answer" : "connection lost");
        }
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private static string[] Words(Operation operation) => operation.Kind switch
    {
        OperationKind.Get => ["FIRECLOUD.GET", operation.Key],
        OperationKind.Put => ["SET", operation.Key, operation.Value!],
        OperationKind.CompareAndSetByVersion => ["FIRECLOUD.CAS", operation.Key, TextOf(operation.ExpectedVersion), operation.Value!],
        OperationKind.Increment => ["INCRBY", operation.Key, operation.Delta.ToString(CultureInfo.InvariantCulture)],
        _ => throw new ArgumentException($"The lab has no {operation.Kind}.", nameof(operation)),
    };

    private static LabAnswer AnswerOf(Operation operation, object? reply)
    {
        if (reply is RespError error)
        {
            var word = error.Text.Split(' ')[0];
            return word == "UNKNOWN" ? LabAnswer.Unknown(word, error.Text) : LabAnswer.Refused(word, error.Text);
        }
        return LabAnswer.Done(operation.Kind switch
        {
            OperationKind.Get => reply is object?[] pair ? Answer.Got((string?)pair[0], VersionOf((string)pair[1]!)) : throw Strange(reply),
            OperationKind.Put => Answer.Written(),
            OperationKind.CompareAndSetByVersion => reply is string version ? Answer.Swapped(VersionOf(version)) : Answer.NotSwapped(),
            _ => reply is long number ? Answer.Counted(number) : throw Strange(reply),
        });
    }

    private static InvalidDataException Strange(object? reply) => new($"The node answered {reply ?? "null"}, which is no answer to this command.");

    private static HistoryVersion? VersionOf(string text) => Version.TryParse(text, out var version) && !version.IsNone
        ? new HistoryVersion(version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence)
        : null;

    private static string TextOf(HistoryVersion? version) => version is { } v ? v.ToString() : "none";

    private static byte[] Bytes(string[] words)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (var word in words) text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private async Task<string?> ConnectAsync(CancellationToken late)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Parse(host), port, late);
            (_socket, _read, _filled) = (socket, 0, 0);
            return null;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return "no connection";
        }
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }

    // long, string, null, an array of them, or an error.
    private async ValueTask<object?> ReadAsync(CancellationToken late)
    {
        var line = await LineAsync(late);
        switch (line[0])
        {
            case '+': return line[1..];
            case '-': return new RespError(line[1..]);
            case ':': return long.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
            case '*':
                var items = new object?[int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture)];
                for (var i = 0; i < items.Length; i++) items[i] = await ReadAsync(late);
                return items;
            case '$':
                var length = int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
                if (length < 0) return null;
                var bytes = new byte[length + 2];
                for (var i = 0; i < bytes.Length; i++) bytes[i] = await ByteAsync(late);
                return Encoding.UTF8.GetString(bytes.AsSpan(0, length));
            default: throw new InvalidDataException($"'{line}' is not the begin of an answer.");
        }
    }

    private async ValueTask<string> LineAsync(CancellationToken late)
    {
        var text = new StringBuilder();
        while (true)
        {
            var next = (char)await ByteAsync(late);
            if (next == '\n') return text.ToString(0, text.Length - 1);
            text.Append(next);
        }
    }

    private async ValueTask<byte> ByteAsync(CancellationToken late)
    {
        if (_read == _filled)
        {
            (_read, _filled) = (0, await _socket!.ReceiveAsync(_buffer, late));
            if (_filled == 0) throw new IOException("The node closed the connection.");
        }
        return _buffer[_read++];
    }

    private sealed record RespError(string Text);
}
