// SealTests.cs - keys, seals and the replay window, each by itself.
using System.Text;
using Akka.Configuration;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport.Sealing;

public class SealTests
{
    private const string Old = "an old secret of the members";
    private const string New = "the new secret of the members";
    private static readonly SessionNumbers Numbers = new(1, 2, 3, 4);

    // Cases 1 of RFC 5869 (appendix A) and 16 of the GCM specification (McGrew, Viega): so that the slow versions are right.
    [Fact]
    public void The_slow_versions_give_the_published_results()
    {
        var root = SlowCrypto.Extract(Convert.FromHexString("000102030405060708090a0b0c"), [.. Enumerable.Repeat((byte)0x0b, 22)]);
        Assert.Equal("077709362C2E32DF0DDC3F0DC47BBA6390B6C73BB50F9C3122EC844AD7C2B3E5", Convert.ToHexString(root));
        Assert.Equal("3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865",
            Convert.ToHexString(SlowCrypto.Expand(root, Convert.FromHexString("f0f1f2f3f4f5f6f7f8f9"), 42)));
        var (text, tag) = SlowCrypto.Gcm(
            Convert.FromHexString("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
            Convert.FromHexString("cafebabefacedbaddecaf888"),
            Convert.FromHexString("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
            Convert.FromHexString("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
        Assert.Equal("76FC6ECE0F4E1768CDDF8853BB2D551B", Convert.ToHexString(tag));
        Assert.StartsWith("522DC1F099567D07F47F37A32A84427D", Convert.ToHexString(text), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(SessionSeal.PacketsPerKey - 1)]
    [InlineData(SessionSeal.PacketsPerKey)]
    public void A_sessions_packets_are_AES_GCM_under_HKDF_of_the_secret_and_all_numbers(long number)
    {
        var root = SlowCrypto.Extract("firecloud-udp 1"u8.ToArray(), Encoding.UTF8.GetBytes(Old));
        byte[] info = [.. "firecloud-udp session"u8, .. new ulong[] { 1, 2, 3, 4, (ulong)(number / SessionSeal.PacketsPerKey) }.SelectMany(BitConverter.GetBytes)];
        var key = SlowCrypto.Expand(root, info, 32);
        var datagram = Datagram(50, number);
        using var seal = Session(Ring(Old), Numbers);
        var sent = Sealed(seal, datagram);
        Assert.Equal(SlowCrypto.Expand(root, "firecloud-udp key id"u8.ToArray(), 1)[0], sent[3]);
        var header = sent[..24];
        header[2] = 0;  // the hops, which relays lower
        var (text, tag) = SlowCrypto.Gcm(key, [0, 0, 0, 0, .. BitConverter.GetBytes(number)], header, datagram[24..^16]);
        Assert.Equal([.. sent[..24], .. text, .. tag], sent);
    }

    [Fact]
    public void A_handshake_is_AES_GCM_under_HKDF_of_the_secret_and_no_nonce_comes_twice()
    {
        var seal = new HandshakeSeal(Ring(Old));
        var key = SlowCrypto.Expand(SlowCrypto.Extract("firecloud-udp 1"u8.ToArray(), Encoding.UTF8.GetBytes(Old)), "firecloud-udp handshake"u8.ToArray(), 32);
        var nonces = new HashSet<string>();
        for (var i = 0; i < 1_000; i++)
        {
            var datagram = Datagram(40, 0, DatagramKind.Hello);
            var sent = Sealed(i % 2 == 0 ? seal : new HandshakeSeal(Ring(Old)), datagram);
            Assert.True(nonces.Add(Convert.ToHexString(sent[^28..^16])));
            if (i > 3) continue;
            var (text, tag) = SlowCrypto.Gcm(key, sent[^28..^16], sent[..24], datagram[24..^28]);
            Assert.Equal([.. text, .. sent[^28..^16], .. tag], sent[24..]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Any_bit_that_is_altered_is_noticed_but_for_the_hops(bool handshake)
    {
        var ring = Ring(New, Old);
        ISeal sender = handshake ? new HandshakeSeal(ring) : Session(ring, Numbers);
        ISeal receiver = handshake ? sender : Session(ring, Numbers.Turned);
        var plain = Datagram(80, 5, handshake ? DatagramKind.Hello : DatagramKind.Data);
        var sent = Sealed(sender, plain);
        for (var bit = 0; bit < sent.Length * 8; bit++)
        {
            if (bit / 8 == 2) continue;
            var altered = sent.ToArray();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(DatagramError.None, DatagramHeader.TryRead(altered, receiver, out _, out _));
        }
        for (var length = 0; length < sent.Length; length++)
        {
            Assert.NotEqual(DatagramError.None, DatagramHeader.TryRead(sent.AsSpan(0, length).ToArray(), receiver, out _, out _));
        }
        sent[2] = 7;
        Assert.Equal(DatagramError.None, DatagramHeader.TryRead(sent, receiver, out var header, out var payload));
        Assert.Equal((7, 5L), ((int)header.Hops, header.Number));
        Assert.Equal(plain[24..^sender.Overhead], payload.ToArray());
    }

    [Fact]
    public void Packets_open_once_in_any_order_across_a_change_of_keys()
    {
        var ring = Ring(Old);
        using var sender = Session(ring, Numbers);
        using var receiver = Session(ring, Numbers.Turned);
        var first = SessionSeal.PacketsPerKey - 2_000;
        var sent = Enumerable.Range(0, 4_000).Select(i => Sealed(sender, Datagram(20, first + i))).ToList();
        var order = Enumerable.Range(0, sent.Count).ToArray();
        new Random(4).Shuffle(order);
        foreach (var i in order) Assert.Equal(DatagramError.None, receiver.Open(sent[i].ToArray()));
        foreach (var i in order) Assert.Equal(DatagramError.Replayed, receiver.Open(sent[i].ToArray()));
        // Far ahead, as after a cut in which the peer went on for months, and back: too old to tell.
        Assert.Equal(DatagramError.None, receiver.Open(Sealed(sender, Datagram(20, 900 * SessionSeal.PacketsPerKey))));
        Assert.Equal(DatagramError.Replayed, receiver.Open(Sealed(sender, Datagram(20, first - 1))));
    }

    [Fact]
    public void Forgeries_take_no_number_and_do_not_stop_what_is_real()
    {
        var ring = Ring(Old);
        using var sender = Session(ring, Numbers);
        using var receiver = Session(ring, Numbers.Turned);
        for (var number = 0; number < 3_000; number++)
        {
            var real = Sealed(sender, Datagram(30, number));
            if (number % 7 == 0)
            {
                var forged = real.ToArray();
                forged[30] ^= 1;
                Assert.Equal(DatagramError.Forged, receiver.Open(forged));
            }
            Assert.Equal(DatagramError.None, receiver.Open(real));
            Assert.Equal(Datagram(30, number)[24..^16], real[24..^16]);
        }
    }

    [Fact]
    public void Directions_sessions_and_secrets_do_not_open_each_others_packets()
    {
        var ring = Ring(Old);
        using var sender = Session(ring, Numbers);
        foreach (var other in (SessionNumbers[])[Numbers, Numbers.Turned with { Boot = 9 }, Numbers.Turned with { Number = 9 },
            Numbers.Turned with { PeerBoot = 9 }, Numbers.Turned with { PeerNumber = 9 }])
        {
            using var receiver = Session(ring, other);
            Assert.Equal(DatagramError.Forged, receiver.Open(Sealed(sender, Datagram(20, 1))));
        }
        using var stranger = Session(Ring(New), Numbers.Turned);
        Assert.Equal(DatagramError.WrongKey, stranger.Open(Sealed(sender, Datagram(20, 1))));
        var plain = Datagram(20, 1);
        ChecksumSeal.Instance.Close(plain);
        Assert.Equal(DatagramError.Unsealed, stranger.Open(plain));
        Assert.Equal(DatagramError.WrongKey, ChecksumSeal.Instance.Open(Sealed(sender, Datagram(20, 1))));
    }

    [Fact]
    public void Each_side_may_seal_with_another_secret_of_the_same_class_only()
    {
        var (one, two) = (Ring(Old, New), Ring(New, Old));
        using var a = new SessionSeal(one, one.Members[0], Numbers);
        using var b = new SessionSeal(two, two.Members[0], Numbers.Turned);
        using var client = new SessionSeal(two, two.Clients[0], Numbers.Turned);
        Assert.Equal(DatagramError.None, b.Open(Sealed(a, Datagram(20, 1))));
        Assert.Equal(DatagramError.None, a.Open(Sealed(b, Datagram(20, 1))));
        Assert.Equal(DatagramError.WrongKey, a.Open(Sealed(client, Datagram(20, 2))));
        Assert.Equal(DatagramError.WrongKey, client.Open(Sealed(a, Datagram(20, 2))));
    }

    [Fact]
    public void Ids_do_not_depend_on_the_order_and_clients_have_keys_of_their_own()
    {
        var (one, two) = (Ring(Old, New), Ring(New, Old));
        Assert.Equal(one.Members[0].Id, two.Members[1].Id);
        Assert.Equal(4, one.Count);
        Assert.All(one.Clients, key => Assert.Same(key, one.Find(key.Id)));
        Assert.Equal(one.Clients[0].Id, Ring(KeyRing.ClientSecret(Old)).Members[0].Id);
        Assert.Null(one.Find(0));
        Assert.DoesNotContain("Root", $"{one.Members[0]}", StringComparison.Ordinal);
    }

    [Fact]
    public void Two_secrets_with_one_id_are_refused_at_start()
    {
        var first = Ring(Old).Members[0].Id;
        var same = Enumerable.Range(0, 10_000).Select(i => $"another secret {i:D5}").First(s => IdOf(s) == first);
        Assert.Contains("have the same key id by chance", Assert.Throws<ConfigurationException>(() => Ring(Old, same)).Message, StringComparison.Ordinal);
        Assert.Contains("are the same secret", Assert.Throws<ConfigurationException>(() => Ring(Old, Old)).Message, StringComparison.Ordinal);
        Assert.Contains("are the same secret", Assert.Throws<ConfigurationException>(() => new KeyRing([Old], [Old])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_replay_window_takes_each_of_at_least_4096_numbers_once()
    {
        Assert.True(ReplayWindow.Size >= 4_096);
        for (var seed = 0; seed < 20; seed++)
        {
            var (random, window, taken, highest) = (new Random(seed), new ReplayWindow(), new HashSet<long>(), -1L);
            for (var i = 0; i < 20_000; i++)
            {
                var jump = random.Next(200) == 0 ? random.Next(3 * ReplayWindow.Size) : random.Next(8);
                var number = Math.Max(0, highest + jump - (random.Next(2) * random.Next(ReplayWindow.Size + 100)));
                var expected = number > highest - ReplayWindow.Size && !taken.Contains(number);
                Assert.True(window.IsNew(number) == expected, $"seed {seed}, step {i}: {number} after {highest}");
                if (!expected) continue;
                window.Take(number);
                taken.Add(number);
                highest = Math.Max(highest, number);
                Assert.Equal(highest, window.Highest);
            }
        }
    }

    [Fact]
    public void Sealing_and_opening_allocate_nothing()
    {
        var ring = Ring(Old);
        using var sender = Session(ring, Numbers);
        using var receiver = Session(ring, Numbers.Turned);
        var (datagram, number) = (new byte[1_200], 0);
        void Once()
        {
            DatagramHeader.Direct(DatagramKind.Data, 1, number++).Write(datagram);
            sender.Close(datagram);
            if (receiver.Open(datagram) != DatagramError.None) throw new InvalidOperationException("It did not open.");
        }
        for (var i = 0; i < 100; i++) Once();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) Once();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Refusing_a_flood_of_forgeries_allocates_nothing_in_proportion()
    {
        var ring = Ring(Old);
        var handshake = new HandshakeSeal(ring);
        using var session = Session(ring, Numbers);
        void Once(int i)
        {
            Span<byte> datagram = stackalloc byte[200];
            DatagramHeader.Direct(i % 2 == 0 ? DatagramKind.Hello : DatagramKind.Data, 1, i).Write(datagram);
            datagram[3] = ring.Members[0].Id;
            Assert.True((i % 2 == 0 ? handshake : (ISeal)session).Open(datagram) == DatagramError.Forged);
        }
        for (var i = 0; i < 100; i++) Once(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 2_000; i++) Once(i);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static byte IdOf(string secret) => SlowCrypto.Expand(
        SlowCrypto.Extract("firecloud-udp 1"u8.ToArray(), Encoding.UTF8.GetBytes(secret)), "firecloud-udp key id"u8.ToArray(), 1)[0];

    internal static KeyRing Ring(params string[] members) => new(members, []);

    internal static SessionSeal Session(KeyRing ring, SessionNumbers numbers) => new(ring, ring.Members[0], numbers);

    private static byte[] Datagram(int payload, long number, DatagramKind kind = DatagramKind.Data)
    {
        var datagram = new byte[24 + payload + (kind == DatagramKind.Data ? 16 : 28)];
        DatagramHeader.Direct(kind, 77, number).Write(datagram);
        new Random((int)(number % 1_000)).NextBytes(datagram.AsSpan(24, payload));
        return datagram;
    }

    private static byte[] Sealed(ISeal seal, byte[] datagram)
    {
        var copy = datagram.ToArray();
        seal.Close(copy);
        return copy;
    }
}
