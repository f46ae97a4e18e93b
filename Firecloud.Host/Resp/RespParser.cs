// RespParser.cs - takes the bytes of one client apart into commands: arrays of bulk strings, or a line of text ("inline").
//
// The format is the public one of redis.io/docs/reference/protocol-spec; texts of errors are those that clients know.
// INPUTS   what the client sent and the parser has not taken yet, in pieces of any size: the same bytes give the same commands.
// MEMORY   what a command declares is not allocated before it is there; more than maxBytes is an error.
// NOT HERE sockets, clocks, what the commands mean.
using System.Buffers;
using System.Buffers.Text;

namespace Firecloud.Host.Resp;

/// <summary>What the parser came to.</summary>
internal enum ParseStatus
{
    /// <summary>More bytes are needed.</summary>
    NeedsMore,

    /// <summary>A command is complete.</summary>
    Command,

    /// <summary>The bytes are no commands; the client is told why and sent away.</summary>
    Broken,
}

/// <summary>Parses the commands of one client.</summary>
/// <param name="maxBytes">Most bytes of one command; each argument counts as <see cref="ArgumentCost"/> more.</param>
internal sealed class RespParser(int maxBytes)
{
    /// <summary>Longest line: an inline command, or a length.</summary>
    public const int MaxLine = 64 * 1024;

    /// <summary>Most arguments of one command.</summary>
    public const int MaxArguments = 1024 * 1024;

    /// <summary>Bytes of memory that an argument takes beside its own.</summary>
    public const int ArgumentCost = 32;

    private const int MaxArgumentsOfStrangers = 10;
    private const int MaxBulkOfStrangers = 16 * 1024;

    private byte[][] _arguments = [];
    private byte[] _name = [];   // of the last command
    private int _count;        // arguments of the command that has begun; 0: none has
    private int _taken;
    private int _bulk = -1;    // length of the argument that has begun; -1: none has
    private long _bytes;

    /// <summary>The client has not said its password: small commands only.</summary>
    public bool IsStranger { get; set; }

    /// <summary>What is wrong, without the leading dash; null where nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>Takes the next command.</summary>
    /// <param name="input">Bytes that were not taken yet; what is taken is cut off.</param>
    /// <param name="command">The arguments, the command's name first; at least one.</param>
    public ParseStatus TryRead(ref ReadOnlySequence<byte> input, out byte[][] command)
    {
        command = [];
        while (Error is null)
        {
            if (_count == 0)
            {
                if (input.IsEmpty) return ParseStatus.NeedsMore;
                var isArray = input.FirstSpan.Length > 0 ? input.FirstSpan[0] == '*' : First(input) == '*';
                var begun = isArray ? TryBegin(ref input) : TryInline(ref input, out command);
                if (!begun) break;
                if (command.Length > 0) return ParseStatus.Command;
            }
            else if (_taken < _count)
            {
                if (!TryArgument(ref input)) break;
            }
            else
            {
                command = _arguments;
                (_arguments, _count, _taken, _bytes) = ([], 0, 0, 0);
                return ParseStatus.Command;
            }
        }
        return Error is null ? ParseStatus.NeedsMore : ParseStatus.Broken;
    }

    private static byte First(in ReadOnlySequence<byte> input)
    {
        foreach (var piece in input)
        {
            if (piece.Length > 0) return piece.Span[0];
        }
        return 0;
    }

    private bool TryInline(ref ReadOnlySequence<byte> input, out byte[][] command)
    {
        command = [];
        if (input.PositionOf((byte)'\n') is not { } end) return input.Length > MaxLine && Fail("too big inline request");
        var line = input.Slice(0, end);
        if (line.Length > MaxLine) return Fail("too big inline request");
        var text = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        if (text.EndsWith("\r"u8)) text = text[..^1];
        if (!InlineCommand.TrySplit(text, out command)) return Fail("unbalanced quotes in request");
        input = input.Slice(input.GetPosition(1, end));
        return true;
    }

