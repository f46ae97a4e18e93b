// SessionSeal.cs - seals the packets of one session. Keys are expanded from the secret and both sides' boot and handshake
// numbers, sender first: another one for each direction, for each session, and for each 2^22 packets, as one key should not
// see much more (RFC 9001, section 6.6). The nonce is the packet number, which is never used again under a key.
//
// KEYS    each side seals with the secret under which it agreed; that may be two different ones when both began at once while
//         secrets are changed. So a packet is opened with the secret that its header names, if it is of the same class.
// WATCH   not for two threads at once: it lives under its link's lock.
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Firecloud.Actors.Transport;

/// <summary>What a session's keys come from.</summary>
/// <param name="Boot">This process's boot number.</param>
/// <param name="Number">This side's handshake number.</param>
/// <param name="PeerBoot">The peer's.</param>
/// <param name="PeerNumber">The peer's.</param>
internal readonly record struct SessionNumbers(ulong Boot, ulong Number, ulong PeerBoot, ulong PeerNumber)
{
    public SessionNumbers Turned => new(PeerBoot, PeerNumber, Boot, Number);

    public ulong Token => Hello.Token(Boot, Number, PeerBoot, PeerNumber);
}

internal sealed class SessionSeal : ISeal, IDisposable
{
    /// <summary>Packets sealed with one key.</summary>
    public const long PacketsPerKey = 1L << 22;

    /// <summary>After a forgery, authentic packets until exceptions are taken as the cheaper way again.</summary>
    private const int WaryFor = 1_000;

    private readonly KeyRing _ring;
    private readonly SecretKey _secret;
    private readonly Keys _sending;
    private readonly Keys?[] _receiving;
    private readonly SessionNumbers _numbers;
    private readonly ReplayWindow _window = new();
    private int _wary;

    public SessionSeal(KeyRing ring, SecretKey secret, in SessionNumbers numbers)
    {
        (_ring, _secret, _numbers) = (ring, secret, numbers);
        _sending = new Keys(secret, numbers);
        _receiving = new Keys?[ring.Count];
    }

    public byte KeyId => _secret.Id;

    public int Overhead => Gcm.TagSize;

    public void Close(Span<byte> datagram)
    {
        datagram[DatagramHeader.KeyIdAt] = KeyId;
        Span<byte> nonce = stackalloc byte[Gcm.NonceSize];
        var number = Number(datagram, nonce);
        Gcm.Close(_sending.At(number / PacketsPerKey), nonce, datagram, Overhead);
    }

    public DatagramError Open(Span<byte> datagram)
    {
        Span<byte> nonce = stackalloc byte[Gcm.NonceSize];
        var number = Number(datagram, nonce);
        var id = datagram[DatagramHeader.KeyIdAt];
        if (id == 0) return DatagramError.Unsealed;
        if (_ring.Find(id) is not { } secret || secret.IsClients != _secret.IsClients) return DatagramError.WrongKey;
        if (!_window.IsNew(number)) return DatagramError.Replayed;
        // Any epoch ahead: after a long cut the numbers that were lost in it may be many.
        var key = (_receiving[secret.Index] ??= new Keys(secret, _numbers.Turned)).At(number / PacketsPerKey);
        var opened = _wary > 0
            ? Gcm.TryOpenQuietly(key, nonce, datagram, Overhead)
            : Gcm.TryOpen(key, nonce, datagram, Overhead);
        if (!opened)
        {
            _wary = WaryFor;
            return DatagramError.Forged;
        }
        if (_wary > 0) _wary--;
        _window.Take(number);
        return DatagramError.None;
    }

    public void Dispose()
    {
        _sending.Dispose();
        foreach (var keys in _receiving) keys?.Dispose();
    }

    private static long Number(ReadOnlySpan<byte> datagram, Span<byte> nonce)
    {
        nonce.Clear();
        datagram.Slice(DatagramHeader.NumberAt, 8).CopyTo(nonce[4..]);
        return BinaryPrimitives.ReadInt64LittleEndian(nonce[4..]);
    }

    /// <summary>The keys of one direction under one secret; the last few are kept, by epoch.</summary>
    private sealed class Keys(SecretKey secret, SessionNumbers numbers) : IDisposable
    {
        private const int Kept = 4;

        private readonly AesGcm?[] _keys = new AesGcm?[Kept];
        private readonly long[] _epochs = new long[Kept];

        public AesGcm At(long epoch)
        {
            var place = (int)(epoch % Kept);
            if (_keys[place] is { } key && _epochs[place] == epoch) return key;
            _keys[place]?.Dispose();
            _epochs[place] = epoch;
            return _keys[place] = Expand(epoch);
        }

        public void Dispose()
        {
            foreach (var key in _keys) key?.Dispose();
        }

        private AesGcm Expand(long epoch)
        {
            var label = "firecloud-udp session"u8;
            Span<byte> info = stackalloc byte[label.Length + 40];
            label.CopyTo(info);
            var rest = info[label.Length..];
            foreach (var number in (ReadOnlySpan<ulong>)[numbers.Boot, numbers.Number, numbers.PeerBoot, numbers.PeerNumber, (ulong)epoch])
            {
                BinaryPrimitives.WriteUInt64LittleEndian(rest, number);
                rest = rest[8..];
            }
            Span<byte> key = stackalloc byte[Gcm.KeySize];
            secret.Expand(info, key);
            return new AesGcm(key, Gcm.TagSize);
        }
    }
}
