using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Node;
using Firecloud.Actors.Transport;
using Firecloud.Client;

namespace Firecloud.Bench.Cluster;

/// <summary>Four nodes in this process, an ActorSystem each, over the real transport on loopback; and clients of the library.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private const int Nodes = 4;

    private readonly int[] _ports = FreePorts();
    private readonly List<ActorSystem> _systems = [];
    private readonly List<FirecloudClient> _clients = [];

    private LocalCluster() { }

    public IReadOnlyList<FirecloudClient> Clients => _clients;

    /// <summary>Times that a node took another one for dead.</summary>
    public int Unreachable => _unreachable.Count;

    private readonly UnreachableCount _unreachable = new();

    /// <summary>Starts nodes and clients and waits until every client has been served.</summary>
    /// <param name="clients">Clients of the library, each with its own socket.</param>
    /// <param name="folder">Where the nodes keep their records; null: in memory.</param>
    public static async Task<LocalCluster> StartAsync(int clients, string? folder = null)
    {
        var cluster = new LocalCluster();
        var members = string.Join(", ", cluster._ports.Select(p => $"\"127.0.0.1:{p}\""));
        for (var i = 0; i < Nodes; i++)
        {
            var config = ConfigurationFactory.ParseString($$"""
                firecloud {
                  node = {{i}}
                  members = [{{members}}]
                  storage {
                    kind = {{(folder is null ? "memory" : "disk")}}
                    folder = "{{folder}}/node-{node}"
                  }
                }
                akka {
                  loglevel = OFF
                  stdout-loglevel = OFF
                  coordinated-shutdown.run-by-clr-shutdown-hook = off
                }
                """);
            var system = AkkaNoise.CreateSystem("firecloud", FirecloudNode.SystemConfig(config));
            cluster._systems.Add(system);
            FirecloudNode.Start(system);
            var count = cluster._unreachable;
            system.ActorOf(Props.Create(() => new UnreachableWatch(count)));
        }
        var options = new FirecloudClientOptions { ConnectTimeout = TimeSpan.FromSeconds(30), OperationTimeout = TimeSpan.FromSeconds(30) };
        for (var i = 0; i < clients; i++)
        {
            var client = await FirecloudClient.ConnectAsync([.. cluster._ports.Select(p => $"127.0.0.1:{p}")], options);
            cluster._clients.Add(client);
            while (!(await client.PutAsync("start", "v")).IsDone) await Task.Delay(50);
        }
        return cluster;
    }

    /// <summary>Makes every datagram between two nodes get lost with a probability, in each direction.</summary>
    public async Task LoseAsync(double share)
    {
        for (var at = 0; at < Nodes; at++)
        {
            for (var peer = 0; peer < Nodes; peer++)
            {
                if (at == peer) continue;
                var address = new Address("akka.udp", "firecloud", "127.0.0.1", _ports[peer]);
                await UdpTransport.Manage(_systems[at], new SetLinkFault(address, share == 0 ? null : new LinkFault { DropIn = share }));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) await client.DisposeAsync();
        await Task.WhenAll(_systems.Select(s => s.Terminate()));
    }

    private static int[] FreePorts()
    {
        var sockets = Enumerable.Range(0, Nodes).Select(_ => new UdpClient(new IPEndPoint(IPAddress.Loopback, 0))).ToArray();
        int[] ports = [.. sockets.Select(s => ((IPEndPoint)s.Client.LocalEndPoint!).Port)];
        foreach (var socket in sockets) socket.Dispose();
        return ports;
    }

    private sealed class UnreachableCount
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add() => Interlocked.Increment(ref _count);
    }

    private sealed class UnreachableWatch(UnreachableCount count) : UntypedActor
    {
        protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(PeerUnreachable));

        protected override void OnReceive(object message) => count.Add();
    }
}
