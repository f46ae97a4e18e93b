using Xunit;

namespace Firecloud.Tests.Resp;

/// <summary>scenario.txt, played against Firecloud and against Redis.</summary>
public sealed class ScenarioTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Firecloud_answers_as_the_scenario_says(int protocol)
    {
        await using var cluster = await RespCluster.StartAsync("", 2, 1);
        AssertNone(await Scenario.PlayAsync(cluster.Port(), protocol, isRedis: false));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Redis_answers_the_same_but_where_the_scenario_says_otherwise(int protocol)
    {
        await using var redis = await RealRedis.StartAsync();
        AssertNone(await Scenario.PlayAsync(redis.Port, protocol, isRedis: true));
    }

    private static void AssertNone(IReadOnlyList<string> wrong) => Assert.True(wrong.Count == 0, string.Join("\n", wrong));
}
