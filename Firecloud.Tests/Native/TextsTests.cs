using System.Text;
using Firecloud.Client.Native;
using Firecloud.Host.Kv739;
using Xunit;

namespace Firecloud.Tests.Native;

/// <summary>The library's texts, against what nodes read and write.</summary>
public sealed class TextsTests
{
    [Fact]
    public void Nodes_read_what_the_library_writes()
    {
        const int Seed = 739;
        var random = new Random(Seed);
        var text = new byte[Texts.MaxRequest];
        for (var i = 0; i < 2000; i++)
        {
            var (key, value) = (Bytes(random, random.Next(1, 129)), Bytes(random, random.Next(10) == 0 ? 2048 : random.Next(50)));
            var id = random.Next(10) == 0 ? ulong.MaxValue : (ulong)random.NextInt64() >> random.Next(63);
            var get = Kv739Request.TryParse(text.AsSpan(0, Texts.WriteGet(text, key, id)));
            Assert.True(get is { IsPut: false } && get.Key.SequenceEqual(key) && get.Id == id, $"seed {Seed}, {i}");
            var put = Kv739Request.TryParse(text.AsSpan(0, Texts.WritePut(text, key, value, id)));
            Assert.True(put is { IsPut: true } && put.Key.SequenceEqual(key) && put.Value.SequenceEqual(value) && put.Id == id, $"seed {Seed}, {i}");
        }
    }

    [Fact]
    public void The_limits_are_the_nodes_own()
    {
        Assert.Equal((Kv739Request.MaxKey, Kv739Request.MaxValue), (Texts.MaxKey, Texts.MaxValue));
        var longest = Texts.WritePut(new byte[Texts.MaxRequest], new byte[Texts.MaxKey], new byte[Texts.MaxValue], ulong.MaxValue);
        Assert.Equal(Texts.MaxRequest, longest);
        Assert.True(Texts.IsKey("k"u8) && Texts.IsKey(new byte[128]) && Texts.IsValue(""u8) && Texts.IsValue(new byte[2048]));
        Assert.False(Texts.IsKey(""u8) || Texts.IsKey(new byte[129]) || Texts.IsKey("a[b"u8) || Texts.IsKey("]"u8));
        Assert.False(Texts.IsValue(new byte[2049]) || Texts.IsValue("["u8) || Texts.IsValue("a]"u8));
    }

    [Theory]
    [InlineData("OK [7] [value]", "value")]
    [InlineData("OK [7] []", "")]
    [InlineData("FL [7]", "FL")]
    [InlineData("OK [8] [value]", null)]
    [InlineData("FL [77]", null)]
    [InlineData("FL [-7]", null)]
    [InlineData("FL [7", null)]
    [InlineData("FL [7] []", null)]
    [InlineData("OK [7]", null)]
    [InlineData("OK [7] [", null)]
    [InlineData("OK [7] [value", null)]
    [InlineData("OK [7] [a]b]", null)]
    [InlineData("OK [7] [a[b]", null)]
    [InlineData("OK [7] [value] ", null)]
    [InlineData("OK 7 value", null)]
    [InlineData("GET [7] [7]", null)]
    [InlineData("", null)]
    public void Answers_to_the_id_are_read_and_nothing_else_is(string text, string? answer)
    {
        var kind = Texts.Read(Encoding.UTF8.GetBytes(text), 7, out var value);
        var expected = answer is null ? AnswerKind.None : answer == "FL" ? AnswerKind.Failed : AnswerKind.Done;
        Assert.Equal((expected, expected == AnswerKind.Done ? answer : ""), (kind, Encoding.UTF8.GetString(value)));
    }

    [Fact]
    public void No_datagram_makes_the_reader_throw()
    {
        const int Seed = 740;
        var random = new Random(Seed);
        for (var i = 0; i < 20_000; i++)
        {
            var text = Encoding.UTF8.GetBytes("OK [18446744073709551615] [some value]");
            for (var changes = random.Next(4); changes > 0; changes--) text[random.Next(text.Length)] = "[] 019OFKL\0"u8[random.Next(11)];
            var kind = Texts.Read(text.AsSpan(random.Next(3) == 0 ? random.Next(text.Length) : 0), ulong.MaxValue, out var value);
            Assert.True(kind == AnswerKind.Done || value.IsEmpty, $"seed {Seed}, {i}");
            Assert.True(Texts.IsValue(value), $"seed {Seed}, {i}");
        }
    }

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        foreach (ref var b in bytes.AsSpan()) b = b is 0 or (byte)'[' or (byte)']' ? (byte)'x' : b;
        return bytes;
    }
}
