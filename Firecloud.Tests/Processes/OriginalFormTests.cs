using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>Firecloud.Host INDEX host:port host:port host:port host:port.</summary>
public sealed class OriginalFormTests
{
    [Fact]
    public async Task The_lowest_address_is_the_master_wherever_it_stands()
    {
        await using var cluster = await ProcessCluster.StartOriginalAsync(2, 3, 0, 1);
        for (var node = 0; node < 4; node++)
        {
            var status = await cluster.StatusAsync(node);
            Assert.Equal([1, 1, 2, 1], status.Members.Select(m => m.Votes));
            Assert.Equal([false, false, true, false], status.Members.Select(m => m.Master));
        }
        await cluster.PutAtAsync(0, "key", "value");
        await cluster.AssertAtAsync(3, "key", "value");
    }
}
