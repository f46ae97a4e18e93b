// Gcm.cs - AES-256-GCM over whole datagrams (NIST SP 800-38D): the header, hops taken as 0, is authenticated, the payload is
// encrypted in place, the last 16 bytes are the tag.
// WATCH   .NET reports a wrong tag by an exception, which costs some 10 µs and memory: a flood of forgeries would be cheaper to
//         send than to refuse. TryOpenQuietly finds the tag by encrypting again, which costs twice the work and nothing else.
using System.Security.Cryptography;

namespace Firecloud.Actors.Transport;

internal static class Gcm
{
    public const int KeySize = 32;
    public const int NonceSize = 12;
    public const int TagSize = 16;

    [ThreadStatic]
    private static byte[]? _scratch;

    /// <summary>Seals.</summary>
    /// <param name="key">Not used by another thread meanwhile.</param>
    /// <param name="nonce">Never used before with this key.</param>
    /// <param name="datagram">Header, payload, trailer.</param>
    /// <param name="trailer">Bytes after the payload; the tag is the last of it.</param>
    public static void Close(AesGcm key, ReadOnlySpan<byte> nonce, Span<byte> datagram, int trailer)
    {
        Span<byte> header = stackalloc byte[DatagramHeader.Size];
        Authenticated(datagram, header);
        var payload = datagram[DatagramHeader.Size..^trailer];
        key.Encrypt(nonce, payload, payload, datagram[^TagSize..], header);
    }

    /// <summary>Opens; quick, but slow to refuse.</summary>
    /// <returns>False when the tag is wrong; the payload is undefined then.</returns>
    /// <inheritdoc cref="Close"/>
    public static bool TryOpen(AesGcm key, ReadOnlySpan<byte> nonce, Span<byte> datagram, int trailer)
    {
        Span<byte> header = stackalloc byte[DatagramHeader.Size];
        Authenticated(datagram, header);
        var payload = datagram[DatagramHeader.Size..^trailer];
        try
        {
            key.Decrypt(nonce, payload, datagram[^TagSize..], payload, header);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>Opens without an exception, for whatever may come from anybody.</summary>
    /// <inheritdoc cref="TryOpen"/>
    public static bool TryOpenQuietly(AesGcm key, ReadOnlySpan<byte> nonce, Span<byte> datagram, int trailer)
    {
        Span<byte> header = stackalloc byte[DatagramHeader.Size];
        Authenticated(datagram, header);
        Span<byte> tag = stackalloc byte[TagSize];
        var payload = datagram[DatagramHeader.Size..^trailer];
        var scratch = (_scratch ??= GC.AllocateUninitializedArray<byte>(65_536)).AsSpan(0, payload.Length);
        // Counter mode encrypts and decrypts alike; sealing what came out gives the tag that the datagram should have.
        key.Encrypt(nonce, payload, payload, tag, header);
        key.Encrypt(nonce, payload, scratch, tag, header);
        return CryptographicOperations.FixedTimeEquals(tag, datagram[^TagSize..]);
    }

    private static void Authenticated(ReadOnlySpan<byte> datagram, Span<byte> header)
    {
        datagram[..DatagramHeader.Size].CopyTo(header);
        header[DatagramHeader.HopsAt] = 0;
    }
}
