// PropertyTests.cs - what must hold for any input, and is shrunk to a small example when it does not. CsCheck prints the seed.
using CsCheck;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public class PropertyTests
{
    [Fact]
    public void Any_bytes_are_a_sane_acknowledgement_or_refused() => Gen.Byte.Array[0, 60].Sample(bytes =>
    {
        var frame = new AckFrame();
        ReadOnlySpan<byte> from = bytes;
        if (!frame.TryRead(ref from)) return;
        Assert.Equal(frame.Largest + 1, frame.Ranges[0].End);
        for (var i = 0; i < frame.Ranges.Length; i++)
        {
            Assert.True(frame.Ranges[i].Start >= 0 && frame.Ranges[i].Length > 0);
            Assert.True(i == 0 || frame.Ranges[i].End < frame.Ranges[i - 1].Start);
        }
    });

    [Fact]
    public void Any_packets_that_arrived_are_acknowledged_newest_first() => Gen.Long[0, 3_000].Array[1, AckRanges.MaxKept].Sample(numbers =>
    {
        var (ranges, seen) = (new AckRanges(), new HashSet<long>());
        foreach (var number in numbers) Assert.Equal(seen.Add(number), ranges.Add(number));
        var bytes = new byte[AckRanges.MaxFrameSize];
        var from = (ReadOnlySpan<byte>)bytes.AsSpan(1, ranges.WriteFrame(bytes, 0) - 1);
        var frame = new AckFrame();
        Assert.True(frame.TryRead(ref from) && from.IsEmpty);
        var lowest = frame.Ranges[^1].Start;
        var read = frame.Ranges.ToArray().SelectMany(r => Enumerable.Range((int)r.Start, (int)r.Length)).Select(n => (long)n);
        Assert.True(read.ToHashSet().SetEquals(seen.Where(n => n >= lowest)));
        Assert.True(frame.Ranges.Length == AckRanges.MaxPerFrame || lowest == seen.Min());
    });

    [Fact]
    public void A_range_set_is_a_set() => Gen.Select(Gen.Bool, Gen.Long[0, 80], Gen.Long[0, 15]).Array[0, 80].Sample(steps =>
    {
        var (ranges, plain) = (new RangeSet(), new HashSet<long>());
        foreach (var (adds, start, length) in steps)
        {
            var numbers = Enumerable.Range((int)start, (int)length).Select(n => (long)n).ToList();
            if (adds) Assert.Equal(numbers.Count(plain.Add), ranges.Add(start, start + length));
            else
            {
                ranges.Remove(start, start + length);
                plain.ExceptWith(numbers);
            }
        }
        Assert.Equal(plain.Count, Enumerable.Range(0, ranges.Count).Sum(i => ranges[i].Length));
        Assert.All(plain, n => Assert.True(ranges.Contains(n)));
    });

    // What happens to a piece on its way, and how large the next one may be: 0 it arrives, 1 it is lost and that is noticed, 2 it
    // is thought lost and arrives after all (late), 3 it arrives and its acknowledgement is lost.
    [Fact]
    public void A_stream_arrives_whole_within_its_windows_whatever_happens_to_pieces() =>
        Gen.Select(Gen.Int[0, 5_000].Array[1, 12], Gen.Select(Gen.Int[0, 3], Gen.Int[1, 1_500]).Array[1, 100]).Sample((sizes, fates) =>
        {
            const int Window = 4_000;
            var (sender, receiver) = (new StreamSender(1 << 20, Window), new StreamReceiver(Window, 5_000, new ReceiveSlab()));
            var completed = new List<ReadOnlyMemory<byte>>();
            for (var i = 0; i < sizes.Length; i++) Assert.True(sender.TryWrite(Enumerable.Repeat((byte)(i + 1), sizes[i]).ToArray()));
            var (buffer, late) = (new byte[1_500], new Queue<(long Offset, byte[] Data)>());
            for (var step = 0; !sender.IsFlushed; step++)
            {
                Assert.True(step < 100_000, "it never ends");
                var (fate, room) = step < fates.Length ? fates[step] : (0, 1_500);
                var count = sender.Take(buffer.AsSpan(0, room), out var offset);
                if (count == 0 || step % 3 == 2)
                {
                    foreach (var (at, data) in late) Assert.True(receiver.TryReceive(at, data, completed));
                    while (late.TryDequeue(out var piece)) sender.OnAcked(piece.Offset, piece.Data.Length);
                }
                if (count == 0) continue;
                if (fate is 0 or 3) Assert.True(receiver.TryReceive(offset, buffer.AsSpan(0, count), completed));
                if (fate == 2) late.Enqueue((offset, buffer[..count]));
                if (fate == 0) sender.OnAcked(offset, count);
                else sender.OnLost(offset, count);
            }
            Assert.Equal(sizes, completed.Select(m => m.Length));
            Assert.All(completed.Select((m, i) => (m, i)), p => Assert.True(p.m.Span.IndexOfAnyExcept((byte)(p.i + 1)) < 0));
            Assert.Equal(0, sender.QueuedBytes);
        });
}
