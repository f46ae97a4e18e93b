// KernelDropsTests.cs - drops of one's own socket in the kernel's table.
using System.Net;
using System.Net.Sockets;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public sealed class KernelDropsTests : IDisposable
{
    private const string Table = """
           sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
          103: 0100007F:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1036413 2 00000000aa9a6b48 12
          104: 0200007F:9C40 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1036414 2 00000000aa9a6b48 13
          105: 00000000:9C41 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1036415 2 00000000aa9a6b48 14
          106: 0100007F:9C42 00000000:0000 07 00000000:00000000 00:00000000
        """;

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("127.0.0.1", 40_000, 12)]
    [InlineData("127.0.0.2", 40_000, 13)]
    [InlineData("0.0.0.0", 40_001, 14)]
    [InlineData("127.0.0.1", 40_001, -1)]   // not in the table
    [InlineData("127.0.0.1", 40_002, -1)]   // a line that was cut
    public void The_line_of_the_own_socket_is_found(string address, int port, long drops)
    {
        File.WriteAllText(_file, Table);
        Assert.Equal(drops, new KernelDrops(new IPEndPoint(IPAddress.Parse(address), port), _file).Read());
    }

    [Fact]
    public void New_drops_are_told_once_and_not_too_often()
    {
        var drops = new KernelDrops(new IPEndPoint(IPAddress.Loopback, 40_000), _file);
        Assert.Equal(0, drops.NewSince(1));  // nothing there yet: unknown
        File.WriteAllText(_file, Table);
        Assert.Equal(0, drops.NewSince(KernelDrops.LookEach));
        Assert.Equal(12, drops.NewSince(KernelDrops.LookEach + 1));
        File.WriteAllText(_file, Table.Replace("aa9a6b48 12", "aa9a6b48 20", StringComparison.Ordinal));
        Assert.Equal(0, drops.NewSince(KernelDrops.LookEach + 2));
        Assert.Equal(8, drops.NewSince((2 * KernelDrops.LookEach) + 1));
        Assert.Equal(0, drops.NewSince((3 * KernelDrops.LookEach) + 1));
        Assert.Equal(-1, new KernelDrops(new IPEndPoint(IPAddress.Loopback, 40_000), _file + ".none").Read());
    }

    [Fact]
    public void The_buffer_that_was_granted_is_what_was_asked_for_when_that_is_little()
    {
        using var socket = new UdpSocket(new IPEndPoint(IPAddress.Loopback, 0), 100 * 1024, 80 * 1024);
        Assert.Equal((100 * 1024, 80 * 1024), (socket.ReceiveBuffer, socket.SendBuffer));
        Assert.Contains("8388608", UdpSocket.TooSmall(208 << 10, 8 << 20), StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_that_nobody_reads_shows_what_did_not_fit()
    {
        using var receiver = new UdpSocket(new IPEndPoint(IPAddress.Loopback, 0), 64 * 1024, 64 * 1024);
        var drops = new KernelDrops(receiver.Local);
        if (!OperatingSystem.IsLinux())
        {
            Assert.Equal(-1, drops.Read());
            return;
        }
        Assert.Equal(0, drops.Read());
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        for (var i = 0; i < 500; i++) sender.SendTo(new byte[1_000], receiver.Local);
        Assert.InRange(drops.Read(), 100, 499);
    }
}
