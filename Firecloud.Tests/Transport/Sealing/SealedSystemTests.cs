// SealedSystemTests.cs - actor systems with secrets on real sockets: who gets in, how secrets are changed, what listens where.
using Akka.Configuration;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport.Sealing;

public class SealedSystemTests
{
    private const string Old = "an old secret of the members";
    private const string New = "the new secret of the members";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Equal_secrets_talk_and_nothing_is_readable()
    {
        await using var a = UdpSystem.Start(hocon: Members(Old));
        await using var b = UdpSystem.Start(hocon: Members(Old));
        var leaked = 0;
        await a.Fault(b, new LinkFault
        {
            Tap = bytes =>
            {
                if (bytes.AsSpan().IndexOf("recorder"u8) >= 0 || bytes.AsSpan().IndexOf("akka"u8) >= 0) leaked++;
                return true;
            },
        });
        await a.AskUntilAnswered(b, Patience);
        await b.AskUntilAnswered(a, Patience);
        for (var i = 0; i < 1_000; i++) a.At(b, "recorder").Tell(i);
        await UdpSystem.Until(() => b.Received.Count == 1_000, "1,000 messages");
        Assert.Equal(Enumerable.Range(0, 1_000).Cast<object>(), b.Received);
        Assert.Equal(0, leaked);
        var statistics = await b.Statistics();
        Assert.Equal((0, 0, 0, 0), (statistics.WrongKey, statistics.Forged, statistics.Unsealed, statistics.InternalErrors));
    }

    // Who has which secrets, in which order; whichever side begins.
    [Theory]
    [InlineData(Old, New + "," + Old)]
    [InlineData(New + "," + Old, Old)]
    [InlineData(New + "," + Old, Old + "," + New)]
    [InlineData(New, Old + "," + New)]
    public async Task While_secrets_change_all_that_have_one_in_common_talk(string first, string second)
    {
        foreach (var bothAtOnce in (bool[])[false, true])
        {
            await using var a = UdpSystem.Start(hocon: Members(first.Split(',')));
            await using var b = UdpSystem.Start(hocon: Members(second.Split(',')));
            var back = bothAtOnce ? b.AskUntilAnswered(a, Patience) : Task.FromResult(TimeSpan.Zero);
            await a.AskUntilAnswered(b, Patience);
            await back;
            Assert.Equal((0, 0), ((await a.Statistics()).Forged, (await b.Statistics()).Forged));
        }
    }

    [Fact]
    public async Task A_node_that_was_away_with_the_old_secret_joins_those_that_changed_theirs()
    {
        await using var a = UdpSystem.Start(hocon: Members(Old));
        var b = UdpSystem.Start(hocon: Members(Old));
        await a.AskUntilAnswered(b, Patience);
        await b.Crash();
        await using var changed = UdpSystem.Start(b.Address.Port!.Value, Members(New, Old));
        await a.AskUntilAnswered(changed, Patience);
        await changed.AskUntilAnswered(a, Patience);
    }

    [Theory]
    [InlineData(Old, New, "a secret that this node does not have")]
    [InlineData(Old, "", "are not sealed and are refused")]
    [InlineData("", New, "are sealed, but this node has no secret")]
    public async Task Other_secrets_and_none_get_no_session_and_are_told_apart_in_words(string first, string second, string warning)
    {
        var log = new LogOf();
        await using var a = UdpSystem.Start(hocon: log.Config + Members(first));
        await using var b = UdpSystem.Start(hocon: Members(second));
        a.At(b, "recorder").Tell("hi");
        b.At(a, "recorder").Tell("hi");
        await UdpSystem.Until(() => log.Lines.Any(l => l.Contains(warning, StringComparison.Ordinal) && l.Contains($"127.0.0.1:{b.Address.Port}", StringComparison.Ordinal)), warning);
        Assert.Single(log.Lines, l => l.Contains(warning, StringComparison.Ordinal));  // once in 10 s, not for every datagram
        await UdpSystem.Until(() => a.Statistics().Result is { } s && s.WrongKey + s.Unsealed > 3, "several Hellos");
        var statistics = await a.Statistics();
        Assert.All(statistics.Peers, p => Assert.False(p.Connected));
        Assert.All((await b.Statistics()).Peers, p => Assert.False(p.Connected));
        Assert.True(second.Length > 0 ? statistics.WrongKey > 3 : statistics.Unsealed > 3);
        Assert.Empty(a.Received);
        Assert.Empty(b.Received);
    }

