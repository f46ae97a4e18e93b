// UdpSystem.cs - an ActorSystem on the UDP transport for tests: port from the OS, no shutdown hooks, quiet log.
using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

/// <summary>Disposing crashes the transport first, so that no test waits for a graceful end.</summary>
internal sealed class UdpSystem : IAsyncDisposable
{
    private const string Base = """
        akka {
          loglevel = WARNING
          stdout-loglevel = OFF
          loggers = []
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
          actor.provider = remote
          coordinated-shutdown {
            run-by-clr-shutdown-hook = off
            run-by-actor-system-terminate = off
            terminate-actor-system = off
            exit-clr = off
          }
          remote {
            enabled-transports = ["akka.remote.firecloud-udp"]
            retry-gate-closed-for = 200 ms
            handshake-timeout = 5 s
            backoff-interval = 10 ms
            use-passive-connections = on
            quarantine-after-silence = 3650 d
            initial-system-message-delivery-timeout = 3650 d
            transport-failure-detector.heartbeat-interval = 5 s
            transport-failure-detector.acceptable-heartbeat-pause = 3650 d
            watch-failure-detector.acceptable-heartbeat-pause = 3650 d
          }
        }
        """;

    private UdpSystem(ActorSystem system)
    {
        System = system;
        Address = ((ExtendedActorSystem)system).Provider.DefaultAddress;
        System.ActorOf(Props.Create(() => new Recorder(Received)), "recorder");
        System.ActorOf(Props.Create(() => new Echo()), "echo");
    }

    public ActorSystem System { get; }

    public Address Address { get; }

    public ConcurrentQueue<object> Received { get; } = new();

    public static UdpSystem Start(int port = 0, string hocon = "", string name = "test") => new(ActorSystem.Create(name,
        ConfigurationFactory.ParseString($"{hocon}\nakka.remote.firecloud-udp.port = {port}")
            .WithFallback(ConfigurationFactory.ParseString(Base)).WithFallback(UdpTransport.DefaultConfig())));

    /// <summary>A reference without uid, so that it outlives the other side's restarts.</summary>
    public ActorSelection At(UdpSystem other, string actor) => System.ActorSelection($"{other.Address}/user/{actor}");

    public Task Manage(object command) => UdpTransport.Manage(System, command);

    public Task Fault(UdpSystem other, LinkFault? fault) => Manage(new SetLinkFault(other.Address, fault));

    public async Task<TransportStatistics> Statistics() => (await UdpTransport.StatisticsOf(System))!;

    public async Task<PeerStatistics> Peer(UdpSystem other) => (await Statistics()).Peers.Single(p => other.Address.Equals(p.Peer));

    /// <summary>Asks again and again until there is an answer.</summary>
    public async Task<TimeSpan> AskUntilAnswered(UdpSystem other, TimeSpan limit)
    {
        var watch = global::System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await At(other, "echo").Ask<string>("hi", TimeSpan.FromMilliseconds(300));
                return watch.Elapsed;
            }
            catch (AskTimeoutException) when (watch.Elapsed < limit)
            {
                // Asked again: that is the point.
            }
        }
    }

    /// <summary>Waits until a condition holds; fails with what is missing.</summary>
    public static async Task Until(Func<bool> condition, string what, double seconds = 10)
    {
        var watch = global::System.Diagnostics.Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed.TotalSeconds < seconds, $"not within {seconds} s: {what}");
            await Task.Delay(5);
        }
    }

    public async Task Crash()
    {
        await Manage(new Crash());
        await System.Terminate();
    }

    public async ValueTask DisposeAsync()
    {
        if (!System.WhenTerminated.IsCompleted) await Crash();
    }

    private sealed class Recorder : UntypedActor
    {
        private readonly ConcurrentQueue<object> _to;

        public Recorder(ConcurrentQueue<object> to) => _to = to;

        protected override void OnReceive(object message) => _to.Enqueue(message);
    }

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message);
    }
}
