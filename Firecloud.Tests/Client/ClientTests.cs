// ClientTests.cs - the client library against four real nodes that stay up: operations, limits, answers.
using System.Globalization;
using System.Text;
using Firecloud.Actors.Protocol;
using Firecloud.Client;
using Firecloud.Tests.Cluster;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Client;

/// <summary>One cluster, a client over UDP that was told of one node, and one inside a node's process.</summary>
public sealed class ClientFixture : IAsyncLifetime
{
    internal TestCluster Cluster { get; private set; } = null!;

    internal FirecloudClient Remote { get; private set; } = null!;

    internal FirecloudClient Local { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Cluster = await TestCluster.StartAsync(settings: "firecloud.limits { key = 100 B, value = 1 MiB }");
        Remote = await FirecloudClient.ConnectAsync($"127.0.0.1:{Cluster.Ports[2]}");
        Local = FirecloudClient.For(Cluster.System(1));
    }

    public async Task DisposeAsync()
    {
        await Remote.DisposeAsync();
        await Local.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}

public sealed class ClientTests(ClientFixture fixture) : IClassFixture<ClientFixture>
{
    private static int _keys;

    private readonly string _key = $"key{Interlocked.Increment(ref _keys)}";

    private FirecloudClient Client(bool remote) => remote ? fixture.Remote : fixture.Local;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_put_until_a_time_is_gone_then(bool remote)
    {
        await Client(remote).PutUntilAsync(_key, "v", DateTimeOffset.UtcNow.AddHours(1));
        Assert.Equal("v", (await Client(remote).GetAsync(_key)).Result!.Text);
        await Client(remote).PutUntilAsync(_key, "w", DateTimeOffset.UtcNow.AddMilliseconds(-1));
        Assert.Null((await Client(!remote).GetAsync(_key)).Result);
        await Client(remote).PutUntilAsync(_key, "x", DateTimeOffset.MinValue);
        Assert.Null((await Client(remote).GetAsync(_key)).Result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_put_is_got_with_its_version_and_by_every_other_client(bool remote)
    {
        Assert.Null((await Client(remote).GetAsync(_key)).Result);
        var version = (await Client(remote).PutAsync(_key, "väl")).Result;
        foreach (var reader in new[] { fixture.Remote, fixture.Local })
        {
            var entry = (await reader.GetAsync(_key)).Result!;
            Assert.Equal(("väl", version), (entry.Text, entry.Version));
        }
        var later = (await Client(remote).PutAsync(_key, Array.Empty<byte>())).Result;
        Assert.True(later > version);
        Assert.Equal(0, (await Client(!remote).GetAsync(_key)).Result!.Value.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writes_that_return_the_old_value_return_it_or_nothing(bool remote)
    {
        var client = Client(remote);
        var first = (await client.PutReturningOldAsync(_key, "a")).Result;
        Assert.Null(first.Old);
        Assert.True(first.OldKnown);
        var second = (await client.PutReturningOldAsync(_key, "b")).Result;
        Assert.Equal("a", Encoding.UTF8.GetString(second.Old!.Value.Span));
        Assert.True(second.Version > first.Version);
        var deleted = (await client.DeleteReturningOldAsync(_key)).Result;
        Assert.Equal("b", Encoding.UTF8.GetString(deleted.Old!.Value.Span));
        Assert.Equal(Version.None, deleted.Version);
        var nothing = (await client.DeleteReturningOldAsync(_key)).Result;
        Assert.Null(nothing.Old);
        Assert.True((await client.DeleteAsync(_key)).Result);
        Assert.Null((await client.GetAsync(_key)).Result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Compare_and_set_by_version_swaps_once_also_where_there_is_nothing_yet(bool remote)
    {
        var client = Client(remote);
        var created = (await client.CompareAndSetAsync(_key, Version.None, "a")).Result;
        Assert.True(created.Swapped);
        var again = (await client.CompareAndSetAsync(_key, Version.None, "b")).Result;
        Assert.Equal((false, "a", created.Version), (again.Swapped, again.Current!.Text, again.Current.Version));
        var swapped = (await client.CompareAndSetAsync(_key, created.Version, "c")).Result;
        Assert.True(swapped.Swapped && swapped.Version > created.Version);
        Assert.False((await client.CompareAndSetAsync(_key, created.Version, "d")).Result.Swapped);
        // Deleted and written again the key never has an old version.
        Assert.True((await client.CompareAndSetAsync(_key, swapped.Version, null)).Result.Swapped);
        Assert.Null((await client.GetAsync(_key)).Result);
        await client.PutAsync(_key, "c");
        var late = (await client.CompareAndSetAsync(_key, swapped.Version, "e")).Result;
        Assert.False(late.Swapped);
        Assert.True(late.Current!.Version > swapped.Version);
    }

    [Fact]
    public async Task Compare_and_set_by_value_tells_what_is_there_instead()
    {
        Assert.True((await fixture.Remote.CompareAndSetAsync(_key, (StoreValue?)null, "a")).Result.Swapped);
        var no = (await fixture.Local.CompareAndSetAsync(_key, (StoreValue?)"x", "b")).Result;
        Assert.Equal((false, "a"), (no.Swapped, no.Current!.Text));
        Assert.True((await fixture.Local.CompareAndSetAsync(_key, (StoreValue?)"a", null)).Result.Swapped);
        var gone = (await fixture.Remote.CompareAndSetAsync(_key, (StoreValue?)"a", "b")).Result;
        Assert.False(gone.Swapped);
        Assert.Null(gone.Current);
    }

    [Fact]
    public async Task Increments_count_from_nothing_and_refuse_what_is_not_a_number()
    {
        Assert.Equal(5, (await fixture.Remote.IncrementAsync(_key, 5)).Result);
        Assert.Equal(3, (await fixture.Local.IncrementAsync(_key, -2)).Result);
        await fixture.Local.PutAsync(_key, "x");
        var refused = Assert.IsType<Refused<long>>(await fixture.Remote.IncrementAsync(_key));
        Assert.Equal(RefusalReason.BadRequest, refused.Reason);
        Assert.Contains("not a whole number", refused.Message, StringComparison.Ordinal);
        await fixture.Local.PutAsync(_key, long.MaxValue.ToString(CultureInfo.InvariantCulture));
        Assert.IsType<Refused<long>>(await fixture.Remote.IncrementAsync(_key));
        Assert.Equal(long.MaxValue - 1, (await fixture.Remote.IncrementAsync(_key, -1)).Result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Values_up_to_the_limit_work_and_larger_ones_are_refused_with_it(bool remote)
    {
        var value = new byte[1 << 20];
        new Random(5).NextBytes(value);
        Assert.True((await Client(remote).PutAsync(_key, value)).IsDone);
        Assert.Equal(value, (await Client(!remote).GetAsync(_key)).Result!.Value.ToArray());
        var refused = Assert.IsType<Refused<Version>>(await Client(remote).PutAsync(_key, new byte[(1 << 20) + 1]));
        Assert.Equal(RefusalReason.BadRequest, refused.Reason);
        Assert.Contains("1048577 bytes; at most 1048576 are allowed (firecloud.limits.value)", refused.Message, StringComparison.Ordinal);
        var swap = Assert.IsType<Refused<Swap>>(await Client(remote).CompareAndSetAsync(_key, Version.None, new byte[(1 << 20) + 1]));
        Assert.Equal(RefusalReason.BadRequest, swap.Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Keys_outside_the_limits_are_refused_with_them(bool remote)
    {
        Assert.True((await Client(remote).PutAsync(new string('k', 100), "v")).IsDone);
        await RefusedAsync(new string('k', 101), "101 bytes; at most 100 are allowed (firecloud.limits.key)");
        await RefusedAsync("", "The key is empty");
        await RefusedAsync("\0firecloud\0mine", "Firecloud's own");

        async Task RefusedAsync(string key, string message)
        {
            var refused = Assert.IsType<Refused<Version>>(await Client(remote).PutAsync(key, "v"));
            Assert.Equal(RefusalReason.BadRequest, refused.Reason);
            Assert.Contains(message, refused.Message, StringComparison.Ordinal);
            Assert.IsType<Refused<Entry?>>(await Client(remote).GetAsync(key));
        }
    }

    [Fact]
    public async Task Many_operations_at_one_time_are_all_answered()
    {
        var tasks = Enumerable.Range(0, 2000).Select(i =>
            (i % 2 == 0 ? fixture.Remote : fixture.Local).IncrementAsync($"{_key}.{i % 7}").AsTask()).ToArray();
        var answers = await Task.WhenAll(tasks);
        Assert.All(answers, a => Assert.True(a.IsDone));
        var sum = 0L;
        for (var i = 0; i < 7; i++) sum += long.Parse((await fixture.Remote.GetAsync($"{_key}.{i}")).Result!.Text, CultureInfo.InvariantCulture);
        Assert.Equal(2000, sum);
    }

    [Fact]
    public async Task A_timeout_out_of_range_is_the_callers_mistake()
    {
        foreach (var time in new[] { TimeSpan.Zero, TimeSpan.FromMilliseconds(9), TimeSpan.FromMinutes(11), Timeout.InfiniteTimeSpan })
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await fixture.Remote.GetAsync(_key, time));
            Assert.Throws<ArgumentOutOfRangeException>(() => new FirecloudClientOptions { OperationTimeout = time });
            Assert.Throws<ArgumentOutOfRangeException>(() => new FirecloudClientOptions { ConnectTimeout = time });
        }
    }

    [Fact]
    public async Task A_status_can_be_asked_of_any_node()
    {
        for (var node = 0; node < 4; node++)
        {
            var status = await fixture.Remote.StatusAsync($"127.0.0.1:{fixture.Cluster.Ports[node]}", TimeSpan.FromSeconds(5));
            Assert.Equal((node, "voting", 5, 3, true), (status.Node, status.State, status.VotesReachable, status.VotesNeeded, status.Serving));
        }
    }

    [Fact]
    public void Results_of_what_was_not_done_throw_and_say_whether_it_may_have_happened()
    {
        Answer<int> refused = new Refused<int>(RefusalReason.Busy, "Too much.", 0, 0);
        Answer<int> unknown = new Unknown<int>("Perhaps.");
        Assert.Equal((7, true, false, false), (new Done<int>(7).Result, new Done<int>(7).IsDone, refused.IsDone, unknown.IsDone));
        Assert.False(Assert.Throws<FirecloudException>(() => refused.Result).MayHaveHappened);
        var e = Assert.Throws<FirecloudException>(() => unknown.Result);
        Assert.Equal((true, "Perhaps."), (e.MayHaveHappened, e.Message));
    }
}
