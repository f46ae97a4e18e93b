// LinesTests.cs - the JSON lines of export and import.
using System.Text;
using CsCheck;
using Firecloud.Client.Backup;
using Xunit;

namespace Firecloud.Tests.Backup;

public class LinesTests
{
    [Theory]
    [InlineData("k", "v", """{"key":"k","value":"v","version":"none"}""")]
    [InlineData("ä\"\n", "", """{"key":"ä\"\n","value":"","version":"none"}""")]
    public void Text_is_written_as_text(string key, string value, string line)
    {
        using var stream = new MemoryStream();
        FirecloudLines.Write(stream, new BackupRecord(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), default, 0));
        Assert.Equal(line + "\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Any_bytes_survive_the_way() => Gen.Select(Gen.Byte.Array[1, 30], Gen.Byte.Array[0, 30]).Sample((key, value) =>
    {
        using var stream = new MemoryStream();
        FirecloudLines.Write(stream, new BackupRecord(key, value, default, 0));
        var line = stream.ToArray();
        Assert.Equal(line.Length - 1, Array.IndexOf(line, (byte)'\n'));
        var back = FirecloudLines.Read(line.AsMemory(0, line.Length - 1), 1);
        Assert.Equal(key, back.Key);
        Assert.Equal(value, back.Value);
    });

    [Theory]
    [InlineData("""{"key":"k","value":"v","version":"1.2.3.4.5"}""", null)]
    [InlineData("""{"keyBase64":"aw==","valueBase64":""}""", null)]
    [InlineData("""{"key":"k","value":"v" """, "It is not JSON")]
    [InlineData("""["k","v"]""", "not a JSON object")]
    [InlineData("""{"key":"k"}""", "It has no value")]
    [InlineData("""{"value":"k"}""", "It has no key")]
    [InlineData("""{"key":"k","valeu":"v"}""", "\"valeu\" is not known")]
    [InlineData("""{"key":"k","keyBase64":"aw==","value":"v"}""", "\"keyBase64\" is there twice")]
    [InlineData("""{"key":"k","value":1}""", "\"value\" is not a text")]
    [InlineData("""{"key":"k","valueBase64":"?"}""", "\"valueBase64\" is not base64")]
    [InlineData("""{"key":"\ud800","value":"v"}""", "\"key\" is not valid text")]
    public void A_line_that_can_t_be_used_is_refused_with_its_number(string line, string? why)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        if (why is null)
        {
            Assert.Equal("k"u8, FirecloudLines.Read(bytes, 7).Key);
            return;
        }
        var refused = Assert.Throws<ImportLineException>(() => FirecloudLines.Read(bytes, 7));
        Assert.StartsWith("Line 7: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(1), InlineData(7), InlineData(100_000)]
    public async Task Lines_of_any_length_are_read_however_the_bytes_come(int piece)
    {
        string[] lines = ["", "a", new('b', 65536), "", new('c', 200_000), "end"];
        var reader = new LineReader(new Pieces(Encoding.UTF8.GetBytes(string.Join('\n', lines)), piece), 1 << 20);
        var read = new List<string>();
        while (await reader.NextAsync(default) is { } line) read.Add(Encoding.UTF8.GetString(line.Span));
        Assert.Equal(lines, read);
        Assert.Equal(lines.Length, reader.Number);
    }

    [Fact]
    public async Task A_line_without_end_takes_no_endless_memory()
    {
        var reader = new LineReader(new Pieces(new byte[1 << 20], 4096), 10_000);
        var refused = await Assert.ThrowsAsync<ImportLineException>(async () => await reader.NextAsync(default));
        Assert.Equal(1, refused.Line);
    }

    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
