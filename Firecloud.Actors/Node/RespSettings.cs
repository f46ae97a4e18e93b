using System.Net;
using System.Net.Sockets;
using Akka.Configuration;

namespace Firecloud.Actors.Node;

/// <summary>What the audit log holds.</summary>
public enum AuditKind
{
    /// <summary>Nothing.</summary>
    Off,

    /// <summary>Logins and administration.</summary>
    Admin,

    /// <summary>Those, and every write.</summary>
    Writes,
}

/// <summary>One user of the Redis protocol.</summary>
/// <param name="Name">As in AUTH; "default" is who gives no name.</param>
/// <param name="Password">Its hash.</param>
/// <param name="MayWrite">May change keys.</param>
/// <param name="IsAdmin">May end other clients and empty the store.</param>
/// <param name="Prefixes">Keys begin with one of these; none: all keys.</param>
public sealed record RespUserSettings(string Name, PasswordHash Password, bool MayWrite, bool IsAdmin, IReadOnlyList<string> Prefixes);

/// <summary>The Redis protocol at one node: the section <c>firecloud.resp</c>.</summary>
public sealed class RespSettings
{
    private const int MiB = 1 << 20;

    internal RespSettings(ConfigReader reader)
    {
        Listen = reader.Text("listen");
        if (Listen.Length > 0 && WrongAddress(Listen) is { } wrong) throw reader.Wrong("listen", Listen, wrong);
        MaxClients = reader.Int("max-clients", 1, 1_000_000);
        MaxPipeline = reader.Int("max-pipeline", 1, 65_536);
        MaxQueryBytes = reader.Bytes("max-query-buffer", MiB, 1 << 30);
        MaxOutputBytes = reader.Bytes("max-output", MiB, 1 << 30);
        OutputTimeoutMs = reader.Milliseconds("output-timeout", 100, 600_000);
        IdleTimeoutMs = reader.Milliseconds("idle-timeout", 0, 86_400_000);
        IsProtected = reader.OnOff("protected-mode");
        Users = [.. reader.Texts("users").Select(text => ReadUser(reader, text))];
        if (Users.GroupBy(u => u.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw reader.Wrong("users", $"\"{twice.Key} …\"", "the name is there twice; every user needs its own.");
        }
        AllowsFlush = reader.OnOff("allow-flushall");
        Audit = reader.Text("audit") switch
        {
            "off" => AuditKind.Off,
            "admin" => AuditKind.Admin,
            "writes" => AuditKind.Writes,
            var other => throw reader.Wrong("audit", other, "unknown; use off, admin (logins and administration) or writes (every write too)."),
        };
        Certificate = reader.Text("tls.certificate");
        CertificateKey = reader.Text("tls.key");
        ClientCa = reader.Text("tls.client-ca");
        if (Certificate.Length > 0 != CertificateKey.Length > 0)
        {
            throw reader.Wrong("tls.certificate", $"\"{Certificate}\"", $"tls.key = \"{CertificateKey}\": name both files, or none.");
        }
        if (ClientCa.Length > 0 && Certificate.Length == 0)
        {
            throw reader.Wrong("tls.client-ca", $"\"{ClientCa}\"", "without a certificate of the server's own there is no TLS; name tls.certificate and tls.key too.");
        }
    }

    /// <summary>host:port to listen at (TCP); empty: not at all.</summary>
    public string Listen { get; }

    /// <summary>Clients at a time.</summary>
    public int MaxClients { get; }

    /// <summary>Operations of one client under way.</summary>
    public int MaxPipeline { get; }

    /// <summary>Bytes of one command.</summary>
    public int MaxQueryBytes { get; }

    /// <summary>Bytes of values kept for one client's answers.</summary>
    public int MaxOutputBytes { get; }

    /// <summary>How long a client may take no answers, milliseconds.</summary>
    public int OutputTimeoutMs { get; }

    /// <summary>How long a client may send nothing, milliseconds; 0: for ever.</summary>
    public int IdleTimeoutMs { get; }

    /// <summary>Without users and client certificates only this machine is served.</summary>
    public bool IsProtected { get; }

    /// <summary>Who may log in; none: no password is asked.</summary>
    public IReadOnlyList<RespUserSettings> Users { get; }

    /// <summary>FLUSHALL is allowed.</summary>
    public bool AllowsFlush { get; }

    /// <summary>What the audit log holds.</summary>
    public AuditKind Audit { get; }

    /// <summary>PEM file of the server's certificate; empty: no TLS.</summary>
    public string Certificate { get; }

    /// <summary>PEM file of its key.</summary>
    public string CertificateKey { get; }

    /// <summary>PEM file of those who sign clients' certificates; empty: clients need none.</summary>
    public string ClientCa { get; }

    /// <summary>Where to listen.</summary>
    /// <exception cref="ConfigurationException">The host has no address.</exception>
    public async Task<IPEndPoint> ResolveAsync()
    {
        var (host, port) = Split(Listen)!.Value;
        if (host == "*") return new IPEndPoint(IPAddress.Any, port);
        if (IPAddress.TryParse(host, out var address)) return new IPEndPoint(address, port);
        try
        {
            var found = await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork).ConfigureAwait(false);
            return new IPEndPoint(found[0], port);
        }
        catch (SocketException e)
        {
            throw new ConfigurationException($"firecloud.resp.listen = {Listen}: {host} has no address ({e.Message}); give an IP address, or * for all.", e);
        }
    }

    /// <summary>The port of <see cref="Listen"/>.</summary>
    public int Port => Split(Listen)?.Port ?? 0;

    private static string? WrongAddress(string text) =>
        Split(text) is null ? "not an address; write host:port, port 0 to 65535 (0: any that is free), for example 127.0.0.1:7379." : null;

    private static (string Host, int Port)? Split(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), out var port)) return null;
        return (text[..colon].Trim('[', ']'), port);
    }

    // NAME HASH RIGHTS [PREFIX …]; the text is not in the message: it holds a password's hash.
    private static RespUserSettings ReadUser(ConfigReader reader, string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var name = parts.Length > 0 ? parts[0] : "";
        if (parts.Length < 3) throw Wrong("write \"NAME HASH RIGHTS [PREFIX …]\"; Firecloud.Host hash-password prints a HASH.");
        if (!PasswordHash.TryParse(parts[1], out var password)) throw Wrong("the second word is not a password's hash; Firecloud.Host hash-password prints one.");
        if (parts[2] is not ("read" or "write" or "admin")) throw Wrong($"'{parts[2]}' is no right; use read, write or admin.");
        return new RespUserSettings(name, password!, parts[2] != "read", parts[2] == "admin", parts[3..]);

        ConfigurationException Wrong(string whatToDo) => reader.Wrong("users", $"\"{name} …\"", whatToDo);
    }
}
