using System.Buffers.Text;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers.Resp;

/// <summary>How a server compares and sets.</summary>
internal enum RespSwap
{
    /// <summary>SET with IFEQ, as Valkey and Firecloud have it.</summary>
    IfEqual,

    /// <summary>A script, as Redis 7 needs it.</summary>
    Script,
}

/// <summary>What differs between servers.</summary>
/// <param name="Swap">How to compare and set.</param>
/// <param name="Replicas">Replicas to WAIT for after each write; 0: no WAIT.</param>
internal readonly record struct RespDialect(RespSwap Swap, int Replicas);

/// <summary>Commands that wait to be sent.</summary>
internal sealed class RespCommands(RespDialect dialect, Dataset data)
{
    private byte[] _bytes = new byte[4096];
    private int _count;

    public int Count => _count;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _count);

    public void Clear() => _count = 0;

    public void Write(Call call)
    {
        var value = data.Value(call.Key);
        switch (call.Kind)
        {
            case Kind.Get:
                Text("*2\r\n$3\r\nGET\r\n"u8);
                Key(call.Key);
                return;
            case Kind.Put:
                Text("*3\r\n$3\r\nSET\r\n"u8);
                Key(call.Key);
                Argument(value);
                break;
            case Kind.CompareAndSet when dialect.Swap == RespSwap.IfEqual:
                Text("*5\r\n$3\r\nSET\r\n"u8);
                Key(call.Key);
                Argument(value);
                Argument("IFEQ"u8);
                Argument(value);
                break;
            default:
                Text("*6\r\n$4\r\nEVAL\r\n"u8);
                Argument("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2]) end return false"u8);
                Argument("1"u8);
                Key(call.Key);
                Argument(value);
                Argument(value);
                break;
        }
        if (dialect.Replicas == 0) return;
        Text("*3\r\n$4\r\nWAIT\r\n"u8);
        Number('$', 1);
        Number(dialect.Replicas);
        Argument("10000"u8);
    }

    private void Key(int key)
    {
        Number('$', Dataset.KeyLength);
        data.WriteKey(key, Room(Dataset.KeyLength + 2));
        _count += Dataset.KeyLength;
        Text("\r\n"u8);
    }

    private void Argument(ReadOnlySpan<byte> argument)
    {
        Number('$', argument.Length);
        Text(argument);
        Text("\r\n"u8);
    }

    private void Number(char type, int number)
    {
        Room(16)[0] = (byte)type;
        _count++;
        Number(number);
    }

    private void Number(int number)
    {
        Utf8Formatter.TryFormat(number, Room(16), out var written);
        _count += written;
        Text("\r\n"u8);
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        text.CopyTo(Room(text.Length));
        _count += text.Length;
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _count < bytes) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _count + bytes));
        return _bytes.AsSpan(_count);
    }
}

/// <summary>One answer.</summary>
/// <param name="Type">+ - : or $</param>
/// <param name="Number">Of : the number; of $ the length of the text, -1 for none; else 0.</param>
/// <param name="Length">Bytes that it takes.</param>
internal readonly record struct RespReply(char Type, long Number, int Length);

/// <summary>Reads answers of RESP2 that are no arrays.</summary>
internal static class RespReplies
{
    /// <summary>Reads the answer at the beginning; false when its end has not come yet.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RespReply reply)
    {
        reply = default;
        var end = bytes.IndexOf((byte)'\n');
        if (end < 0) return false;
        var type = (char)bytes[0];
        long number = 0;
        if ((type is ':' or '$') && !Utf8Parser.TryParse(bytes[1..(end - 1)], out number, out _)) type = '?';   // no answer that anybody expects
        var length = end + 1 + (type == '$' && number >= 0 ? (int)number + 2 : 0);
        reply = new RespReply(type, number, length);
        return bytes.Length >= length;
    }
}
