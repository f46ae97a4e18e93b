// UnitTests.cs - the pure parts one by one: header, varints, ranges, acknowledgements, round trips, loss, congestion, streams.
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public class UnitTests
{
    // RFC 9000, appendix A.1 has these very examples.
    [Theory]
    [InlineData("C2197C5EFF14E88C", 151_288_809_941_952_652)]
    [InlineData("9D7F3E7D", 494_878_333)]
    [InlineData("7BBD", 15_293)]
    [InlineData("25", 37)]
    public void Varints_are_those_of_RFC_9000(string hex, long value)
    {
        var bytes = Convert.FromHexString(hex);
        var from = (ReadOnlySpan<byte>)bytes;
        Assert.True(Varint.TryRead(ref from, out var read));
        Assert.Equal((value, 0), (read, from.Length));
        var to = new byte[8];
        Assert.Equal(bytes, to[..Varint.Write(to, (ulong)value)]);
        from = bytes.AsSpan(0, bytes.Length - 1);
        Assert.False(Varint.TryRead(ref from, out _));
    }

    [Fact]
    public void Headers_survive_the_way_and_damage_does_not()
    {
        var datagram = new byte[100];
        var header = new DatagramHeader(DatagramKind.Data, 0, 0, 7, 9, 0x1122_3344_5566_7788, 42);
        header.Write(datagram);
        new Random(3).NextBytes(datagram.AsSpan(24, 72));
        ChecksumSeal.Instance.Close(datagram);
        Assert.Equal(DatagramError.None, DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out var read, out var payload));
        Assert.Equal((header, 72), (read, payload.Length));
        for (var bit = 0; bit < datagram.Length * 8; bit++)
        {
            if (bit / 8 == 2) continue;  // hops: relays change them
            datagram[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(DatagramError.None, DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out _, out _));
            datagram[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        for (var length = 0; length < datagram.Length; length++)
        {
            Assert.NotEqual(DatagramError.None, DatagramHeader.TryRead(datagram.AsSpan(0, length), ChecksumSeal.Instance, out _, out _));
        }
    }

    [Fact]
    public void Reading_and_writing_a_header_allocates_nothing()
    {
        var datagram = new byte[1_200];
        void Once()
        {
            DatagramHeader.Direct(DatagramKind.Data, 1, 2).Write(datagram);
            ChecksumSeal.Instance.Close(datagram);
            DatagramHeader.TryRead(datagram, ChecksumSeal.Instance, out _, out _);
        }
        Once();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) Once();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void The_checksum_is_CRC32C()
    {
        // "123456789" gives E3069283 (RFC 3720 and every catalogue of CRCs); here byte 2 is taken as 0.
        static uint Slow(ReadOnlySpan<byte> bytes)
        {
            var crc = uint.MaxValue;
            foreach (var b in bytes)
            {
                crc ^= b;
                for (var i = 0; i < 8; i++) crc = (crc >> 1) ^ ((crc & 1) * 0x82F6_3B78);
            }
            return ~crc;
        }
        Assert.Equal(0xE306_9283, Slow("123456789"u8));
        for (var length = 28; length < 60; length++)
        {
            var datagram = new byte[length];
            new Random(length).NextBytes(datagram);
            ChecksumSeal.Instance.Close(datagram);
            datagram[2] = 0;
            Assert.Equal(Slow(datagram.AsSpan(0, length - 4)), BitConverter.ToUInt32(datagram.AsSpan(length - 4)));
        }
    }

    [Fact]
    public void A_range_set_agrees_with_a_plain_set()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (ranges, plain) = (new RangeSet(), new HashSet<long>());
            for (var step = 0; step < 60; step++)
            {
                var start = random.Next(0, 60);
                var end = start + random.Next(0, 12);
                var numbers = Enumerable.Range(start, end - start).Select(i => (long)i).ToList();
                if (random.Next(3) == 0)
                {
                    ranges.Remove(start, end);
                    plain.ExceptWith(numbers);
                }
                else
                {
                    Assert.Equal(numbers.Count(n => !plain.Contains(n)), ranges.Add(start, end));
                    plain.UnionWith(numbers);
                }
                Assert.True(plain.SetEquals(Enumerable.Range(0, 80).Select(i => (long)i).Where(ranges.Contains)), $"seed {seed}");
                for (var i = 1; i < ranges.Count; i++) Assert.True(ranges[i - 1].End < ranges[i].Start, $"seed {seed}: not disjoint");
            }
        }
    }

    [Fact]
    public void Acknowledgements_come_back_as_they_went()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (ranges, seen) = (new AckRanges(), new HashSet<long>());
            for (var i = 0; i < 40; i++)
            {
                var number = random.Next(0, 100);
                Assert.Equal(seen.Add(number), ranges.Add(number));
            }
            var bytes = new byte[AckRanges.MaxFrameSize];
            var from = (ReadOnlySpan<byte>)bytes.AsSpan(1, ranges.WriteFrame(bytes, 77) - 1);
            var frame = new AckFrame();
            Assert.True(frame.TryRead(ref from));
            Assert.Equal((seen.Max(), 77, 0), (frame.Largest, frame.DelayMicros, from.Length));
            var read = new HashSet<long>();
            foreach (var range in frame.Ranges)
            {
                for (var n = range.Start; n < range.End; n++) read.Add(n);
            }
            Assert.True(read.SetEquals(seen), $"seed {seed}");
        }
    }

    [Fact]
    public void Acknowledgement_ranges_stay_bounded_and_forgotten_numbers_count_as_seen()
    {
        var ranges = new AckRanges();
        for (var i = 0; i < 10_000; i += 2) Assert.True(ranges.Add(i));
        Assert.Equal(AckRanges.MaxKept, ranges.Count);
        Assert.False(ranges.Add(1));
        Assert.True(ranges.Add(9_997));
    }

    [Fact]
    public void Round_trip_follows_RFC_9002_section_5_3()
    {
        var rtt = new RttEstimator();
        rtt.OnSample(10_000, 0, 2_000);
        Assert.Equal((10_000, 5_000), (rtt.Smoothed, rtt.Variation));
        rtt.OnSample(18_000, 1_000, 2_000);  // adjusted 17,000: variation (3 * 5,000 + 7,000) / 4, smoothed (7 * 10,000 + 17,000) / 8
        Assert.Equal((10_875, 5_500), (rtt.Smoothed, rtt.Variation));
        rtt.OnSample(18_000, 90_000, 2_000);  // the peer's delay is believed up to the agreed most
        Assert.Equal(10_000, rtt.Min);
        Assert.Equal(((7 * 10_875) + 16_000) / 8, rtt.Smoothed);
        rtt.OnSample(10_500, 2_000, 2_000);  // never below the least round trip
        Assert.Equal(((7 * 11_515) + 10_500) / 8, rtt.Smoothed);
    }

    [Fact]
    public void Loss_is_found_by_number_and_by_time_as_in_RFC_9002_section_6_1()
    {
        var rtt = new RttEstimator();
        var loss = new LossDetection(rtt, 2_000, 50_000, 10_000, 100_000);
        for (var i = 0; i < 5; i++) loss.OnSent(new SentPacket { Number = i, SentAt = i * 100, Bytes = 10 });
        var (acked, lost) = (new List<SentPacket>(), new List<SentPacket>());
        loss.OnAck(Ack(4), 10_400, acked, lost);
        Assert.Equal([4L], acked.Select(p => p.Number));
        Assert.Equal([0L, 1L], lost.Select(p => p.Number));  // 3 below the largest
        Assert.Equal(20, loss.BytesInFlight);
        Assert.Equal(200 + (9 * 10_000 / 8), loss.LossTime);  // packet 2, 9/8 round trips after it was sent
        lost.Clear();
        loss.DetectLost(loss.LossTime, lost);
        Assert.Equal([2L], lost.Select(p => p.Number));
    }

    [Fact]
    public void Probes_double_up_to_the_most_and_an_acknowledgement_starts_anew()
    {
        var loss = new LossDetection(new RttEstimator(), 2_000, 50_000, 10_000, 100_000);
        var list = new List<SentPacket>();
        loss.OnSent(new SentPacket { Number = 0, SentAt = 0, Bytes = 10 });
        Assert.Equal(50_000, loss.Deadline);
        loss.OnProbe(50_000, list, 2);
        Assert.Equal(150_000, loss.Deadline);
        loss.OnProbe(150_000, list, 2);
        Assert.Equal(250_000, loss.Deadline);  // not more than the most
        loss.OnAck(Ack(0), 1_000, list, []);
        Assert.Equal((0, long.MaxValue), (loss.ProbeCount, loss.Deadline));
        Assert.Equal(10_000, loss.ProbeTimeout);
    }

    [Fact]
    public void A_steady_stream_of_packets_does_not_put_the_probe_off()
    {
        var loss = new LossDetection(new RttEstimator(), 2_000, 50_000, 10_000, 100_000);
        for (var i = 0; i < 40; i++) loss.OnSent(new SentPacket { Number = i, SentAt = i * 5_000, Bytes = 10 });
        Assert.Equal(50_000, loss.Deadline);
        loss.OnAck(Ack(30), 155_000, [], []);
        Assert.True(loss.Deadline > 155_000);
    }

    [Fact]
    public void A_stream_survives_any_cutting_order_and_repetition()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var sender = new StreamSender(1 << 30, 1 << 20);
            var receiver = new StreamReceiver(1 << 20, 100_000, new ReceiveSlab());
            var messages = Enumerable.Range(0, random.Next(1, 30)).Select(_ => new byte[random.Next(4) == 0 ? random.Next(20_000) : random.Next(100)]).ToList();
            foreach (var message in messages)
            {
                random.NextBytes(message);
                Assert.True(sender.TryWrite(message));
            }
            var pieces = new List<(long Offset, byte[] Data)>();
            var buffer = new byte[3_000];
            while (sender.HasData)
            {
                var count = sender.Take(buffer.AsSpan(0, random.Next(1, buffer.Length)), out var offset);
                if (random.Next(4) == 0) sender.OnLost(offset, count);
                else pieces.AddRange(Enumerable.Repeat((offset, buffer[..count]), random.Next(1, 3)));
            }
            var completed = new List<ReadOnlyMemory<byte>>();
            foreach (var (offset, data) in pieces.OrderBy(_ => random.Next()))
            {
                Assert.True(receiver.TryReceive(offset, data, completed));
                sender.OnAcked(offset, data.Length);
            }
            Assert.Equal(messages.Select(Convert.ToHexString), completed.Select(m => Convert.ToHexString(m.Span)));
            Assert.True(sender.IsFlushed && sender.QueuedBytes == 0, $"seed {seed}: {sender.QueuedBytes} B left");
        }
    }

    [Fact]
    public void Streams_hold_their_limits()
    {
        var receiver = new StreamReceiver(1_000, 500, new ReceiveSlab());
        Assert.True(receiver.TryReceive(900, new byte[100], []));
        Assert.False(receiver.TryReceive(901, new byte[100], []));    // beyond the window
        Assert.False(new StreamReceiver(1_000, 500, new ReceiveSlab()).TryReceive(0, [0x41, 0xF5], []));  // a message of 501 bytes

        var sender = new StreamSender(cap: 1_000, window: 100);
        Assert.True(sender.TryWrite(new byte[800]));
        Assert.False(sender.TryWrite(new byte[800]));                 // above the cap
        Assert.Equal(100, sender.Take(new byte[500], out _));         // the peer's window
        Assert.False(sender.HasData);
        sender.OnAcked(0, 60);
        Assert.Equal(60, sender.Take(new byte[500], out var offset));
        Assert.Equal(100, offset);
    }

    [Fact]
    public void A_dead_link_drops_whole_messages_but_never_the_first_or_a_begun_one()
    {
        var sender = new StreamSender(cap: 1 << 20, window: 1 << 20);
        foreach (var size in new[] { 10, 20, 3_000, 40, 50 }) sender.TryWrite(new byte[size]);
        Assert.Equal(100, sender.Take(new byte[100], out _));  // 11 + 21 + a part of the third
        Assert.Equal(2, sender.DropWaiting());
        Assert.Equal(11 + 21 + 3_002, sender.End);
        var fresh = new StreamSender(cap: 1 << 20, window: 1 << 20);
        fresh.TryWrite(new byte[5]);
        fresh.TryWrite(new byte[5]);
        Assert.Equal(1, fresh.DropWaiting());
        Assert.Equal(6, fresh.End);
    }

    [Fact]
    public void Hello_fits_its_padding_and_garbage_is_refused()
    {
        var bytes = new byte[Hello.PaddedSize];
        var hello = new Hello(1, 2, 3, 4, 5, new string('a', Hello.MaxAddress));
        Assert.Equal(Hello.PaddedSize, hello.Write(bytes));
        Assert.True(Hello.TryRead(bytes, out var read));
        Assert.Equal(hello, read);
        for (var length = 0; length < bytes.Length; length++) Assert.False(Hello.TryRead(bytes.AsSpan(0, length), out _));
        Assert.Equal(Hello.Token(1, 2, 3, 4), Hello.Token(3, 4, 1, 2));
        Assert.NotEqual(Hello.Token(1, 2, 3, 4), Hello.Token(1, 3, 2, 4));
    }

    private static AckFrame Ack(long number)
    {
        var ranges = new AckRanges();
        ranges.Add(number);
        var bytes = new byte[AckRanges.MaxFrameSize];
        var from = (ReadOnlySpan<byte>)bytes.AsSpan(1, ranges.WriteFrame(bytes, 0) - 1);
        var frame = new AckFrame();
        Assert.True(frame.TryRead(ref from));
        return frame;
    }
}
