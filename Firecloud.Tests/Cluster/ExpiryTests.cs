// ExpiryTests.cs - values that expire, and updates, on real nodes (protocol.md section 11).
using System.Text;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Cluster;

public sealed class ExpiryTests
{
    private static long WallMs => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_value_is_there_until_its_time_and_what_nobody_reads_gives_its_space_back(bool onDisk)
    {
        await using var cluster = await TestCluster.StartAsync(settings: "firecloud.coordinator.drop-after = 0 ms", onDisk: onDisk);
        var at = WallMs + 700;
        var put = Operation.Put("v"u8.ToArray()) with { ExpiresAt = at };
        for (var i = 0; i < 20; i++) Assert.Equal(ResultKind.Done, (await cluster.RunAsync(i % 4, $"unread {i}", put)).Kind);
        Assert.Equal(ResultKind.Done, (await cluster.RunAsync(0, "read", put)).Kind);
        for (var (node, gone) = (0, false); !gone; node = (node + 1) % 4)
        {
            var (began, result) = (WallMs, await cluster.RunAsync(node, "read", Operation.Get with { ReturnsExpiry = true }));
            Assert.Equal(ResultKind.Done, result.Kind);
            gone = result.Value is null;
            // One machine, one clock: neither early nor late.
            if (gone) Assert.True(WallMs >= at, $"gone {at - WallMs} ms too early");
            else Assert.True(began < at && result.ExpiresAt == at, $"there when asked {began - at} ms after its time, until {result.ExpiresAt}");
            await Task.Delay(5);
        }
        for (var node = 0; node < 4; node++) await cluster.UntilAsync(node, s => s.Counters["keys"] == 0);
    }

    [Fact]
    public async Task Updates_of_many_callers_at_all_nodes_are_each_done_once()
    {
        await using var cluster = await TestCluster.StartAsync(settings: "firecloud.limits.value = 400");
        var append = Operation.Of(new Update { Change = UpdateChange.Append }, "x"u8.ToArray());
        var appended = await Task.WhenAll(Enumerable.Range(0, 400).Select(i => cluster.RunAsync(i % 4, "text", append)));
        Assert.Equal(Enumerable.Range(1, 400).Select(i => (long)i), appended.Select(r => r.Number).Order());
        Assert.Equal(Outcome.TooLarge, (await cluster.RunAsync(1, "text", append)).Outcome);
        var add = Operation.Of(new Update { Change = UpdateChange.AddDecimal, ReturnsNew = true }, "0.1"u8.ToArray());
        var sums = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => cluster.RunAsync(i % 4, "sum", add)));
        Assert.Contains("4", sums.Select(r => Encoding.ASCII.GetString(r.Value!)));
        var wrong = await cluster.RunAsync(0, "text", Operation.Of(new Update { Change = UpdateChange.Set }));
        Assert.Equal((ResultKind.Refused, RefusalReason.BadRequest), (wrong.Kind, wrong.Reason));
    }
}
