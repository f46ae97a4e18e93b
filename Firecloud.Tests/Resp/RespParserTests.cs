using System.Buffers;
using System.Text;
using Firecloud.Host.Resp;
using Xunit;

namespace Firecloud.Tests.Resp;

public sealed class RespParserTests
{
    private const int MaxBytes = 1 << 20;

    [Theory]
    [InlineData("*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "GET|a")]
    [InlineData("*1\r\n$0\r\n\r\n", "")]
    [InlineData("*0\r\n*-1\r\n\r\n \r\n*1\r\n$4\r\nPING\r\n", "PING")]
    [InlineData("PING\r\nECHO a\n", "PING;ECHO|a")]
    [InlineData("SET k \"a b\\x41\\n\\\"\" 'it\\'s'\r\n", "SET|k|a bA\n\"|it's")]
    [InlineData("GET a\"b\" \r\n", "GET|ab")]
    [InlineData("*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n", "PING;PING;PING")]
    public void Commands_are_read_however_they_are_cut(string text, string commands)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var piece = 1; piece <= bytes.Length; piece++)
        {
            var (read, error) = Parse(bytes, _ => piece);
            Assert.Null(error);
            Assert.Equal(commands, string.Join(';', read.Select(c => string.Join('|', c.Select(Encoding.Latin1.GetString)))));
        }
    }

    [Theory]
    [InlineData("*x\r\n", "invalid multibulk length")]
    [InlineData("*1048577\r\n", "invalid multibulk length")]
    [InlineData("*+1\r\n", "invalid multibulk length")]
    [InlineData("*\r\n", "invalid multibulk length")]
    [InlineData("*1\r\n$-1\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$1048577\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$99999999999999999999\r\n", "invalid bulk length")]
    [InlineData("*1\r\n:1\r\n", "expected '$', got ':'")]
    [InlineData("*1\r\n\u0001\r\n", "expected '$', got '?'")]
    [InlineData("GET \"a\r\n", "unbalanced quotes in request")]
    [InlineData("GET 'a'b\r\n", "unbalanced quotes in request")]
    [InlineData("*3\r\n$600000\r\n", null)]
    public void What_is_no_command_is_told_as_Redis_does(string text, string? error)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var piece = 1; piece <= bytes.Length; piece++)
        {
            var (read, said) = Parse(bytes, _ => piece);
            Assert.Empty(read);
            Assert.Equal(error is null ? null : "ERR Protocol error: " + error, said);
        }
    }

    [Theory]
    [InlineData("", "too big inline request")]
    [InlineData("*", "too big mbulk count string")]
    [InlineData("*1\r\n$", "too big bulk count string")]
    public void A_line_has_an_end(string begin, string error)
    {
        var bytes = Encoding.Latin1.GetBytes(begin + new string('1', RespParser.MaxLine + 1));
        Assert.Equal("ERR Protocol error: " + error, Parse(bytes, _ => 1000).Error);
    }

    [Fact]
    public void A_command_has_a_bound_in_all()
    {
        var half = $"${MaxBytes / 2}\r\n{new string('x', MaxBytes / 2)}\r\n";
        var error = Parse(Encoding.Latin1.GetBytes("*2\r\n" + half + half), _ => 4096).Error;
        Assert.Contains($"more than {MaxBytes} bytes (firecloud.resp.max-query-buffer)", error, StringComparison.Ordinal);
        // Many small arguments cost more than their bytes.
        var small = string.Concat(Enumerable.Repeat("$0\r\n\r\n", (MaxBytes / RespParser.ArgumentCost) + 1));
        Assert.Contains("max-query-buffer", Parse(Encoding.Latin1.GetBytes($"*{RespParser.MaxArguments}\r\n{small}"), _ => 4096).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_only_announced_costs_no_memory()
    {
        var text = Encoding.Latin1.GetBytes($"*{RespParser.MaxArguments}\r\n${MaxBytes - 64}\r\n");
        Parse(text, _ => text.Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) Parse(text, _ => text.Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 4096);
    }

    [Theory]
    [InlineData("*11\r\n", "unauthenticated multibulk length")]
    [InlineData("*2\r\n$16385\r\n", "unauthenticated bulk length")]
    public void Strangers_may_send_little(string text, string error)
    {
        var parser = new RespParser(MaxBytes) { IsStranger = true };
        var input = new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text));
        Assert.Equal(ParseStatus.Broken, parser.TryRead(ref input, out _));
        Assert.Equal("ERR Protocol error: " + error, parser.Error);
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("9223372036854775808", null)]
    [InlineData("-", null)]
    [InlineData("-0", null)]
    [InlineData("00", null)]
    [InlineData("+1", null)]
    [InlineData(" 1", null)]
    [InlineData("1 ", null)]
    [InlineData("1e3", null)]
    [InlineData("", null)]
    public void Numbers_have_one_form(string text, long? number)
    {
        Assert.Equal(number is not null, RespNumber.TryRead(Encoding.ASCII.GetBytes(text), out var read));
        Assert.Equal(number ?? 0, read);
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a*c", "abbc", true)]
    [InlineData("a*c", "abbd", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[c-a]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[^a-c]x", "dx", true)]
    [InlineData("[abc", "c", true)]
    [InlineData(@"\*", "*", true)]
    [InlineData(@"\*", "x", false)]
    [InlineData(@"[\]]", "]", true)]
    [InlineData("*a*b*", "xxaxxbxx", true)]
    [InlineData("A", "a", false)]
    public void Patterns(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Glob.Matches(Encoding.Latin1.GetBytes(pattern), Encoding.Latin1.GetBytes(text)));

    [Fact]
    public void A_pattern_of_many_stars_takes_no_time_to_speak_of()
    {
        var pattern = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*a", 200)) + "b");
        Assert.False(Glob.Matches(pattern, Encoding.ASCII.GetBytes(new string('a', 5000))));
    }

    /// <summary>Feeds bytes in pieces, as a connection does.</summary>
    internal static (List<byte[][]> Commands, string? Error) Parse(byte[] bytes, Func<int, int> piece, int maxBytes = MaxBytes)
    {
        var (parser, commands, at, end) = (new RespParser(maxBytes), new List<byte[][]>(), 0, 0);
        while (true)
        {
            var input = new ReadOnlySequence<byte>(bytes, at, end - at);
            var status = parser.TryRead(ref input, out var command);
            at = end - (int)input.Length;
            if (status == ParseStatus.Command) commands.Add(command);
            else if (status == ParseStatus.Broken || end == bytes.Length) return (commands, parser.Error);
            else end = Math.Min(bytes.Length, end + Math.Max(1, piece(end)));
        }
    }
}
