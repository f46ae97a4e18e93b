using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Akka.Configuration;
using Firecloud.Actors.Node;
using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Resp;

public sealed class RespSecurityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Users_have_passwords_rights_and_prefixes()
    {
        var users = $"""
            users = ["default {Hash("open sesame")} admin", "reader {Hash("reader's own")} read", "app {Hash("app's own")} write app: shared:"]
            """;
        await using var cluster = await RespCluster.StartAsync(users, 2, 1);
        await using var client = await cluster.ConnectAsync();
        Assert.Equal("-NOAUTH Authentication required.", await client.AskAsync("GET", "k"));
        Assert.Equal("-NOAUTH Authentication required.", await client.AskAsync("PING"));
        Assert.StartsWith("-NOAUTH HELLO must be called with the client already authenticated", await client.AskAsync("HELLO", "3"), StringComparison.Ordinal);
        Assert.Equal("-WRONGPASS invalid username-password pair or user is disabled.", await client.AskAsync("AUTH", "wrong"));
        Assert.Equal("-WRONGPASS invalid username-password pair or user is disabled.", await client.AskAsync("AUTH", "nobody", "open sesame"));
        // The password and what needs it in one pipeline.
        Assert.Equal(["+OK", "+OK", "+OK"], await client.PipelineAsync(["AUTH", "open sesame"], ["SET", "app:k", "v"], ["SET", "k", "v"]));

        await using var reader = await cluster.ConnectAsync();
        Assert.Contains("\"proto\": :3", await reader.AskAsync("HELLO", "3", "AUTH", "reader", "reader's own"), StringComparison.Ordinal);
        Assert.Equal("\"v\"", await reader.AskAsync("GET", "k"));
        Assert.Equal("-NOPERM User reader has no permissions to run the 'set' command", await reader.AskAsync("SET", "k", "w"));
        Assert.Equal("-NOPERM User reader has no permissions to run the 'flushall' command", await reader.AskAsync("FLUSHALL"));
        Assert.Equal("-NOPERM User reader has no permissions to run the 'client|list' command", await reader.AskAsync("CLIENT", "LIST"));

        await using var app = await cluster.ConnectAsync();
        Assert.Equal("+OK", await app.AskAsync("AUTH", "app", "app's own"));
        Assert.Equal("+OK", await app.AskAsync("MSET", "app:a", "1", "shared:b", "2"));
        Assert.Equal("-NOPERM No permissions to access a key", await app.AskAsync("GET", "k"));
        Assert.Equal("-NOPERM No permissions to access a key", await app.AskAsync("MSET", "app:a", "1", "k", "2"));
        Assert.Equal("-NOPERM No permissions to access a key", await app.AskAsync("COPY", "app:a", "k"));
        Assert.Equal("-NOPERM User app has no permissions to run the 'flushall' command", await app.AskAsync("FLUSHALL"));
        Assert.DoesNotContain("\"k\"", await app.AskAsync("KEYS", "*"), StringComparison.Ordinal);
        Assert.Equal("+RESET", await app.AskAsync("RESET"));
        Assert.Equal("-NOAUTH Authentication required.", await app.AskAsync("GET", "app:a"));
    }

    [Fact]
    public async Task A_long_command_of_a_stranger_is_not_read()
    {
        await using var cluster = await RespCluster.StartAsync($"users = [\"default {Hash("open sesame")} admin\"]", 2, 1);
        await using var client = await cluster.ConnectAsync();
        await client.SendAsync(Encoding.ASCII.GetBytes("*2\r\n$4\r\nAUTH\r\n$20000\r\n"));
        Assert.Equal("-ERR Protocol error: unauthenticated bulk length", await client.ReadAsync());
        Assert.Null(await client.ReadAsync());
    }

    [Fact]
    public async Task Protected_mode_serves_this_machine_only()
    {
        await using (var open = await RespCluster.StartAsync("", 2, 1))
        {
            Assert.False(open.Server(0).TakesStrangers);
            Assert.StartsWith("DENIED ", open.Server(0).WhyNot(IPAddress.Parse("192.0.2.1")), StringComparison.Ordinal);
            Assert.Null(open.Server(0).WhyNot(IPAddress.Loopback));
        }
        await using var off = await RespCluster.StartAsync("protected-mode = off", 2, 1);
        Assert.Null(off.Server(0).WhyNot(IPAddress.Parse("192.0.2.1")));
        await using var users = await RespCluster.StartAsync($"users = [\"default {Hash("open sesame")} admin\"]", 2, 1);
        Assert.Null(users.Server(0).WhyNot(IPAddress.Parse("192.0.2.1")));
    }

    [Fact]
    public async Task Tls_takes_clients_whose_certificate_the_authority_signed()
    {
        using var authority = Authority("authority");
        using var stranger = Authority("stranger");
        var (certificate, key, ca) = (Path.Combine(_folder, "server.pem"), Path.Combine(_folder, "server.key"), Path.Combine(_folder, "ca.pem"));
        using (var server = Signed(authority, "localhost"))
        {
            await File.WriteAllTextAsync(certificate, server.ExportCertificatePem());
            await File.WriteAllTextAsync(key, server.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
        await File.WriteAllTextAsync(ca, authority.ExportCertificatePem());
        await using var cluster = await RespCluster.StartAsync($"tls {{ certificate = \"{certificate}\", key = \"{key}\", client-ca = \"{ca}\" }}", 2, 1);
        Assert.True(cluster.Server(0).TakesStrangers);

        using var known = Signed(authority, "client");
        await using (var client = await RespTestClient.ConnectAsync(cluster.Port(), wrap: s => SecureAsync(s, known)))
        {
            Assert.Equal("+OK", await client.AskAsync("SET", "k", "v"));
            Assert.Equal("\"v\"", await client.AskAsync("GET", "k"));
        }
        using var unknown = Signed(stranger, "client");
        foreach (var own in new[] { unknown, null })
        {
            // The server says no at the end of the handshake or behind it.
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using var client = await RespTestClient.ConnectAsync(cluster.Port(), wrap: s => SecureAsync(s, own));
                await client.AskAsync("PING");
            });
        }
    }

    [Theory]
    [InlineData("listen = nowhere", "firecloud.resp.listen = nowhere", "write host:port")]
    [InlineData("listen = \"a:65536\"", "firecloud.resp.listen = a:65536", "port 0 to 65535")]
    [InlineData("max-clients = 0", "firecloud.resp.max-clients = 0", "1 to 1000000 are allowed")]
    [InlineData("max-pipeline = 100000", "firecloud.resp.max-pipeline = 100000", "1 to 65536 are allowed")]
    [InlineData("max-query-buffer = 1 KiB", "firecloud.resp.max-query-buffer = 1024 B", "1048576 B to")]
    [InlineData("max-output = 2 GiB", "firecloud.resp.max-output = 2147483648 B", "to 1073741824 B are allowed")]
    [InlineData("output-timeout = 1 ms", "firecloud.resp.output-timeout = 1 ms", "100 ms to")]
    [InlineData("idle-timeout = 2 d", "firecloud.resp.idle-timeout = 172800000 ms", "to 86400000 ms are allowed")]
    [InlineData("users = [\"a b\"]", "firecloud.resp.users = \"a …\"", "NAME HASH RIGHTS")]
    [InlineData("users = [\"a secret read\"]", "firecloud.resp.users = \"a …\"", "hash-password prints one")]
    [InlineData("audit = all", "firecloud.resp.audit = all", "use off, admin")]
    [InlineData("tls.certificate = x", "firecloud.resp.tls.certificate = \"x\"", "name both files")]
    [InlineData("tls.client-ca = x", "firecloud.resp.tls.client-ca = \"x\"", "name tls.certificate")]
    [InlineData("protected-mode = perhaps", "firecloud.resp.protected-mode = perhaps", "give on or off")]
    [InlineData("max-client = 1", "firecloud.resp.max-client is not a setting", "firecloud.resp.max-clients")]
    public void Bad_settings_are_refused_with_key_value_limit_and_remedy(string setting, string what, string remedy)
    {
        var e = Assert.ThrowsAny<ConfigurationException>(() => Read(setting));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Users_are_read()
    {
        var hash = Hash("a password");
        var users = Read($"users = [\"a {hash} read\", \"b {hash} admin x: y:\"]").Users;
        Assert.Equal([("a", false, false, 0), ("b", true, true, 2)], users.Select(u => (u.Name, u.MayWrite, u.IsAdmin, u.Prefixes.Count)));
        Assert.True(users[0].Password.Matches("a password"u8));
        Assert.False(users[0].Password.Matches("a passwort"u8));
        Assert.Contains("the name is there twice", Assert.ThrowsAny<ConfigurationException>(() => Read($"users = [\"a {hash} read\", \"a {hash} read\"]")).Message, StringComparison.Ordinal);
        Assert.Contains("'all' is no right", Assert.ThrowsAny<ConfigurationException>(() => Read($"users = [\"a {hash} all\"]")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_host_prints_a_hash_that_the_settings_take()
    {
        var printed = await Command.RunAsync(Command.Host("hash-password"), "correct horse\n");
        Assert.True(printed.ExitCode == 0, $"{printed}");
        Assert.True(PasswordHash.TryParse(printed.Output.Trim(), out var hash));
        Assert.True(hash!.Matches("correct horse"u8));
        Assert.NotEqual(printed.Output, (await Command.RunAsync(Command.Host("hash-password"), "correct horse\n")).Output);
        var tooShort = await Command.RunAsync(Command.Host("hash-password"), "short\n");
        Assert.Equal((2, "firecloud: The password has 5 characters; give at least 8.\n"), (tooShort.ExitCode, tooShort.Errors));
    }

    private static RespSettings Read(string setting) => NodeSettings.From(ConfigurationFactory.ParseString(
        $"firecloud {{\nmembers = [\"a:1\"], votes = [1], node = 0\nresp {{\n{setting}\n}}\n}}")).Resp;

    // Cheap to check: the cost is not what is tested.
    private static string Hash(string password) => PasswordHash.Create(Encoding.UTF8.GetBytes(password), 1000).ToString();

    private static async Task<Stream> SecureAsync(Stream stream, X509Certificate2? own)
    {
        var secure = new SslStream(stream);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ClientCertificates = own is null ? null : [own],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Issuer == "CN=authority",
        });
        return secure;
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Signed(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var pair = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
