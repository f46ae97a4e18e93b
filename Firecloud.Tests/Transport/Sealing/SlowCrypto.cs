// SlowCrypto.cs - HKDF-SHA256 (RFC 5869) and AES-256-GCM (NIST SP 800-38D) written down once more, slowly, from HMAC and single
// AES blocks, to compare with.
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Firecloud.Tests.Transport.Sealing;

internal static class SlowCrypto
{
    public static byte[] Extract(byte[] salt, byte[] secret) => HMACSHA256.HashData(salt, secret);

    public static byte[] Expand(byte[] root, byte[] info, int length)
    {
        var (all, last) = (new List<byte>(), Array.Empty<byte>());
        for (byte i = 1; all.Count < length; i++) all.AddRange(last = HMACSHA256.HashData(root, (byte[])[.. last, .. info, i]));
        return [.. all.Take(length)];
    }

    /// <summary>Encrypts (or decrypts).</summary>
    /// <returns>The text, and the tag over <paramref name="authenticated"/> and the encrypted text.</returns>
    public static (byte[] Text, byte[] Tag) Gcm(byte[] key, byte[] nonce, byte[] authenticated, byte[] text)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        byte[] Block(byte[] block) => aes.EncryptEcb(block, PaddingMode.None);
        byte[] Counter(uint i)
        {
            byte[] block = [.. nonce, 0, 0, 0, 0];
            BinaryPrimitives.WriteUInt32BigEndian(block.AsSpan(12), i);
            return Block(block);
        }
        var encrypted = text.Select((b, i) => (byte)(b ^ Counter((uint)(2 + (i / 16)))[i % 16])).ToArray();
        var hash = UInt128.Zero;
        var h = BinaryPrimitives.ReadUInt128BigEndian(Block(new byte[16]));
        foreach (var part in (byte[][])[authenticated, encrypted])
        {
            foreach (var chunk in part.Chunk(16)) hash = Multiply(hash ^ BinaryPrimitives.ReadUInt128BigEndian([.. chunk, .. new byte[16 - chunk.Length]]), h);
        }
        hash = Multiply(hash ^ new UInt128((ulong)authenticated.Length * 8, (ulong)encrypted.Length * 8), h);
        var tag = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(tag, hash ^ BinaryPrimitives.ReadUInt128BigEndian(Counter(1)));
        return (encrypted, tag);
    }

    // In GF(2^128), bit 0 first.
    private static UInt128 Multiply(UInt128 x, UInt128 y)
    {
        var product = UInt128.Zero;
        for (var i = 127; i >= 0; i--)
        {
            if ((x >> i & 1) == 1) product ^= y;
            y = (y & 1) == 0 ? y >> 1 : y >> 1 ^ (UInt128)0xE1 << 120;
        }
        return product;
    }
}