    // *COUNT
    private bool TryBegin(ref ReadOnlySequence<byte> input)
    {
        if (!TryLine(ref input, out var line, "too big mbulk count string")) return false;
        if (!RespNumber.TryRead(line[1..], out var count) || count > MaxArguments) return Fail("invalid multibulk length");
        if (IsStranger && count > MaxArgumentsOfStrangers) return Fail("unauthenticated multibulk length");
        if (count <= 0) return true;
        _count = (int)count;
        _arguments = new byte[Math.Min(_count, 64)][];
        return true;
    }

    // $LENGTH, the bytes, two more
    private bool TryArgument(ref ReadOnlySequence<byte> input)
    {
        if (_bulk < 0)
        {
            if (!TryLine(ref input, out var line, "too big bulk count string")) return false;
            if (line.IsEmpty || line[0] != '$') return Fail($"expected '$', got '{(line.IsEmpty ? ' ' : Printable(line[0]))}'");
            if (!RespNumber.TryRead(line[1..], out var length) || length < 0 || length > maxBytes) return Fail("invalid bulk length");
            if (IsStranger && length > MaxBulkOfStrangers) return Fail("unauthenticated bulk length");
            _bytes += length + ArgumentCost;
            if (_bytes > maxBytes) return Fail($"the command has more than {maxBytes} bytes (firecloud.resp.max-query-buffer)");
            _bulk = (int)length;
        }
        if (input.Length < _bulk + 2L) return false;
        var argument = Copy(input);
        input = input.Slice(_bulk + 2L);
        if (_taken == _arguments.Length) Array.Resize(ref _arguments, (int)Math.Min(2L * _taken, _count));
        _arguments[_taken++] = argument;
        _bulk = -1;
        return true;
    }

    private byte[] Copy(in ReadOnlySequence<byte> input)
    {
        if (_bulk == 0) return [];
        // Mostly it is the same command as before: one array for all of them.
        var first = input.FirstSpan;
        if (_taken == 0 && first.Length >= _bulk && first[.._bulk].SequenceEqual(_name)) return _name;
        var argument = new byte[_bulk];
        input.Slice(0, _bulk).CopyTo(argument);
        if (_taken == 0) _name = argument;
        return argument;
    }

    // Up to \r, which one more byte follows.
    private bool TryLine(ref ReadOnlySequence<byte> input, out ReadOnlySpan<byte> line, string tooLong)
    {
        var first = input.FirstSpan;
        var end = first.IndexOf((byte)'\r');
        if (end >= 0 && end + 1 < first.Length)
        {
            line = first[..end];
            input = input.Slice(end + 2);
            return true;
        }
        line = default;
        if (input.PositionOf((byte)'\r') is not { } found || input.Slice(found).Length < 2) return input.Length > MaxLine && Fail(tooLong);
        line = input.Slice(0, found).ToArray();
        input = input.Slice(input.GetPosition(2, found));
        return true;
    }

    private bool Fail(string what)
    {
        Error = $"ERR Protocol error: {what}";
        return false;
    }

    private static char Printable(byte value) => value is >= 0x20 and < 0x7f ? (char)value : '?';
}

/// <summary>Whole numbers as Redis reads them: one way to write each, no plus sign, no leading zeros, no spaces.</summary>
internal static class RespNumber
{
    /// <summary>Reads a number of 64 bits.</summary>
    /// <param name="text">For example -17.</param>
    /// <param name="number">The number; 0 on failure.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        if (text.Length is 0 or > 20) return false;
        var digits = text[0] == '-' ? text[1..] : text;
        if (digits.IsEmpty || digits[0] is < (byte)'0' or > (byte)'9') return false;
        if (digits[0] == '0' && text.Length > 1) return false;
        if (Utf8Parser.TryParse(text, out number, out var used) && used == text.Length) return true;
        number = 0;
        return false;
    }
}
