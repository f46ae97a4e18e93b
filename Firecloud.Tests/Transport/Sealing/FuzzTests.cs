// FuzzTests.cs - two million random and altered datagrams against everything that reads them: none throws, none passes.
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport.Sealing;

public class FuzzTests(ITestOutputHelper output)
{
    private const int Datagrams = 2_000_000;

    [Fact]
    public void Random_and_altered_datagrams_do_not_pass_and_do_not_throw()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var ring = SealTests.Ring("a secret of the members");
        var handshake = new HandshakeSeal(ring);
        using var sender = SealTests.Session(ring, new SessionNumbers(1, 2, 3, 4));
        using var receiver = SealTests.Session(ring, new SessionNumbers(3, 4, 1, 2));
        var guard = new ClientGuard(new ClientRights(["/user/a"], [739]), "s", "h", 1);
        var real = Enumerable.Range(0, 8).Select(i => Real(i % 2 == 0 ? handshake : sender, i)).ToArray();
        var (buffer, passed) = (new byte[600], 0);
        for (var i = 0; i < Datagrams; i++)
        {
            var datagram = i % 2 == 0 ? Noise(random, buffer) : Altered(random, real[random.Next(real.Length)], buffer);
            Hello.TryRead(datagram, out _);
            guard.Allows(datagram);
            ClientGuard.IsSystemMessage(datagram);
            if (!DatagramHeader.TryParse(datagram, out var header)) continue;
            ISeal seal = header.Kind == DatagramKind.Data ? receiver : handshake;
            if (DatagramHeader.TryRead(datagram, seal, out _, out _) == DatagramError.None) passed++;
        }
        Assert.Equal(0, passed);
    }

    private static byte[] Real(ISeal seal, int number)
    {
        var datagram = new byte[300];
        DatagramHeader.Direct(seal is HandshakeSeal ? DatagramKind.Hello : DatagramKind.Data, 5, number).Write(datagram);
        seal.Close(datagram);
        return datagram;
    }

    private static Span<byte> Noise(Random random, byte[] buffer)
    {
        var datagram = buffer.AsSpan(0, random.Next(buffer.Length));
        random.NextBytes(datagram);
        if (datagram.Length > 2 && random.Next(4) > 0) (datagram[0], datagram[1]) = (DatagramHeader.Magic, (byte)random.Next(7));
        return datagram;
    }

    private static Span<byte> Altered(Random random, byte[] real, byte[] buffer)
    {
        real.CopyTo(buffer, 0);
        var length = random.Next(8) == 0 ? random.Next(real.Length) : real.Length;
        // Not the hops, which are not sealed.
        var at = random.Next(3, real.Length);
        buffer[at] ^= (byte)random.Next(1, 256);
        return buffer.AsSpan(0, length);
    }
}
