using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Firecloud.Actors.Node;

/// <summary>A password that can be checked and not read: PBKDF2 with HMAC-SHA-256 (RFC 8018).</summary>
public sealed class PasswordHash
{
    private const string Scheme = "pbkdf2-sha256";
    private const int Iterations = 600_000;
    private const int MostIterations = 10_000_000;
    private const int SaltSize = 16;
    private const int HashSize = 32;

    private readonly int _iterations;
    private readonly byte[] _salt;
    private readonly byte[] _hash;

    private PasswordHash(int iterations, byte[] salt, byte[] hash) => (_iterations, _salt, _hash) = (iterations, salt, hash);

    /// <summary>Hashes a password with a salt of its own.</summary>
    /// <param name="password">As text.</param>
    public static PasswordHash Create(string password) => Create(Encoding.UTF8.GetBytes(password), Iterations);

    /// <summary>As <see cref="Create(string)"/>, with another cost: for tests.</summary>
    internal static PasswordHash Create(byte[] password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        return new PasswordHash(iterations, salt, Derive(password, salt, iterations));
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <param name="text">scheme:iterations:salt:hash, the last two in Base64.</param>
    /// <param name="hash">Null on failure.</param>
    public static bool TryParse(string text, out PasswordHash? hash)
    {
        hash = null;
        var parts = text.Split(':');
        if (parts.Length != 4 || parts[0] != Scheme) return false;
        if (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)) return false;
        if (iterations is < 1 or > MostIterations) return false;
        Span<byte> salt = stackalloc byte[64];
        Span<byte> derived = stackalloc byte[64];
        if (!Convert.TryFromBase64String(parts[2], salt, out var saltSize) || saltSize < 8) return false;
        if (!Convert.TryFromBase64String(parts[3], derived, out var hashSize) || hashSize != HashSize) return false;
        hash = new PasswordHash(iterations, salt[..saltSize].ToArray(), derived[..hashSize].ToArray());
        return true;
    }

    /// <summary>True for the password that it was made of. Takes some tenths of a second.</summary>
    /// <param name="password">UTF-8.</param>
    public bool Matches(ReadOnlySpan<byte> password) =>
        CryptographicOperations.FixedTimeEquals(Derive(password, _salt, _iterations), _hash);

    /// <summary>For the settings.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Scheme}:{_iterations}:{Convert.ToBase64String(_salt)}:{Convert.ToBase64String(_hash)}");

    private static byte[] Derive(ReadOnlySpan<byte> password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, HashSize);
}
