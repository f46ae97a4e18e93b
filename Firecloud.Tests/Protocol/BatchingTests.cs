// BatchingTests.cs - batches are cut into parts of about one size, in order, losing nothing.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class BatchingTests
{
    private const int Overhead = 96;

    [Fact]
    public void Parts_keep_every_item_in_order_and_stay_below_the_size()
    {
        var random = new Random(11);
        for (var round = 0; round < 200; round++)
        {
            var sizes = Enumerable.Range(0, random.Next(0, 40)).Select(_ => random.Next(0, 600)).ToArray();
            var request = new ReplicaRequest(0, 1, 5, [.. sizes.Select((s, i) => Item((ulong)i, s))]);
            var parts = Batching.Cut(request, 1024).ToList();
            Assert.Equal(request.Items.Select(i => i.Round), parts.SelectMany(p => p.Items).Select(i => i.Round));
            Assert.All(parts, p => Assert.InRange(p.Items.Sum(SizeOf), 1, 1024));
            // No part could have taken the first item of the next one.
            for (var i = 1; i < parts.Count; i++) Assert.True(parts[i - 1].Items.Sum(SizeOf) + SizeOf(parts[i].Items[0]) > 1024);
        }
    }

    [Fact]
    public void An_item_larger_than_the_size_goes_alone()
    {
        var request = new ReplicaRequest(0, 1, 5, [Item(1, 10), Item(2, 5000), Item(3, 10), Item(4, 10)]);
        Assert.Equal([1, 1, 2], Batching.Cut(request, 1024).Select(p => p.Items.Count));
    }

    [Fact]
    public void A_batch_that_fits_is_not_copied_and_an_empty_one_is_nothing()
    {
        Request[] requests = [Make.Request(1, Make.Put("v")), Make.Request(2, Make.Put("v"))];
        Assert.Same(requests, Batching.Cut(requests, 1024).Single());
        Assert.Empty(Batching.Cut(Array.Empty<Request>(), 1024));
    }

    [Fact]
    public void Every_kind_of_batch_counts_its_values()
    {
        var big = new byte[700];
        Request[] requests = [Make.Request(1, Operation.Put(big)), Make.Request(2, Operation.CompareAndSet(big, null))];
        Assert.Equal(2, Batching.Cut(requests, 1024).Count());
        var reply = new Reply { Id = Make.Id(1), Attempt = 1, Status = ReplyStatus.Done, Value = big };
        Assert.Equal(2, Batching.Cut(new[] { reply, reply }, 1024).Count());
        var record = Make.Written(Make.Version(1, 1), new string('x', 700));
        var item = new ReplicaAnswerItem(ReplicaVerdict.Held, 1, default, new StoredRecord(record, false), default);
        Assert.Equal(2, Batching.Cut(new ReplicaAnswer(1, 1, 5, new Lives(4), [item, item]), 1024).Count());
    }

    private static ReplicaItem Item(ulong round, int value) => new(
        ReplicaAsk.Accept, round, 0, Make.Ballot(1), Make.Key, Make.Written(Make.Version(1, round + 1), new string('x', value)));

    private static int SizeOf(ReplicaItem item) => Overhead + item.Key.Length + item.Record!.Value!.Length;
}
