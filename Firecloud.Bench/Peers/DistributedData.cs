using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.DistributedData;
using Firecloud.Bench.Load;

namespace Firecloud.Bench.Peers;

/// <summary>
/// Akka.DistributedData: four ActorSystems in this process, over Akka's TCP transport, a register for each key, written and read by
/// majority. Its callers ask the replicator of their own system, so it is spared the way from a client to a server that all others have.
/// </summary>
internal sealed class DistributedDataPeer : IPeer
{
    private const int Nodes = 4;

    private readonly List<ActorSystem> _systems = [];

    private DistributedDataPeer() { }

    public IReadOnlyList<ServerProcess> Servers => [];

    public int FillDepth => 64;

    public static async Task<DistributedDataPeer> StartAsync()
    {
        var peer = new DistributedDataPeer();
        var ports = ServerProcess.FreePorts(Nodes);
        foreach (var port in ports)
        {
            var config = ConfigurationFactory.ParseString($$"""
                akka {
                  loglevel = OFF
                  stdout-loglevel = OFF
                  coordinated-shutdown.run-by-clr-shutdown-hook = off
                  actor.provider = cluster
                  remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{port}}, maximum-frame-size = 4 MiB }
                  # Gossip about ten thousand keys keeps a busy machine from answering heartbeats.
                  cluster.failure-detector.acceptable-heartbeat-pause = 30 s
                  cluster.seed-nodes = ["akka.tcp://ddata@127.0.0.1:{{ports[0]}}"]
                }
                """).WithFallback(DistributedData.DefaultConfig());
            var system = ActorSystem.Create("ddata", config);
            peer._systems.Add(system);
            _ = DistributedData.Get(system).Replicator;
        }
        await Patience.UntilAsync("Akka.DistributedData", [], async () =>
        {
            foreach (var system in peer._systems)
            {
                var count = await DistributedData.Get(system).Replicator.Ask<ReplicaCount>(Dsl.GetReplicaCount, TimeSpan.FromSeconds(1));
                if (count.N < Nodes) return false;
            }
            return true;
        });
        return peer;
    }

    public Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data) => Task.FromResult<IReadOnlyList<IConnection>>(
        [.. Enumerable.Range(0, connections).Select(i => new Connection(_systems[i % Nodes], data))]);

    public async ValueTask DisposeAsync()
    {
        foreach (var system in _systems) await system.Terminate();
    }

    private sealed class Connection(ActorSystem system, Dataset data) : IConnection
    {
        private static readonly TimeSpan Time = TimeSpan.FromSeconds(20);
        private static readonly WriteMajority Write = new(Time);
        private static readonly ReadMajority Read = new(Time);

        private readonly IActorRef _replicator = DistributedData.Get(system).Replicator;
        private readonly UniqueAddress _self = Akka.Cluster.Cluster.Get(system).SelfUniqueAddress;

        public void Begin(Call call) => _ = RunAsync(call);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async Task RunAsync(Call call)
        {
            bool done;
            try
            {
                var key = new LWWRegisterKey<byte[]>($"key:{call.Key:D10}");
                var value = data.Value(call.Key);
                done = call.Kind == Kind.Get
                    ? await _replicator.Ask(Dsl.Get(key, Read), Time) is GetSuccess found && found.Get(key).Value.Length == data.Bytes
                    : await _replicator.Ask(
                        Dsl.Update(key, new LWWRegister<byte[]>(_self, value), Write, r => r.WithValue(_self, value)), Time)
                        is UpdateSuccess;
            }
            catch (AskTimeoutException)
            {
                done = false;   // counted, and the load goes on
            }
            call.End(done);
        }
    }
}
