using Firecloud.Actors.Storage;
using Xunit;

namespace Firecloud.Tests.Storage;

public class RocksStoreOptionsTests
{
    [Fact]
    public void Members_have_write_buffers_of_different_sizes_within_what_was_set()
    {
        var sizes = Enumerable.Range(0, 4).Select(member => Of(member).OwnWriteBufferBytes).ToList();
        Assert.Equal([32L << 20, 28 << 20, 24 << 20, 20 << 20], sizes);
        Assert.Equal(sizes[1], Of(5).OwnWriteBufferBytes);
    }

    private static RocksStoreOptions Of(int member) => new() { Folder = "", Member = member, Votes = [2, 1, 1, 1, 1, 1], Shards = 1, WriteBufferBytes = 32 << 20 };
}
