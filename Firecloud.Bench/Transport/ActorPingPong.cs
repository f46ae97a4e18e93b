using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Transport;

namespace Firecloud.Bench.Transport;

/// <summary>Pairs of actors in two ActorSystems of this process.</summary>
internal sealed class ActorPingPong : IPingPong
{
    public const string Udp = "UDP";
    public const string UdpSingly = "UDP singly";
    public const string DotNetty = "DotNetty";

    private readonly ActorSystem _left;
    private readonly ActorSystem _right;
    private readonly List<Counter> _counters = [];

    private ActorPingPong(string name, ActorSystem left, ActorSystem right) => (Name, _left, _right) = (name, left, right);

    public string Name { get; }

    public long Messages => _counters.Sum(c => Volatile.Read(ref c.Value));

    /// <summary>Starts both sides and lets every pair begin.</summary>
    /// <param name="transport"><see cref="Udp"/>, the same with a system call for each datagram (<see cref="UdpSingly"/>), or <see cref="DotNetty"/>.</param>
    /// <param name="size">Bytes of a message.</param>
    /// <param name="load">Pairs, messages under way, datagrams.</param>
    public static async Task<IPingPong> StartAsync(string transport, int size, Load load)
    {
        var pingPong = new ActorPingPong(transport, Create("left", transport, load), Create("right", transport, load));
        var there = ((ExtendedActorSystem)pingPong._right).Provider.DefaultAddress;
        for (var i = 0; i < load.Pairs; i++)
        {
            pingPong._right.ActorOf(Props.Create(() => new Echo()), $"echo{i}");
            var echo = await pingPong._left.ActorSelection($"{there}/user/echo{i}").ResolveOne(TimeSpan.FromSeconds(20));
            var counter = new Counter();
            pingPong._counters.Add(counter);
            pingPong._left.ActorOf(Props.Create(() => new Pinger(echo, size, load.Depth, counter)));
        }
        return pingPong;
    }

    public async ValueTask DisposeAsync()
    {
        await _left.Terminate();
        await _right.Terminate();
    }

    private static ActorSystem Create(string name, string transport, Load load)
    {
        var enabled = transport != DotNetty ? "akka.remote.firecloud-udp" : "akka.remote.dot-netty.tcp";
        var config = ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = ERROR
              stdout-loglevel = OFF
              loggers = []
              log-dead-letters = off
              log-dead-letters-during-shutdown = off
              actor.provider = remote
              coordinated-shutdown.run-by-clr-shutdown-hook = off
              remote {
                enabled-transports = ["{{enabled}}"]
                firecloud-udp.max-datagram-loopback = {{load.Datagram}}
                {{(transport == UdpSingly ? "firecloud-udp.datagrams-per-call = 1" : "")}}
                dot-netty.tcp {
                  hostname = "127.0.0.1"
                  port = 0
                  maximum-frame-size = 4 MiB
                }
              }
            }
            """);
        return ActorSystem.Create(name, config.WithFallback(UdpTransport.DefaultConfig()));
    }

    /// <summary>Padded, so that pairs on different cores don't share a cache line.</summary>
    private sealed class Counter
    {
        public long Value;
#pragma warning disable CS0169, IDE0051   // room only
        private readonly long _a, _b, _c, _d, _e, _f, _g;
#pragma warning restore CS0169, IDE0051
    }

    private sealed class Echo : UntypedActor
    {
        protected override void OnReceive(object message) => Sender.Tell(message, Self);
    }

    private sealed class Pinger(IActorRef echo, int size, int depth, Counter counter) : UntypedActor
    {
        protected override void PreStart()
        {
            for (var i = 0; i < depth; i++) echo.Tell(new byte[size], Self);
        }

        protected override void OnReceive(object message)
        {
            counter.Value += 2;
            echo.Tell(message, Self);
        }
    }
}
