using System.Globalization;
using Firecloud.Bench.Load;
using Grpc.Core;
using Grpc.Net.Client;

namespace Firecloud.Bench.Peers.Etcd;

/// <summary>etcd: three members with their default settings, asked by gRPC.</summary>
internal sealed class EtcdServers : IPeer
{
    private const int Members = 3;
    private const int MostChannels = 12;

    private readonly List<ServerProcess> _servers = [];
    private readonly List<GrpcChannel> _channels = [];
    private int[] _ports = [];

    private EtcdServers() { }

    public IReadOnlyList<ServerProcess> Servers => _servers;

    public static async Task<EtcdServers> StartAsync(string folder)
    {
        var etcd = new EtcdServers { _ports = ServerProcess.FreePorts(Members) };
        var peers = ServerProcess.FreePorts(Members);
        var cluster = string.Join(',', peers.Select((p, i) => $"m{i}={Url(p)}"));
        try
        {
            for (var i = 0; i < Members; i++)
            {
                etcd._servers.Add(ServerProcess.Start(
                    "etcd", folder, "--name", $"m{i}", "--data-dir", Path.Combine(folder, $"m{i}"), "--initial-cluster", cluster,
                    "--listen-peer-urls", Url(peers[i]), "--initial-advertise-peer-urls", Url(peers[i]),
                    "--listen-client-urls", Url(etcd._ports[i]), "--advertise-client-urls", Url(etcd._ports[i]), "--logger", "zap", "--log-level", "error",
                    "--quota-backend-bytes", "8589934592"));   // 2 GiB by default, which growth would fill
            }
            await Patience.UntilAsync("etcd", etcd._servers, etcd.IsReadyAsync);
            return etcd;
        }
        catch
        {
            await etcd.DisposeAsync();
            throw;
        }
    }

    /// <summary>At most twelve channels, each a TCP connection, spread over the members and shared by the callers.</summary>
    public Task<IReadOnlyList<IConnection>> ConnectAsync(int connections, Dataset data)
    {
        while (_channels.Count < Math.Min(connections, MostChannels)) _channels.Add(Channel(_channels.Count));
        return Task.FromResult<IReadOnlyList<IConnection>>(
            [.. Enumerable.Range(0, connections).Select(i => new EtcdConnection(_channels[i % _channels.Count].CreateCallInvoker(), data))]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels) channel.Dispose();
        foreach (var server in _servers) await server.DisposeAsync();
    }

    private async Task<bool> IsReadyAsync()
    {
        for (var i = 0; i < Members; i++)
        {
            using var channel = Channel(i);
            await new EtcdConnection(channel.CreateCallInvoker(), new Dataset(1)).PutAsync("ready"u8.ToArray(), "yes"u8.ToArray());
        }
        return true;
    }

    private GrpcChannel Channel(int index) => GrpcChannel.ForAddress(Url(_ports[index % Members]), new GrpcChannelOptions { MaxReceiveMessageSize = null });

    private static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}

/// <summary>Calls by one channel of gRPC.</summary>
internal sealed class EtcdConnection(CallInvoker invoker, Dataset data) : IConnection
{
    private static readonly Marshaller<byte[]> AsIs = Marshallers.Create<byte[]>(b => b, b => b);
    private static readonly Method<byte[], byte[]> Put = Unary("Put");
    private static readonly Method<byte[], byte[]> Range = Unary("Range");
    private static readonly Method<byte[], byte[]> Txn = Unary("Txn");

    public void Begin(Call call) => _ = RunAsync(call);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Sets a key.</summary>
    /// <exception cref="RpcException">It could not be done.</exception>
    public Task PutAsync(byte[] key, byte[] value) => AskAsync(Put, EtcdMessages.Put(key, value));

    private async Task RunAsync(Call call)
    {
        bool done;
        try
        {
            var (key, value) = (data.Key(call.Key), data.Value(call.Key));
            switch (call.Kind)
            {
                case Kind.Get:
                    done = EtcdMessages.ValueLength(await AskAsync(Range, EtcdMessages.Range(key))) == data.Bytes;
                    break;
                case Kind.Put:
                    await PutAsync(key, value);
                    done = true;
                    break;
                default:
                    done = EtcdMessages.Succeeded(await AskAsync(Txn, EtcdMessages.Swap(key, value, value)));
                    break;
            }
        }
        catch (RpcException)
        {
            done = false;   // counted, and the load goes on
        }
        call.End(done);
    }

    private async Task<byte[]> AskAsync(Method<byte[], byte[]> method, byte[] request)
    {
        using var call = invoker.AsyncUnaryCall(method, null, default, request);
        return await call.ResponseAsync;
    }

    private static Method<byte[], byte[]> Unary(string name) => new(MethodType.Unary, "etcdserverpb.KV", name, AsIs, AsIs);
}
