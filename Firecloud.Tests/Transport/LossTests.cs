// LossTests.cs - throughput under loss, reordering and overload, on virtual time: what decides is the rules, not the machine.
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport;

public class LossTests(ITestOutputHelper output)
{
    [Fact]
    public void Table()
    {
        foreach (var datagram in new[] { 1_200, 1_472, 8_972, 65_507 })
        {
            foreach (var rtt in new[] { 100, 500, 1_000, 5_000 })
            {
                var line = $"{datagram,6} B, {rtt,5} us:";
                foreach (var loss in new[] { 0, 0.01, 0.05, 0.1 })
                {
                    var mesh = new FlowMesh(1, 1, datagram) { RoundTrip = rtt, Loss = loss };
                    mesh.Run(100_000);
                    var rate = mesh.Run(400_000);
                    line += $"  {loss:P0} {rate,6:0.0} B/us (w {mesh.Sender().CongestionBytes / 1024,4} K, lost {mesh.Sender().Counters.Lost}, sp {mesh.Sender().Counters.Spurious})";
                }
                output.WriteLine(line);
            }
        }
        foreach (var senders in new[] { 1, 4, 16, 64 })
        {
            foreach (var queue in new[] { 64 << 10, 512 << 10, 4 << 20 })
            {
                var mesh = new FlowMesh(1, senders, 1_472) { RoundTrip = 500, Queue = queue };
                mesh.Run(200_000);
                var (sent, over) = (mesh.DatagramsSent, mesh.Overflowed);
                var rate = mesh.Run(400_000);
                var each = Enumerable.Range(0, senders).Select(mesh.DeliveredBy).Order().ToList();
                output.WriteLine($"{senders} senders, queue {queue / 1024} K: {rate:0.0} B/us, sent {mesh.DatagramsSent - sent}, overflowed {mesh.Overflowed - over}, least {each[0]} most {each[^1]} unreach {mesh.Unreachables}");
            }
        }
    }
}
