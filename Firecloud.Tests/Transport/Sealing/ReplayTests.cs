// ReplayTests.cs - somebody on the way records all datagrams and sends them again, also in the name of the nodes themselves.
using System.Collections.Concurrent;
using Akka.Actor;
using Firecloud.Actors.Transport;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Transport.Sealing;

public class ReplayTests(ITestOutputHelper output)
{
    private const string Secret = "a secret of the members";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Whatever_was_recorded_in_several_sessions_and_lives_changes_nothing(bool isSealed)
    {
        var hocon = isSealed ? SealedSystemTests.Members(Secret) : "";
        var (fromA, fromB) = (new ConcurrentQueue<byte[]>(), new ConcurrentQueue<byte[]>());
        await using var a = UdpSystem.Start(hocon: hocon);
        var b = UdpSystem.Start(hocon: hocon);
        await Record(a, b, fromA);
        await Record(b, a, fromB);
        await Talk(a, b);
        await a.Manage(new RenewSession(b.Address));  // a goodbye, and a second session
        await Talk(a, b);
        await b.Crash();                              // a Reset from the next life
        b = UdpSystem.Start(b.Address.Port!.Value, hocon);
        await Record(b, a, fromB);
        await Talk(a, b);
        await b.Manage(new RenewSession(a.Address));
        await Talk(b, a);
        await Talk(a, b);
        await using var last = b;
        var kinds = fromA.Concat(fromB).Select(d => (DatagramKind)d[1]).ToHashSet();
        Assert.Superset(new HashSet<DatagramKind> { DatagramKind.Hello, DatagramKind.Retry, DatagramKind.HelloAck, DatagramKind.Data }, kinds);

        await a.Fault(b, null);
        await b.Fault(a, null);
        var (before, events) = (await Associations(a, b), await Watch(a, b));
        b.At(a, "recorder").Tell("before");
        a.At(b, "recorder").Tell("before");
        await UdpSystem.Until(() => a.Received.Contains("before") && b.Received.Contains("before"), "messages before");
        var (receivedByA, receivedByB) = (a.Received.Count, b.Received.Count);
        var random = new Random(11);
        foreach (var (sender, target, recorded) in new[] { (a, b, fromA.ToArray()), (b, a, fromB.ToArray()), (a, b, fromB.ToArray()) })
        {
            random.Shuffle(recorded);
            foreach (var datagram in recorded.Concat(recorded.Where(d => d[1] != (byte)DatagramKind.Data)))
            {
                await sender.Manage(new Inject(target.Address, datagram));
            }
        }
        await Talk(a, b);
        await Talk(b, a);
        Assert.Empty(events);
        Assert.Equal(before, await Associations(a, b));
        Assert.Equal((receivedByA, receivedByB), (a.Received.Count, b.Received.Count));
        var (ofA, ofB) = (await a.Statistics(), await b.Statistics());
        Assert.Equal((0, 0), (ofA.InternalErrors, ofB.InternalErrors));
        if (isSealed) Assert.True(ofA.Replayed + ofB.Replayed > 10, $"{ofA.Replayed} and {ofB.Replayed} replayed");
        output.WriteLine($"{fromA.Count + fromB.Count} recorded: {string.Join(", ", kinds)}; {ofB.Replayed} replayed, {ofB.UnknownSession} of no session");
    }

    // The worst that a recording can hold: a Hello whose cookie is still good and which never arrived, of a life that is over.
    [Fact]
    public async Task A_Hello_with_a_good_cookie_that_never_arrived_does_not_end_the_next_session()
    {
        var hocon = SealedSystemTests.Members(Secret);
        var hellos = new ConcurrentQueue<byte[]>();
        await using var b = UdpSystem.Start(hocon: hocon);
        var a = UdpSystem.Start(hocon: hocon);
        // The first one asks for a cookie, all others have it.
        await a.Fault(b, new LinkFault { Tap = d => { hellos.Enqueue(d); return hellos.Count == 1; } });
        a.At(b, "echo").Tell("hi");
        await UdpSystem.Until(() => hellos.Count > 3, "Hellos with a cookie");
        await a.Crash();
        Assert.All((await b.Statistics()).Peers, p => Assert.False(p.Connected));
        await using var again = UdpSystem.Start(a.Address.Port!.Value, hocon);
        await Talk(again, b);
        var (before, events) = (await Associations(again, b), await Watch(again, b));
        var answers = new ConcurrentQueue<byte[]>();
        await b.Fault(again, new LinkFault { Tap = d => { answers.Enqueue(d); return true; } });
        foreach (var hello in hellos) await again.Manage(new Inject(b.Address, hello));
        await UdpSystem.Until(() => answers.Any(d => d[1] == (byte)DatagramKind.HelloAck), "the cookie was good");
        await Talk(again, b);
        await Talk(b, again);
        Assert.Empty(events);
        Assert.Equal(before, await Associations(again, b));
    }

    [Fact]
    public async Task A_Reset_counts_only_for_a_packet_that_nobody_answered()
    {
        // Without a secret anybody can make one, but not without knowing what is under way.
        await using var a = UdpSystem.Start();
        await using var b = UdpSystem.Start();
        var sent = new ConcurrentQueue<byte[]>();
        await Record(a, b, sent);
        await Talk(a, b);
        var events = await Watch(a, b);
        var data = sent.Last(d => d[1] == (byte)DatagramKind.Data);
        Assert.True(DatagramHeader.TryParse(data, out var header));
        foreach (var number in (long[])[0, header.Number, header.Number + 100_000])
        {
            await UdpSystem.Until(() => a.Peer(b).Result.BytesInFlight == 0, "all is answered");
            var reset = new byte[28];
            (header with { Kind = DatagramKind.Reset, Number = number }).Write(reset);
            ChecksumSeal.Instance.Close(reset);
            await b.Manage(new Inject(a.Address, reset));
        }
        await Talk(a, b);
        Assert.Empty(events);
    }

    private static async Task Talk(UdpSystem a, UdpSystem b)
    {
        await a.AskUntilAnswered(b, Patience);
        await b.AskUntilAnswered(a, Patience);
    }

    private static Task Record(UdpSystem from, UdpSystem to, ConcurrentQueue<byte[]> queue) => from.Fault(to, new LinkFault
    {
        Tap = datagram =>
        {
            queue.Enqueue(datagram);
            return true;
        },
    });

    private static async Task<(int, int)> Associations(UdpSystem a, UdpSystem b) => ((await a.Peer(b)).Associations, (await b.Peer(a)).Associations);

    private static Task<ConcurrentQueue<object>> Watch(params UdpSystem[] systems)
    {
        var seen = new ConcurrentQueue<object>();
        foreach (var system in systems)
        {
            var actor = system.System.ActorOf(Props.Create(() => new Listener(seen)));
            system.System.EventStream.Subscribe(actor, typeof(PeerReachable));
            system.System.EventStream.Subscribe(actor, typeof(PeerUnreachable));
        }
        return Task.FromResult(seen);
    }

    private sealed class Listener(ConcurrentQueue<object> seen) : UntypedActor
    {
        protected override void OnReceive(object message) => seen.Enqueue(message);
    }
}
