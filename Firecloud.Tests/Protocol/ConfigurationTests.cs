// ConfigurationTests.cs - protocol.md section 5, last paragraph (who is preferred as owner), and what a configuration refuses.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class ConfigurationTests
{
    [Theory]
    [InlineData(2, 1, 1, 1)]
    [InlineData(1, 1, 2, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(1)]
    [InlineData(3, 1, 1, 1, 1, 1, 1, 1)]
    public void Ranks_of_every_shard_are_an_order_of_all_members_with_the_master_first(params int[] votes)
    {
        var configuration = Make.Configuration(16, votes);
        var first = new HashSet<int>();
        for (var shard = 0; shard < 16; shard++)
        {
            var ranks = Enumerable.Range(0, votes.Length).Select(m => configuration.Rank(shard, m)).ToArray();
            Assert.Equal(Enumerable.Range(0, votes.Length), ranks.Order());
            if (configuration.Votes.Master >= 0) Assert.Equal(0, ranks[configuration.Votes.Master]);
            first.Add(Array.IndexOf(ranks, configuration.Votes.Master >= 0 && votes.Length > 1 ? 1 : 0));
        }
        // The shards spread over all but the master.
        Assert.Equal(votes.Length - (configuration.Votes.Master >= 0 && votes.Length > 1 ? 1 : 0), first.Count);
    }

    [Fact]
    public void Preferred_is_the_best_rank_of_every_subset()
    {
        var configuration = Make.Configuration(7);
        for (var shard = 0; shard < 7; shard++)
        {
            for (var among = 0u; among < 16; among++)
            {
                var expected = Enumerable.Range(0, 4).Where(m => (among >> m & 1) != 0)
                    .OrderBy(m => configuration.Rank(shard, m)).Append(-1).First();
                Assert.Equal(expected, configuration.Preferred(shard, among));
            }
        }
    }

    [Fact]
    public void What_does_not_fit_together_is_refused_with_a_remedy()
    {
        Member[] two = [new("a", 1), new("b", 1)];
        Refused("2 members and 3 votes were given; give one vote count per member", () => new Configuration(two, new Votes([1, 1, 1]), 1));
        Refused("Two members have the address a:1; every member needs its own", () => new Configuration([two[0], two[0]], new Votes([1, 1]), 1));
        Refused("0 shards were given; 1 to 65536", () => new Configuration(two, new Votes([1, 1]), 0));
        Refused("65537 shards were given; 1 to 65536", () => new Configuration(two, new Votes([1, 1]), 65537));

        static void Refused(string message, Func<Configuration> create) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(create).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_spread_evenly_over_the_shards_and_stay_where_they_are()
    {
        var counts = new int[64];
        for (var i = 0; i < 64_000; i++) counts[new Key($"key {i}").Shard(64)]++;
        Assert.All(counts, c => Assert.InRange(c, 850, 1150));
        // On the wire and on disk for the life of a cluster: these numbers may never change.
        Assert.Equal((182, 224, 112), (Shard("a"), Shard("greeting"), Shard("k")));

        static int Shard(string key) => new Key(key).Shard(256);
    }
}
