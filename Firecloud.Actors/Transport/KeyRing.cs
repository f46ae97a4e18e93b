// KeyRing.cs - the secrets that this process holds, as keys: those of the members, and those with which clients come.
// Each secret is drawn to one key by HKDF-SHA256 (RFC 5869); everything else is expanded from that key under a label, so that no
// two uses share a key. A secret's id, in every header, is derived too: the order of the lists does not matter.
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Akka.Configuration;

namespace Firecloud.Actors.Transport;

/// <summary>One secret.</summary>
/// <param name="Id">Names it in headers; 1 to 255.</param>
/// <param name="Index">Its place in the ring.</param>
/// <param name="IsClients">Who proves only this one is a client.</param>
/// <param name="Root">32 bytes; what all keys are expanded from.</param>
internal sealed record SecretKey(byte Id, int Index, bool IsClients, byte[] Root)
{
    /// <summary>Expands a key.</summary>
    /// <param name="info">What it is for.</param>
    /// <param name="key">Filled.</param>
    public void Expand(ReadOnlySpan<byte> info, Span<byte> key) => HKDF.Expand(HashAlgorithmName.SHA256, Root, key, info);

    /// <summary>Neither keys nor anything derived from them belongs into a log.</summary>
    public override string ToString() => $"secret {Id}";
}

internal sealed class KeyRing
{
    /// <summary>Shortest secret, characters.</summary>
    public const int MinLength = 16;

    /// <summary>Most secrets in one list: more are never needed to rotate.</summary>
    public const int MaxSecrets = 8;

    private readonly SecretKey?[] _byId = new SecretKey?[256];
    private readonly List<SecretKey> _keys = [];

    /// <summary>Makes the ring.</summary>
    /// <param name="members">At least one; the first is used to send.</param>
    /// <param name="clients">Secrets that only let clients in; empty for those derived from the members'.</param>
    /// <exception cref="ConfigurationException">A secret is there twice, or two have the same id by chance.</exception>
    public KeyRing(IReadOnlyList<string> members, IReadOnlyList<string> clients)
    {
        Members = [.. members.Select(secret => Add(secret, isClients: false))];
        Clients = [.. (clients.Count > 0 ? clients : [.. members.Select(ClientSecret)]).Select(secret => Add(secret, isClients: true))];
    }

    /// <summary>In the order given.</summary>
    public IReadOnlyList<SecretKey> Members { get; }

    /// <summary>In the order given.</summary>
    public IReadOnlyList<SecretKey> Clients { get; }

    public int Count => _keys.Count;

    /// <summary>The key with an id, null for one that this process doesn't have.</summary>
    public SecretKey? Find(byte id) => _byId[id];

    /// <summary>The secret for clients that belongs to a secret of the members: it can't be turned back.</summary>
    public static string ClientSecret(string members)
    {
        Span<byte> derived = stackalloc byte[32];
        HKDF.Expand(HashAlgorithmName.SHA256, Root(members), derived, "firecloud-udp clients"u8);
        return Base64Url.EncodeToString(derived);
    }

    private static byte[] Root(string secret) => HKDF.Extract(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), "firecloud-udp 1"u8.ToArray());

    private SecretKey Add(string secret, bool isClients)
    {
        var root = Root(secret);
        Span<byte> id = stackalloc byte[1];
        HKDF.Expand(HashAlgorithmName.SHA256, root, id, "firecloud-udp key id"u8);
        if (id[0] == 0) id[0] = 0xFF;  // 0 means that there is no seal
        if (_byId[id[0]] is { } other)
        {
            var (mine, theirs) = (Name(isClients, _keys.Count(k => k.IsClients == isClients)), Name(other.IsClients, _keys.Take(other.Index).Count(k => k.IsClients == other.IsClients)));
            throw new ConfigurationException(other.Root.AsSpan().SequenceEqual(root)
                ? $"{mine} and {theirs} are the same secret. Each must be there once; clients need another one than members."
                : $"{mine} and {theirs} have the same key id by chance (1 in 255). Choose another new secret.");
        }
        var key = new SecretKey(id[0], _keys.Count, isClients, root);
        _keys.Add(key);
        return _byId[key.Id] = key;
    }

    private static string Name(bool isClients, int index) =>
        $"{UdpSettings.Section}.{(isClients ? "client-secrets (or what is derived from secrets)" : "secrets")}[{index}]";
}
