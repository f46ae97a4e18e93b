// NodeSettingsTests.cs - a node refuses to start on settings that can't work, and says key, value, limit and remedy.
using Akka.Configuration;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Node;

public class NodeSettingsTests
{
    private const string Good = """
        firecloud { members = ["a:1", "b:2", "c:3", "d:4"], node = 1 }
        """;

    [Fact]
    public void Defaults_are_read()
    {
        var settings = Read("");
        Assert.Equal((1, 4, 256, 5, 3), (settings.Self, settings.Configuration.Members.Count, settings.Configuration.Shards,
            settings.Configuration.Votes.Total, settings.Configuration.Votes.Quorum));
        Assert.Equal((1024, 1 << 20, 5000), (settings.Limits.Key, settings.Limits.Value, settings.RequestTimeoutMs));
        Assert.Equal(new GatewayLimits(16384, 1500, 20, 300) { MaxBatches = 1 }, settings.Gateway);
        Assert.Equal(settings.Gateway, NodeSettings.DefaultGatewayLimits);
        Assert.Equal(new Member("b", 2), settings.Address);
    }

    [Theory]
    [InlineData("firecloud.gateway.quorumgrace = 1 s", "firecloud.gateway.quorumgrace is not a setting", "nearest one is firecloud.gateway.quorum-grace")]
    [InlineData("firecloud.vote = [2,1,1,1]", "firecloud.vote is not a setting", "nearest one is firecloud.votes")]
    [InlineData("firecloud.gateway.max-pendin = 5", "firecloud.gateway.max-pendin is not a setting", "nearest one is firecloud.gateway.max-pending")]
    [InlineData("firecloud.limits = 5", "firecloud.limits is not a setting", "firecloud.limits.")]
    [InlineData("firecloud.votes = [0,0,0,0]", "firecloud.votes = [0, 0, 0, 0]", "no quorum exists; give at least one member a vote")]
    [InlineData("firecloud.votes = [2,-1,1,1]", "firecloud.votes = [2, -1, 1, 1]", "-1 votes; 0 to 100 are allowed")]
    [InlineData("firecloud.votes = [2,101,1,1]", "firecloud.votes = [2, 101, 1, 1]", "101 votes; 0 to 100 are allowed")]
    [InlineData("firecloud.votes = [2,1,1]", "firecloud.votes = [2, 1, 1]", "4 members and 3 votes were given; give one vote count per member")]
    [InlineData("firecloud.votes = [2,1,1,1,1]", "firecloud.votes", "4 members and 5 votes")]
    [InlineData("firecloud.votes = [1,1,1,1,1,1,1,1,1]", "firecloud.votes", "a group has 1 to 8")]
    [InlineData("firecloud.votes = [x]", "firecloud.votes = ", "give a list like [2, 1, 1, 1]")]
    [InlineData("firecloud.members = []", "firecloud.members = []", "list every member as host:port, in the same order")]
    [InlineData("firecloud.members = [\"a:1\", \"b:2\", \"A:1\", \"d:4\"]", "firecloud.members = ", "Two members have the address a:1")]
    [InlineData("firecloud.members = [\"a:1\", \"b:2\", \"c\", \"d:4\"]", "firecloud.members = \"c\"", "write host:port")]
    [InlineData("firecloud.members = [\"a:1\", \"b:0\", \"c:3\", \"d:4\"]", "firecloud.members = \"b:0\"", "no port from 1 to 65535")]
    [InlineData("firecloud.members = [\"a:1\", \":2\", \"c:3\", \"d:4\"]", "firecloud.members = \":2\"", "write host:port")]
    [InlineData("firecloud.node = -1", "firecloud.node = -1", "say which member this node is, 0 to 3")]
    [InlineData("firecloud.node = 4", "firecloud.node = 4", "there are 4 members; 0 to 3 are allowed")]
    [InlineData("firecloud.node = 8", "firecloud.node = 8", "out of range; -1 to 7 are allowed")]
    [InlineData("firecloud.node = one", "firecloud.node = one", "give a number from -1 to 7")]
    [InlineData("firecloud.shards = 0", "firecloud.shards = 0", "1 to 65536 are allowed")]
    [InlineData("firecloud.shards = 65537", "firecloud.shards = 65537", "1 to 65536 are allowed")]
    [InlineData("firecloud.storage.kind = disc", "firecloud.storage.kind = disc", "use disk, or memory")]
    [InlineData("firecloud.storage.folder = \"\"", "firecloud.storage.folder = ", "name a folder")]
    [InlineData("firecloud.storage.block-cache = 1 KiB", "firecloud.storage.block-cache = 1024 B", "1048576 B to")]
    [InlineData("firecloud.storage.reserve = 1 MiB", "firecloud.storage.reserve = 1048576 B", "at least 3 write buffers (100663296 B)")]
    [InlineData("firecloud.storage.scrub-rate = 1 KiB", "firecloud.storage.scrub-rate = 1024 B", "0, or at least 1048576 B")]
    [InlineData("firecloud.storage.write-buffer = 1 KiB", "firecloud.storage.write-buffer = 1024 B", "1048576 B to")]
    [InlineData("firecloud.limits.key = 0 B", "firecloud.limits.key = 0 B", "1 B to 65536 B are allowed")]
    [InlineData("firecloud.limits.value = 9 MiB", "firecloud.limits.value = 9437184 B", "1 B to 8388608 B are allowed")]
    [InlineData("firecloud.limits.value = big", "firecloud.limits.value = big", "give a number from 1 B to 8388608 B")]
    [InlineData("firecloud.request-timeout = 9 ms", "firecloud.request-timeout = 9 ms", "10 ms to 600000 ms are allowed")]
    [InlineData("firecloud.request-timeout = infinite", "firecloud.request-timeout = infinite", "give a number from 10 ms")]
    [InlineData("firecloud.gateway.max-pending = 0", "firecloud.gateway.max-pending = 0", "1 to 1000000 are allowed")]
    [InlineData("firecloud.coordinator.max-rounds = 99999999999", "firecloud.coordinator.max-rounds = 99999999999", "16 to 10000000 are allowed")]
    [InlineData("firecloud.frame-size = 2 MiB", "firecloud.frame-size = 2097152 B", "1024 B to 1048576 B are allowed")]
    [InlineData("firecloud.kv739 = perhaps", "firecloud.kv739 = perhaps", "give on or off")]
    public void Bad_settings_are_refused_with_key_value_limit_and_remedy(string setting, string what, string remedy)
    {
        var e = Assert.ThrowsAny<ConfigurationException>(() => Read(setting));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, e.Message, StringComparison.Ordinal);
        Assert.Equal(e.Message, Assert.ThrowsAny<ConfigurationException>(() => FirecloudNode.SystemConfig(Parse(setting))).Message);
    }

    [Fact]
    public void The_fingerprint_tells_other_members_votes_and_shards_apart_but_not_the_node()
    {
        var prints = new[]
        {
            Read(""), Read("firecloud.shards = 128"), Read("firecloud.votes = [1,1,1,2]"),
            Read("firecloud.members = [\"b:2\", \"a:1\", \"c:3\", \"d:4\"]"),
        }.Select(s => s.Fingerprint()).ToList();
        Assert.Equal(prints.Count, prints.Distinct().Count());
        Assert.Equal(prints[0], Read("firecloud.node = 3\nfirecloud.request-timeout = 1 s").Fingerprint());
    }

    [Fact]
    public void The_systems_configuration_has_the_nodes_address_and_its_own_settings_win()
    {
        var config = FirecloudNode.SystemConfig(Parse("akka.remote.firecloud-udp.max-peers = 17\nfirecloud.cluster = off"));
        Assert.Equal(("b", 2, 17), (config.GetString("akka.remote.firecloud-udp.hostname"), config.GetInt("akka.remote.firecloud-udp.port"),
            config.GetInt("akka.remote.firecloud-udp.max-peers")));
        Assert.Equal(["a:1", "b:2", "c:3", "d:4"], config.GetStringList("akka.remote.firecloud-udp.members"));
        Assert.Equal("remote", config.GetString("akka.actor.provider"));
        Assert.Equal("cluster", FirecloudNode.SystemConfig(Parse("")).GetString("akka.actor.provider"));
    }

    [Theory]
    [InlineData("", "The key is empty")]
    [InlineData("0123456789x", "The key has 11 bytes; at most 10 are allowed (firecloud.limits.key)")]
    [InlineData("\0firecloud\0", "at most 10")]
    [InlineData("ok", null)]
    public void Sizes_are_refused_with_the_limits_name(string key, string? wrong)
    {
        var limits = new SizeLimits(10, 20);
        var said = limits.Violation(key.Length, 0);
        if (wrong is null) Assert.Null(said);
        else Assert.Contains(wrong, said, StringComparison.Ordinal);
        Assert.Null(limits.Violation(1, 20));
        Assert.Contains("21 bytes; at most 20 are allowed (firecloud.limits.value)", limits.Violation(1, 21), StringComparison.Ordinal);
        Assert.Contains("Firecloud's own", limits.Violation(ReservedKeys.Create("x"), 0), StringComparison.Ordinal);
    }

    private static NodeSettings Read(string setting) => NodeSettings.From(Parse(setting));

    private static Config Parse(string setting) =>
        ConfigurationFactory.ParseString(setting).WithFallback(ConfigurationFactory.ParseString(Good));
}
