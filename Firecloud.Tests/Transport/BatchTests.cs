// BatchTests.cs - several datagrams per system call, on real sockets of this machine.
using System.Net;
using System.Net.Sockets;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

public sealed class BatchTests : IDisposable
{
    private const int Kernel = 4 << 20;

    private readonly UdpSocket _sender = new(new IPEndPoint(IPAddress.Loopback, 0), Kernel, Kernel);
    private readonly UdpSocket _receiver = new(new IPEndPoint(IPAddress.Loopback, 0), Kernel, Kernel);
    private readonly SocketAddress _from = new(AddressFamily.InterNetwork);

    private SocketAddress Target => _receiver.Local.Serialize();

    // Elsewhere there is nothing to test here, and the transport uses the calls for one datagram.
    private static bool IsHere => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
    }

    [Fact]
    public void It_is_there_on_64_bit_Linux_only() => Assert.Equal(IsHere, _sender.TakesMany);

    [Fact]
    public void Many_datagrams_leave_in_one_call_and_come_in_few()
    {
        if (!IsHere) return;
        byte[][] datagrams = [.. Enumerable.Range(0, 20).Select(i => Enumerable.Repeat((byte)i, i * 400).ToArray())];
        var batch = new SendBatch();
        foreach (var datagram in datagrams) Assert.True(batch.TryAdd(datagram, Target));
        _sender.Send(batch);
        Assert.Equal((1, 0, 0), (_sender.SendCalls, _sender.SendErrors, batch.Count));
        var received = new ReceiveBatch(16);
        Assert.Equal(16, _receiver.Receive(received));
        var came = Enumerable.Range(0, 16).Select(i => Take(received, i)).ToList();
        Assert.Equal(4, _receiver.Receive(received));
        came.AddRange(Enumerable.Range(0, 4).Select(i => Take(received, i)));
        Assert.Equal(2, _receiver.ReceiveCalls);
        Assert.Equal(datagrams, came);
    }

    [Fact]
    public void One_that_can_not_be_sent_is_counted_and_the_others_go()
    {
        if (!IsHere) return;
        var batch = new SendBatch();
        Assert.True(batch.TryAdd(new byte[DatagramHeader.MaxDatagram + 1], Target));  // EMSGSIZE
        Assert.True(batch.TryAdd("1"u8, Target));
        Assert.True(batch.TryAdd(new byte[DatagramHeader.MaxDatagram + 1], Target));
        Assert.True(batch.TryAdd("2"u8, Target));
        _sender.Send(batch);
        Assert.Equal(2, _sender.SendErrors);
        var received = new ReceiveBatch(8);
        Assert.Equal(2, _receiver.Receive(received));
        Assert.Equal(("1", "2"), (Text(received, 0), Text(received, 1)));
    }

    [Fact]
    public void A_batch_is_full_by_number_or_by_bytes()
    {
        var (small, large) = (new SendBatch(), new SendBatch());
        for (var i = 0; i < SendBatch.Most; i++) Assert.True(small.TryAdd("x"u8, Target));
        Assert.False(small.TryAdd("x"u8, Target));
        var count = 0;
        while (large.TryAdd(new byte[DatagramHeader.MaxDatagram], Target)) count++;
        Assert.InRange(count, 2, 8);
        large.Clear();
        Assert.True(large.TryAdd(new byte[DatagramHeader.MaxDatagram], Target));
    }

    [Fact]
    public void It_allocates_nothing()
    {
        if (!IsHere) return;
        var (batch, received, datagram, target) = (new SendBatch(), new ReceiveBatch(16), new byte[1_200], Target);
        Round();  // compiles
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 100; round++) Round();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Round()
        {
            for (var i = 0; i < 16; i++) batch.TryAdd(datagram, target);
            _sender.Send(batch);
            for (var left = 16; left > 0;)
            {
                var count = _receiver.Receive(received);
                for (var i = 0; i < count; i++) received.Take(i, _from);
                left -= count;
            }
        }
    }

    [Fact]
    public void Closing_wakes_who_waits()
    {
        if (!IsHere) return;
        using var waits = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            var received = new ReceiveBatch(2);
            waits.Set();
            while (!_receiver.IsClosed) _receiver.Receive(received);
        });
        thread.Start();
        waits.Wait();
        _receiver.Dispose();
        Assert.True(thread.Join(TimeSpan.FromSeconds(20)), "still waiting for a datagram");
    }

    private byte[] Take(ReceiveBatch batch, int index)
    {
        var datagram = batch.Take(index, _from).ToArray();
        Assert.Equal(_sender.Local, new IPEndPoint(IPAddress.Any, 0).Create(_from));
        return datagram;
    }

    private string Text(ReceiveBatch batch, int index) => System.Text.Encoding.ASCII.GetString(Take(batch, index));
}
