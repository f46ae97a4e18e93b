// SpiTests.cs - the transport alone, without Akka's protocol on top: Listen, Associate, Write, Disassociate, Shutdown, limits.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;
using Firecloud.Actors.Transport;
using Google.Protobuf;
using Xunit;

namespace Firecloud.Tests.Transport;

public sealed class SpiTests : IAsyncLifetime
{
    private const string Section = "akka.remote.firecloud-udp";
    private readonly ActorSystem _system = ActorSystem.Create("spi", "akka { loglevel = OFF, stdout-loglevel = OFF }");
    private readonly List<Side> _sides = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var side in _sides) await side.Transport.ManagementCommand(new Crash());
        await _system.Terminate();
    }

    [Fact]
    public async Task Associate_to_nobody_faults_within_a_second_and_does_not_throw()
    {
        var a = await Start();
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var watch = Stopwatch.StartNew();
        var task = a.Transport.Associate(new Address("udp", "spi", "127.0.0.1", ((IPEndPoint)silent.Client.LocalEndPoint!).Port));
        var error = await Assert.ThrowsAsync<InvalidAssociationException>(() => task);
        Assert.Contains("no answer within", error.Message, StringComparison.Ordinal);
        Assert.InRange(watch.ElapsedMilliseconds, 500, 1_500);
        await Assert.ThrowsAsync<InvalidAssociationException>(() => a.Transport.Associate(new Address("udp", "spi", "no-such-host.invalid", 1)));
        await Assert.ThrowsAsync<InvalidAssociationException>(() => a.Transport.Associate(new Address("udp", "spi")));
    }

    [Fact]
    public async Task Listen_on_a_used_port_faults_and_says_what_to_do()
    {
        var a = await Start();
        var error = await Assert.ThrowsAnyAsync<Exception>(() => NewTransport($"port = {a.Address.Port}").Listen());
        Assert.Contains($"127.0.0.1:{a.Address.Port}", error.Message, StringComparison.Ordinal);
        Assert.Contains("firecloud-udp.port", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Associate_under_another_name_of_the_peer_faults_and_names_the_right_one()
    {
        var (a, b) = (await Start(), await Start());
        var error = await Assert.ThrowsAsync<InvalidAssociationException>(() => a.Transport.Associate(b.Address.WithHost("localhost")));
        Assert.Contains($"akka.udp://spi@127.0.0.1:{b.Address.Port}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Messages_keep_their_boundaries_up_to_the_maximum_and_six(int perCall)
    {
        var (a, b) = (await Start($"datagrams-per-call = {perCall}"), await Start($"datagrams-per-call = {perCall}"));
        var (ours, theirs) = await Connect(a, b);
        var max = (int)a.Transport.MaximumPayloadBytes;
        int[] sizes = [0, 1, 63, 64, 1_200, 16_384, 65_536, 1_000_000, max, max + 6, 0, 5];
        foreach (var size in sizes) Assert.True(ours.Handle.Write(ByteString.CopyFrom(Pattern(size))));
        Assert.True(theirs.Handle.Write(ByteString.CopyFromUtf8("back")));
        await UdpSystem.Until(() => theirs.Payloads.Count == sizes.Length && ours.Payloads.Count == 1, "all messages");
        Assert.All(sizes.Zip(theirs.Payloads), pair => Assert.True(Pattern(pair.First).AsSpan().SequenceEqual(pair.Second.Span), $"{pair.First}"));
        var together = perCall > 1 && OperatingSystem.IsLinux() && Environment.Is64BitProcess;
        if (together) Assert.True(Statistics(a).SendCalls < Statistics(a).DatagramsOut, $"{Statistics(a)}");
        else await UdpSystem.Until(() => Statistics(a) is var s && s.SendCalls == s.DatagramsOut, "a call for each datagram");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public async Task Concurrent_writers_lose_and_repeat_nothing(int perCall)
    {
        var (a, b) = (await Start($"datagrams-per-call = {perCall}"), await Start($"datagrams-per-call = {perCall}"));
        var (ours, theirs) = await Connect(a, b);
        const int Writers = 8, Each = 2_000;
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++) Assert.True(ours.Handle.Write(ByteString.CopyFromUtf8($"{w} {i}")));
        })));
        await UdpSystem.Until(() => theirs.Payloads.Count >= Writers * Each, "all messages");
        foreach (var writer in theirs.Payloads.Select(p => p.ToStringUtf8().Split(' ')).GroupBy(p => p[0]))
        {
            Assert.Equal(Enumerable.Range(0, Each).Select(i => $"{i}"), writer.Select(p => p[1]));
        }
    }

    [Fact]
    public async Task Two_associations_of_one_pair_are_independent()
    {
        var (a, b) = (await Start(), await Start());
        var (first, firstThere) = await Connect(a, b);
        var (second, secondThere) = await Connect(a, b);
        var (back, backThere) = await Connect(b, a);
        Assert.NotEqual(first.Handle, second.Handle);
        first.Handle.Write(ByteString.CopyFromUtf8("1"));
        second.Handle.Write(ByteString.CopyFromUtf8("2"));
        back.Handle.Write(ByteString.CopyFromUtf8("3"));
        Close(first);
        await UdpSystem.Until(() => firstThere.Ended == 1 && secondThere.Payloads.Count == 1 && backThere.Payloads.Count == 1, "end of the first");
        Assert.True(second.Handle.Write(ByteString.CopyFromUtf8("still here")));
        await UdpSystem.Until(() => secondThere.Payloads.Count == 2, "the second lives");
        Assert.Equal((0, 0), (secondThere.Ended, backThere.Ended));
    }

    [Fact]
    public async Task What_was_written_before_Disassociate_arrives_before_the_end_which_comes_once()
    {
        var (a, b) = (await Start(), await Start());
        for (var round = 0; round < 50; round++)
        {
            var (ours, theirs) = await Connect(a, b);
            for (var i = 0; i < 20; i++) ours.Handle.Write(ByteString.CopyFrom(Pattern(i * 200)));
            Close(ours);
            Close(ours);
            await UdpSystem.Until(() => theirs.Ended > 0, "Disassociated");
            Assert.Equal(20, theirs.Payloads.Count);
            Assert.Equal((DisassociateInfo.Unknown, 1, 0), (theirs.Info, theirs.Ended, ours.Ended));
            await UdpSystem.Until(() => !ours.Handle.Write(ByteString.Empty), "writes are refused");
        }
        await UdpSystem.Until(() => Statistics(a).Peers[0].Associations == 0 && Statistics(b).Peers[0].Associations == 0, "nothing is left over");
        Assert.Equal(0, Statistics(a).InternalErrors + Statistics(b).InternalErrors);
    }

    [Fact]
    public async Task Shutdown_flushes_and_ends_the_peers_associations_at_once()
    {
        var (a, b) = (await Start(), await Start());
        var (ours, theirs) = await Connect(a, b);
        for (var i = 0; i < 100; i++) ours.Handle.Write(ByteString.CopyFrom(Pattern(10_000)));
        Assert.True(await a.Transport.Shutdown());
        await UdpSystem.Until(() => theirs.Ended == 1, "Disassociated", 1);
        Assert.Equal(100, theirs.Payloads.Count);
        await Assert.ThrowsAsync<InvalidAssociationException>(() => a.Transport.Associate(b.Address));
        Assert.True(await a.Transport.Shutdown());
    }

    [Fact]
    public async Task A_restarted_peer_ends_old_associations_and_gets_nothing_of_them()
    {
        var (a, b) = (await Start(), await Start());
        var (ours, _) = await Connect(a, b);
        await b.Transport.ManagementCommand(new Crash());
        for (var i = 0; i < 10; i++) ours.Handle.Write(ByteString.CopyFromUtf8("old"));
        var again = await Start($"port = {b.Address.Port}");
        await UdpSystem.Until(() => ours.Ended == 1, "the old association ends", 2);
        var (_, theirs) = await Connect(a, again);
        await Task.Delay(50);
        Assert.Empty(theirs.Payloads);
        Assert.Equal((DisassociateInfo.Unknown, 1), (ours.Info, ours.Ended));
    }

    [Fact]
    public async Task Sessions_come_back_after_every_restart_over_a_bad_network()
    {
        var fault = new LinkFault { DropIn = 0.1, DropOut = 0.1, Duplicate = 0.3, Reorder = 0.3, Seed = 11 };
        var a = await Start();
        var port = 0;
        for (var round = 0; round < 8; round++)
        {
            var b = await Start($"port = {port}");
            port = b.Address.Port!.Value;
            await a.Transport.ManagementCommand(new SetLinkFault(b.Address, fault));
            // Crossing handshakes: both begin at once.
            var ways = new[] { Connect(a, b), Connect(b, a) };
            var text = new string('x', 500);
            foreach (var (ours, theirs) in await Task.WhenAll(ways))
            {
                for (var i = 0; i < 50; i++) ours.Handle.Write(ByteString.CopyFromUtf8($"{round} {i} {text}"));
                await UdpSystem.Until(() => theirs.Payloads.Count >= 50, $"round {round}: 50 messages");
                var expected = Enumerable.Range(0, 50).Select(i => $"{round} {i} {text}");
                Assert.Equal(expected, theirs.Payloads.Select(p => p.ToStringUtf8()));
                Assert.Equal((0, 0), (ours.Ended, theirs.Ended));
            }
            await b.Transport.ManagementCommand(new Crash());
        }
        Assert.Equal(0, Statistics(a).InternalErrors);
    }

    [Fact]
    public async Task An_association_that_nobody_listens_to_is_closed()
    {
        var (a, b) = (await Start("unclaimed-after = 100 ms"), await Start("unclaimed-after = 100 ms"));
        b.Claims = false;
        await a.Transport.Associate(b.Address);
        Assert.Equal(1, Statistics(a).Peers[0].Associations);
        await UdpSystem.Until(() => Statistics(a).Peers[0].Associations == 0 && Statistics(b).Peers[0].Associations == 0, "both are gone", 3);
    }

    [Fact]
    public async Task An_idle_session_is_forgotten_and_comes_back_when_it_is_needed()
    {
        var (a, b) = (await Start("idle-session-reap = 100 ms"), await Start());
        var (ours, _) = await Connect(a, b);
        Close(ours);
        await UdpSystem.Until(() => Statistics(a).Peers.All(p => !p.Connected) && Statistics(b).Peers.All(p => !p.Connected), "both forget", 4);
        var (again, theirs) = await Connect(a, b);
        again.Handle.Write(ByteString.CopyFromUtf8("x"));
        await UdpSystem.Until(() => theirs.Payloads.Count == 1, "a message in the new session");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Garbage_changes_nothing_but_counters(int perCall)
    {
        var (a, b) = (await Start(), await Start($"datagrams-per-call = {perCall}"));
        var (ours, theirs) = await Connect(a, b);
        using var attacker = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var random = new Random(1);
        var target = new IPEndPoint(IPAddress.Loopback, b.Address.Port!.Value);
        var sent = 0L;
        for (var i = 0; i < 3_000; i++)
        {
            var datagram = new byte[random.Next(0, 600)];
            random.NextBytes(datagram);
            if (datagram.Length > 24 && i % 3 > 0)
            {
                // Looks right up to here; every other one even has a good checksum.
                DatagramHeader.Direct((DatagramKind)random.Next(0, 7), random.NextInt64() < 0 ? 0 : (ulong)random.NextInt64(), random.Next()).Write(datagram);
                if (i % 3 == 1 && datagram.Length > 28) ChecksumSeal.Instance.Close(datagram);
            }
            await attacker.SendAsync(datagram, target);
            sent += datagram.Length;
        }
        ours.Handle.Write(ByteString.CopyFromUtf8("through"));
        await UdpSystem.Until(() => theirs.Payloads.Count == 1 && Statistics(b).UnknownSession > 0, "a message among garbage");
        var statistics = Statistics(b);
        Assert.True(statistics.Malformed > 0 && statistics.WrongChecksum > 0);
        Assert.Equal(0, statistics.InternalErrors);
        Assert.Equal((1, 0), (statistics.Peers.Count, theirs.Ended));
        var answered = 0L;
        while (attacker.Available > 0) answered += (await attacker.ReceiveAsync()).Buffer.Length;
        Assert.True(answered <= sent, $"{answered} bytes answered to {sent}");
    }

    [Fact]
    public async Task Text_datagrams_reach_the_handler_whatever_it_throws()
    {
        var a = await Start();
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(IPAddress.Loopback, a.Address.Port!.Value);
        await client.SendAsync("GET [nobody]"u8.ToArray());
        await UdpSystem.Until(() => Statistics(a).TextDatagrams == 1, "a text without a handler");
        await a.Transport.ManagementCommand(new SetTextHandler((text, reply) =>
        {
            if (text.StartsWith("PUT"u8)) throw new InvalidOperationException("a bug of the handler");
            var copy = text.ToArray();
            Task.Run(() => reply.Send([.. "OK "u8, .. copy]));  // replies may come later, from elsewhere
        }));
        await client.SendAsync("PUT [k] [v]"u8.ToArray());
        await client.SendAsync("GET [k]"u8.ToArray());
        var answer = await client.ReceiveAsync().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal("OK GET [k]"u8.ToArray(), answer.Buffer);
        Assert.Equal((3, 1, 0), (Statistics(a).TextDatagrams, Statistics(a).TextHandlerErrors, Statistics(a).InternalErrors));
    }

    [Theory]
    [InlineData("port = 70000", "port = 70000: must be 0 to 65535")]
    [InlineData("connect-timeout = 5 s", "connect-timeout = 5 s: must be 10 ms to 1000 ms")]
    [InlineData("max-datagram = 100 B", "max-datagram = 100 B: must be 1200 to 65507 bytes")]
    [InlineData("members = [\"nonsense\"]", "members = nonsense: each must be host:port")]
    [InlineData("members = [\"a:1\", \"A:1\"]", "members = a:1: each once")]
    [InlineData("hearing-window = 50 ms", "hearing-window = 50 ms: must be 75 ms to 10000 ms")]
    [InlineData("relay-rate = -1 B", "relay-rate = -1 B: must be 0 to")]
    [InlineData("datagrams-per-call = 0", "datagrams-per-call = 0: must be 1 to 64")]
    [InlineData("datagrams-per-call = 65", "datagrams-per-call = 65: must be 1 to 64")]
    [InlineData("ack-delay = often", "ack-delay = often: must be a duration")]
    public void Bad_settings_are_refused_with_key_value_and_limit(string hocon, string expected)
    {
        var error = Assert.Throws<ConfigurationException>(() => NewTransport(hocon));
        Assert.Contains($"{Section}.{expected}", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Pattern(int size) => [.. Enumerable.Range(0, size).Select(i => (byte)((i * 31) + size))];

    private static void Close(End end) => end.Handle.Disassociate("test", Akka.Event.NoLogger.Instance);

    private static TransportStatistics Statistics(Side side)
    {
        TransportStatistics? result = null;
        side.Transport.ManagementCommand(new GetStatistics(s => result = s)).Wait();
        return result!;
    }

    private UdpTransport NewTransport(string hocon) => new(_system, ConfigurationFactory
        .ParseString($"{Section} {{\n{hocon}\n}}").WithFallback(UdpTransport.DefaultConfig()).GetConfig(Section));

    private async Task<Side> Start(string hocon = "")
    {
        var transport = NewTransport(hocon);
        var (address, listener) = await transport.Listen();
        var side = new Side(transport, address);
        listener.SetResult(side);
        _sides.Add(side);
        return side;
    }

    private static async Task<(End Ours, End Theirs)> Connect(Side from, Side to)
    {
        var known = to.Accepted.Count;
        var ours = new End(await from.Transport.Associate(to.Address));
        await UdpSystem.Until(() => to.Accepted.Count > known, "the inbound association");
        return (ours, to.Accepted.Last());
    }

    private sealed class Side(UdpTransport transport, Address address) : IAssociationEventListener
    {
        public UdpTransport Transport { get; } = transport;

        public Address Address { get; } = address;

        public ConcurrentQueue<End> Accepted { get; } = new();

        public bool Claims { get; set; } = true;

        public void Notify(IAssociationEvent ev)
        {
            if (ev is InboundAssociation { Association: var handle }) Accepted.Enqueue(new End(handle, Claims));
        }
    }

    private sealed class End : IHandleEventListener
    {
        public End(AssociationHandle handle, bool claim = true)
        {
            Handle = handle;
            if (claim) handle.ReadHandlerSource.SetResult(this);
        }

        public AssociationHandle Handle { get; }

        public ConcurrentQueue<ByteString> Payloads { get; } = new();

        public int Ended { get; private set; }

        public DisassociateInfo? Info { get; private set; }

        // Not public, yet it decides between healing and quarantine (akka.remote's EndpointReader.HandleDisassociated).
        private static readonly System.Reflection.FieldInfo InfoField = typeof(Disassociated).GetField("Info",
            System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public)!;

        public void Notify(IHandleEvent ev)
        {
            if (ev is InboundPayload payload)
            {
                Assert.Equal(0, Ended);
                Payloads.Enqueue(payload.Payload);
                return;
            }
            Info = (DisassociateInfo)InfoField.GetValue(ev)!;
            Ended++;
        }
    }
}
