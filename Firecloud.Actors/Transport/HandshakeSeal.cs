// HandshakeSeal.cs - seals what belongs to no session: Hello, Retry, HelloAck, Reset. One key per secret, the same on all nodes,
// so nonces must differ between processes: 8 random bytes drawn at start and a counter of 4 (a new draw when it is full), in
// the trailer before the tag. Whoever recorded such a datagram can send it again: the handshake itself has to see to that.
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Firecloud.Actors.Transport;

internal sealed class HandshakeSeal : ISeal
{
    private readonly KeyRing _ring;
    private readonly AesGcm[] _keys;
    private readonly Lock _gate = new();  // an AesGcm is not for two threads; handshakes are rare
    private ulong _prefix;
    private uint _counter;

    public HandshakeSeal(KeyRing ring)
    {
        _ring = ring;
        _keys = [.. ring.Members.Concat(ring.Clients).Select(NewKey)];
        _prefix = UdpNode.RandomNumber();
    }

    public byte KeyId => _ring.Members[0].Id;

    public int Overhead => Gcm.NonceSize + Gcm.TagSize;

    public void Close(Span<byte> datagram)
    {
        if (datagram[DatagramHeader.KeyIdAt] == 0) datagram[DatagramHeader.KeyIdAt] = KeyId;
        var key = _ring.Find(datagram[DatagramHeader.KeyIdAt]);
        Invariant.That(key is not null);
        var nonce = datagram[^Overhead..^Gcm.TagSize];
        lock (_gate)
        {
            if (++_counter == 0) _prefix = UdpNode.RandomNumber();
            BinaryPrimitives.WriteUInt64LittleEndian(nonce, _prefix);
            BinaryPrimitives.WriteUInt32LittleEndian(nonce[8..], _counter);
            Gcm.Close(_keys[key.Index], nonce, datagram, Overhead);
        }
    }

    public DatagramError Open(Span<byte> datagram)
    {
        var id = datagram[DatagramHeader.KeyIdAt];
        if (id == 0) return DatagramError.Unsealed;
        if (_ring.Find(id) is not { } key) return DatagramError.WrongKey;
        lock (_gate)
        {
            var opened = Gcm.TryOpenQuietly(_keys[key.Index], datagram[^Overhead..^Gcm.TagSize], datagram, Overhead);
            return opened ? DatagramError.None : DatagramError.Forged;
        }
    }

    private static AesGcm NewKey(SecretKey secret)
    {
        Span<byte> key = stackalloc byte[Gcm.KeySize];
        secret.Expand("firecloud-udp handshake"u8, key);
        return new AesGcm(key, Gcm.TagSize);
    }
}