    [Fact]
    public async Task Without_a_secret_only_this_machine_is_served_unless_that_is_said_to_be_wanted()
    {
        var e = Assert.ThrowsAny<Exception>(() => UdpSystem.Start(hocon: "akka.remote.firecloud-udp.hostname = 0.0.0.0"));
        foreach (var part in (string[])["hostname = 0.0.0.0: without a secret", "openssl rand -base64 32", "allow-insecure = on"])
        {
            Assert.Contains(part, $"{e}", StringComparison.Ordinal);
        }
        await using var allowed = UdpSystem.Start(hocon: "akka.remote.firecloud-udp { hostname = 0.0.0.0\nallow-insecure = on }");
        await using var secret = UdpSystem.Start(hocon: "akka.remote.firecloud-udp.hostname = 0.0.0.0\n" + Members(Old));
        Assert.Equal(("0.0.0.0", "0.0.0.0"), (allowed.Address.Host, secret.Address.Host));
    }

    [Theory]
    [InlineData("secrets = [\"too short\"]", "secrets[0] has 9 characters; at least 16 are needed")]
    [InlineData("secrets = [\"a fine long secret\", \"shorty\"]", "secrets[1] has 6 characters")]
    [InlineData("secrets = [\"file:/no/such/file\"]", "secrets[0]: the file /no/such/file can't be read")]
    [InlineData("secrets = { fine = \"a fine long secret\" }", "secrets must be a list")]
    [InlineData("client-secrets = [\"a fine long secret\"]", "client-secrets is set and secrets is not")]
    [InlineData("secrets = [\"1111111111111111\", \"1111111111111111\"]", "are the same secret")]
    [InlineData("allow-insecure = perhaps", "allow-insecure = perhaps: must be on or off")]
    public void Secrets_that_can_t_work_are_refused_without_being_said(string setting, string message)
    {
        var config = ConfigurationFactory.ParseString($"akka.remote.firecloud-udp {{ {setting} }}").WithFallback(UdpTransport.DefaultConfig());
        var e = Assert.Throws<ConfigurationException>(() => new UdpSettings(config.GetConfig("akka.remote.firecloud-udp")));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        foreach (var secret in (string[])["too short", "fine long", "shorty", "11111111"]) Assert.DoesNotContain(secret, $"{e}", StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_has_a_secret_per_line()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, $"\n{New}\n\n  {Old}  \n");
            var config = ConfigurationFactory.ParseString($"akka.remote.firecloud-udp.secrets = [\"file:{file}\"]").WithFallback(UdpTransport.DefaultConfig());
            var ring = new UdpSettings(config.GetConfig("akka.remote.firecloud-udp")).Ring!;
            Assert.Equal(SealTests.Ring(New, Old).Members.Select(k => k.Id), ring.Members.Select(k => k.Id));
            Assert.Equal(KeyRing.ClientSecret(New), Secrets.ForClients($"file:{file}"));
            File.WriteAllText(file, string.Join('\n', Enumerable.Range(0, 9).Select(i => $"a secret with number {i}")));
            var e = Assert.Throws<ConfigurationException>(() => new UdpSettings(config.GetConfig("akka.remote.firecloud-udp")));
            Assert.Contains("has 9 secrets; at most 8 are allowed", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    internal static string Members(params string[] secrets) =>
        $"\nakka.remote.firecloud-udp.secrets = [{string.Join(", ", secrets.Where(s => s.Length > 0).Select(s => $"\"{s}\""))}]\n";
}
