// RespFuzzTests.cs - random and mutated streams of commands: the parser neither throws nor asks for memory that was not sent, and what it
// reads does not depend on how the bytes are cut. FIRECLOUD_FUZZ_CASES sets how many, FIRECLOUD_FUZZ_SEED from which seed on.
using System.Buffers;
using System.Globalization;
using System.Text;
using Firecloud.Host.Resp;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Resp;

public sealed class RespFuzzTests(ITestOutputHelper output)
{
    private const int MaxBytes = 1 << 16;

    private static readonly byte[][] Pieces = [.. new[]
    {
        "*1\r\n", "*2\r\n", "*3\r\n", "*0\r\n", "*-1\r\n", "*1000000\r\n", "*2147483648\r\n", "$0\r\n\r\n", "$1\r\na\r\n", "$3\r\nGET\r\n", "$3\r\nSET\r\n",
        "$-1\r\n", "$65536\r\n", "$65537\r\n", "PING\r\n", "SET a 'b\r\n", "\"\\x4", "'\\''", "\r\n", "\r", "\n", "\0", "$", "*", ":1\r\n", " ", "\t",
    }.Select(Encoding.Latin1.GetBytes)];

    [Fact]
    public void Any_bytes_are_parsed_the_same_however_they_are_cut()
    {
        var cases = Number("FIRECLOUD_FUZZ_CASES", 200_000);
        var first = Number("FIRECLOUD_FUZZ_SEED", Environment.TickCount64 & 0xffffff);
        output.WriteLine($"FIRECLOUD_FUZZ_SEED={first} FIRECLOUD_FUZZ_CASES={cases}");
        for (var seed = first; seed < first + cases; seed++)
        {
            var random = new Random((int)seed);
            var bytes = Stream(random);
            var whole = Digest(RespParserTests.Parse(bytes, _ => int.MaxValue / 2, MaxBytes));
            var cut = Digest(RespParserTests.Parse(bytes, _ => random.Next(1, 9), MaxBytes));
            if (whole != cut) Assert.Fail($"seed {seed}: whole {whole}, cut {cut}: {Convert.ToHexString(bytes)}");
        }
    }

    [Fact]
    public void Whatever_is_written_is_read_back()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            var commands = Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomWords(random)).ToList();
            var bytes = commands.SelectMany(c => RespTestClient.Bytes(c)).ToArray();
            var (read, error) = RespParserTests.Parse(bytes, _ => random.Next(1, 50));
            Assert.Null(error);
            Assert.Equal(Text(commands), Text(read));
        }

        static string Text(IEnumerable<byte[][]> commands) => string.Join(';', commands.Select(c => string.Join(',', c.Select(Convert.ToHexString))));
    }

    [Fact]
    public void Segments_of_any_size_read_the_same()
    {
        var bytes = Encoding.ASCII.GetBytes("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\nPING\r\n*1\r\n$4\r\nPING\r\n");
        for (var size = 1; size <= bytes.Length; size++)
        {
            var (parser, input, read) = (new RespParser(MaxBytes), Segments(bytes, size), new List<string>());
            while (parser.TryRead(ref input, out var command) == ParseStatus.Command) read.Add(string.Join(' ', command.Select(Encoding.ASCII.GetString)));
            Assert.Equal(["SET key value", "PING", "PING"], read);
            Assert.True(input.IsEmpty);
        }
    }

    /// <summary>A stream that is a little wrong: pieces of commands, whole commands with bytes changed, cut out or doubled, noise.</summary>
    internal static byte[] Stream(Random random)
    {
        using var bytes = new MemoryStream();
        for (var parts = random.Next(1, 6); parts > 0; parts--)
        {
            switch (random.Next(4))
            {
                case 0: bytes.Write(Pieces[random.Next(Pieces.Length)]); break;
                case 1: bytes.Write(RespTestClient.Bytes(RandomWords(random))); break;
                case 2: bytes.Write(Mutated(random, RespTestClient.Bytes(RandomWords(random)))); break;
                default:
                    for (var i = random.Next(8); i > 0; i--) bytes.WriteByte((byte)random.Next(256));
                    break;
            }
        }
        return bytes.ToArray();
    }

    private static byte[] Mutated(Random random, byte[] bytes)
    {
        var list = new List<byte>(bytes);
        for (var changes = random.Next(1, 4); changes > 0 && list.Count > 0; changes--)
        {
            var at = random.Next(list.Count);
            switch (random.Next(3))
            {
                case 0: list[at] = (byte)random.Next(256); break;
                case 1: list.RemoveAt(at); break;
                default: list.Insert(at, list[random.Next(list.Count)]); break;
            }
        }
        return [.. list];
    }

    private static byte[][] RandomWords(Random random)
    {
        var words = new byte[random.Next(1, 5)][];
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = new byte[random.Next(12)];
            random.NextBytes(words[i]);
        }
        return words;
    }

    // Cheap to compare: commands by length and content.
    private static ulong Digest((List<byte[][]> Commands, string? Error) parsed)
    {
        var hash = new System.IO.Hashing.XxHash3();
        foreach (var command in parsed.Commands)
        {
            hash.Append([(byte)command.Length]);
            foreach (var word in command)
            {
                hash.Append([(byte)word.Length]);
                hash.Append(word);
            }
        }
        hash.Append(Encoding.UTF8.GetBytes(parsed.Error ?? ""));
        return hash.GetCurrentHashAsUInt64();
    }

    private static ReadOnlySequence<byte> Segments(byte[] bytes, int size)
    {
        var first = new Segment(bytes.AsMemory(0, Math.Min(size, bytes.Length)), 0);
        var last = first;
        for (var at = size; at < bytes.Length; at += size) last = last.Append(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private static long Number(string variable, long otherwise) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
