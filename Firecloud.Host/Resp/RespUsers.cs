// RespUsers.cs - who may log in. A password is checked by PBKDF2, which is slow on purpose: one check at a time, and a password that
// was right is remembered as a fast hash with a key of this process, so that reconnecting clients cost nothing.
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Firecloud.Actors.Node;

namespace Firecloud.Host.Resp;

/// <summary>The users of the settings.</summary>
internal sealed class RespUsers
{
    private const int MaxRemembered = 1024;
    private const int MaxPassword = 1024;

    private readonly Dictionary<string, (PasswordHash Hash, RespUser User)> _users;
    private readonly ConcurrentDictionary<string, bool> _right = new();
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly SemaphoreSlim _one = new(1);

    public RespUsers(IReadOnlyList<RespUserSettings> users) =>
        _users = users.ToDictionary(u => u.Name, u => (u.Password, RespUser.From(u)), StringComparer.Ordinal);

    /// <summary>False: nobody needs a password.</summary>
    public bool Any => _users.Count > 0;

    /// <summary>True for a user of the settings; without any, for who is everybody then.</summary>
    public bool Has(string name) => Any ? _users.ContainsKey(name) : name == RespUser.Everybody.Name;

    /// <summary>The user whose password this is, or null.</summary>
    public async Task<RespUser?> LogInAsync(string name, byte[] password)
    {
        if (password.Length > MaxPassword || _users.Count == 0) return null;
        // An unknown name takes as long as a known one.
        var (hash, user) = _users.TryGetValue(name, out var found) ? (found.Hash, found.User) : (_users.Values.First().Hash, null);
        var tag = Convert.ToHexString(HMACSHA256.HashData(_key, (byte[])[.. Encoding.UTF8.GetBytes(name), 0, .. password]));
        if (user is not null && _right.ContainsKey(tag)) return user;
        await _one.WaitAsync();
        try
        {
            var matches = await Task.Run(() => hash.Matches(password));
            if (!matches || user is null) return null;
        }
        finally
        {
            _one.Release();
        }
        if (_right.Count < MaxRemembered) _right[tag] = true;
        return user;
    }
}
