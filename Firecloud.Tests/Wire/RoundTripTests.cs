// RoundTripTests.cs - what is written is read back, and whatever else arrives is refused as what it is: not a message.
using CsCheck;
using Firecloud.Actors.Wire;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Wire;

public class RoundTripTests(ITestOutputHelper output)
{
    private const int Cases = 100_000;

    public static TheoryData<MessageKind> Kinds => [.. Enum.GetValues<MessageKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public void Messages_of_every_kind_survive_the_way(MessageKind kind) => Gen.Int.Sample(
        seed =>
        {
            var message = new RandomMessages(new Random(seed)).Next(kind);
            var frame = Codec.Encode(message, (uint)seed);
            Assert.Equal((Codec.Format, (byte)kind, (uint)seed), (frame[0], frame[1], Codec.ClusterOf(frame)));
            Assert.Equal(RandomMessages.Text(message), RandomMessages.Text(RandomMessages.Codec.Decode(frame)));
        },
        iter: 1000);

    [Theory, MemberData(nameof(Kinds))]
    public void A_frame_cut_off_anywhere_is_not_a_message(MessageKind kind)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var frame = Codec.Encode(new RandomMessages(new Random(seed)).Next(kind));
            for (var length = 0; length < frame.Length; length++)
            {
                var part = frame.AsSpan(0, length).ToArray();
                Assert.Throws<WireFormatException>(() => RandomMessages.Codec.Decode(part));
            }
            Assert.Throws<WireFormatException>(() => RandomMessages.Codec.Decode([.. frame, 0]));
        }
    }

    [Fact]
    public void Random_and_damaged_bytes_are_a_message_or_a_wire_format_error_and_cost_little_memory()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var messages = new RandomMessages(random);
        var kinds = Enum.GetValues<MessageKind>();
        var valid = 0;
        for (var i = 0; i < Cases; i++)
        {
            var bytes = i % 4 == 0 ? Noise(random) : Damaged(random, Codec.Encode(messages.Next(kinds[random.Next(kinds.Length)])));
            valid += Decodes(bytes, $"seed {seed}, case {i}") ? 1 : 0;
        }
        output.WriteLine($"{valid} of {Cases} were messages");
        Assert.InRange(valid, 1, Cases - 1);
    }

    [Fact]
    public void Announced_counts_and_lengths_that_are_not_there_allocate_nothing_of_that_size()
    {
        byte[] huge = [0xff, 0xff, 0xff, 0xff, 0x07];   // the varint of 2^31 - 1
        byte[] endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        byte[] none = new byte[8];   // of no cluster
        byte[] eight = [1, 2, 3, 4, 5, 6, 7, 8];
        foreach (var count in new[] { huge, endless })
        {
            byte[][] frames =
            [
                [1, 1, .. none, 0, 1, .. eight, .. count], [1, 2, .. none, 0, 1, .. eight, 0, 0, 0, 0, .. count], [1, 3, .. none, .. eight, 1, .. count],
                [1, 4, .. none, 0, .. count], [1, 5, .. none, 0, .. count], [1, 7, .. none, 0, .. eight, .. eight, .. eight, .. eight, 1, .. count],
                [1, 9, .. none, .. count], [1, 11, .. none, 0, 1, 1, 1, 1, .. count], [1, 11, .. none, 0, 1, 1, 1, 1, 1, .. count],
                [1, 15, .. none, 0, .. eight, 0, 0, 0, 0, .. count], [1, 17, .. none, 0, .. eight, 0, 0, 0, 0, 0, 0, 0, .. count],
                [1, 18, .. none, 0, .. eight, .. count], [1, 19, .. none, 0, .. eight, 0, .. count], [1, 20, .. none, 0, .. eight, .. count],
                [1, 21, .. none, 0, .. eight, .. count], [1, 22, .. none, 0, .. eight, .. count], [1, 23, .. none, 0, .. eight, .. count],
                [1, 24, .. none, 0, .. count], [1, 24, .. none, 0, 0, .. count], [1, 26, .. none, 1, .. count],
                [1, 27, .. none, 1, .. eight, 0, 0, .. count], [1, 28, .. none, 0, 1, .. eight, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. count],
            ];
            foreach (var frame in frames)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                Assert.Throws<WireFormatException>(() => RandomMessages.Codec.Decode(frame));
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
            }
        }
    }

    [Theory]
    [InlineData("0201", "Frame format 2; this node knows 1")]
    [InlineData("01000000000000000000", "Message kind 0 is not known")]
    [InlineData("011E0000000000000000", "Message kind 30 is not known")]
    [InlineData("011B000000000000000001010203040506070800400000", "Leaf 64 of 64")]
    [InlineData("011B000000000000000001010203040506070800000100", "An empty key")]
    [InlineData("0106000000000000000004", "Member 4 of 4")]
    [InlineData("010500000000000000000001800200", "Shard 256 of 256")]
    [InlineData("01010000000000000000000001020304050607080000", "epoch 0")]
    [InlineData("010100000000000000000081808080100102030405060708", "Epoch 4294967297")]
    [InlineData("0108000000000000000000", "longer than its message")]
    public void Errors_name_the_value_and_the_limit(string hex, string message)
    {
        var e = Assert.Throws<WireFormatException>(() => RandomMessages.Codec.Decode(Convert.FromHexString(hex)));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private static bool Decodes(byte[] bytes, string which)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            RandomMessages.Codec.Decode(bytes);
            return true;
        }
        catch (WireFormatException)
        {
            return false;
        }
        catch (Exception e)
        {
            Assert.Fail($"{which}: {e}\n{Convert.ToHexString(bytes)}");
            return false;
        }
        finally
        {
            // An item takes some hundred bytes of memory for two on the wire; nothing grows faster than that.
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated > 100_000 + 200 * bytes.Length) Assert.Fail($"{which}: {allocated} B for {bytes.Length} B");
        }
    }

    private static byte[] Noise(Random random)
    {
        var bytes = new byte[random.Next(1, 200)];
        random.NextBytes(bytes);
        if (random.Next(10) > 0) bytes[0] = Codec.Format;
        if (bytes.Length > 1 && random.Next(10) > 0) bytes[1] = (byte)random.Next(1, 29);
        return bytes;
    }

    private static byte[] Damaged(Random random, byte[] frame)
    {
        var bytes = frame.ToList();
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)(random.Next(2) == 0 ? 0xff : random.Next(256)); break;
                case 2: bytes.Insert(at, (byte)random.Next(256)); break;
                default: bytes.RemoveAt(at); break;
            }
            if (bytes.Count == 0) break;
        }
        return [.. bytes];
    }
}
