using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>What can't work is said with its value, what is allowed, and what to do; nothing is started or sent.</summary>
public sealed class BadInputTests
{
    private const string Members = """members = ["a:1", "b:2", "c:3", "d:4"]""";

    [Theory]
    [InlineData($"node = 0, {Members}, gatway.backoff = 20 ms", "firecloud.gatway.backoff is not a setting", "firecloud.gateway.backoff")]
    [InlineData($"node = 0, {Members}, votes = [0, 0, 0, 0]", "firecloud.votes = [0, 0, 0, 0]", "give at least one member a vote")]
    [InlineData($"node = 0, {Members}, votes = [2, 1, 1]", "firecloud.votes = [2, 1, 1]", "4 members and 3 votes were given")]
    [InlineData($"node = 0, {Members}, votes = [101, 1, 1, 1]", "A member has 101 votes", "0 to 100 are allowed")]
    [InlineData("""node = 0, members = ["a:1", "b:2", "a:1", "d:4"]""", "firecloud.members = \"a:1\"", "every member needs its own")]
    [InlineData("""node = 0, members = ["a:1", "b", "c:3", "d:4"]""", "'b' is not an address", "write host:port")]
    [InlineData("""node = 0, members = ["a:1", "b:65536", "c:3", "d:4"]""", "'b:65536' has no port", "1 to 65535")]
    [InlineData($"node = 4, {Members}", "firecloud.node = 4", "0 to 3 are allowed")]
    [InlineData($"{Members}", "firecloud.node = -1: not set", "0 to 3")]
    [InlineData($"node = 0, {Members}, limits.value = 9 MiB", "firecloud.limits.value = 9437184 B", "1 B to 8388608 B are allowed")]
    [InlineData($"node = 0, {Members}, request-timeout = soon", "firecloud.request-timeout = soon", "10 ms to 600000 ms")]
    public async Task Settings_that_can_t_work_are_refused(string settings, string value, string remedy)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $"firecloud {{ {settings} }}");
            AssertBad(2, value, remedy, await Command.RunAsync(Command.Host("--config", file)));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("", "Say how to run", "--help")]
    [InlineData("--config nowhere.conf", "nowhere.conf does not exist", "give the path of a HOCON file")]
    [InlineData("2 a:1 b:2", "INDEX 2 is out of range", "0 to 1 are allowed")]
    [InlineData("0 a:1 b", "'b' is not an address", "write host:port")]
    [InlineData("frobnicate key", "'frobnicate' is neither a command nor an INDEX", "--help")]
    [InlineData("get key --node nonsense", "'nonsense' is not an address", "write host:port")]
    [InlineData("get key --timeout 5", "--timeout 5", "10 to 600000 milliseconds are allowed")]
    [InlineData("cas key value", "Say one of", "--absent")]
    public async Task Arguments_that_can_t_work_are_refused(string arguments, string value, string remedy)
    {
        var split = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        AssertBad(2, value, remedy, await Command.RunAsync(Command.Host(split)));
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var taken = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var address = taken.Client.LocalEndPoint!.ToString()!;
        AssertBad(5, $"UDP {address} is in use", "choose another port", await Command.RunAsync(Command.Host("0", address)));
    }

    [Fact]
    public async Task A_client_whose_nodes_are_silent_names_them()
    {
        var silent = await Command.RunAsync(Command.Host("get", "key", "--node", "127.0.0.1:1", "--timeout", "300"));
        AssertBad(3, "None of 127.0.0.1:1 answered within 300 ms", "Check that the nodes run", silent);
    }

    private static void AssertBad(int exitCode, string value, string remedy, Finished finished)
    {
        Assert.True(finished.ExitCode == exitCode, $"{finished}");
        Assert.Contains(value, finished.Errors, StringComparison.Ordinal);
        Assert.Contains(remedy, finished.Errors, StringComparison.Ordinal);
    }
}
