// SealCosts.cs - what a seal costs per datagram, printed and not asserted: the numbers of a busy machine prove nothing.
using System.Diagnostics;
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport.Sealing;

public class SealCosts(ITestOutputHelper output)
{
    [Theory]
    [InlineData(64)]
    [InlineData(1_024)]
    [InlineData(16_384)]
    public void Of_one_datagram_sealed_and_opened(int payload)
    {
        var ring = SealTests.Ring("a secret of the members");
        using var sender = SealTests.Session(ring, new SessionNumbers(1, 2, 3, 4));
        using var receiver = SealTests.Session(ring, new SessionNumbers(3, 4, 1, 2));
        var best = Enumerable.Range(0, 5).Select(i => (
            Checksum: Nanoseconds(ChecksumSeal.Instance, ChecksumSeal.Instance, payload, 0),
            Gcm: Nanoseconds(sender, receiver, payload, i * 20_000))).ToArray();
        output.WriteLine($"{payload} bytes: CRC32C {best.Min(b => b.Checksum):0} ns, AES-256-GCM {best.Min(b => b.Gcm):0} ns (sealing and opening)");
        Assert.True(best.All(b => b.Gcm > 0));
    }

    private static double Nanoseconds(ISeal sender, ISeal receiver, int payload, int first)
    {
        const int Count = 20_000;
        var datagram = new byte[DatagramHeader.Size + payload + sender.Overhead];
        var begin = Stopwatch.GetTimestamp();
        for (var i = first; i < first + Count; i++)
        {
            DatagramHeader.Direct(DatagramKind.Data, 1, i).Write(datagram);
            sender.Close(datagram);
            if (receiver.Open(datagram) != DatagramError.None) throw new InvalidOperationException("It did not open.");
        }
        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Count;
    }
}
