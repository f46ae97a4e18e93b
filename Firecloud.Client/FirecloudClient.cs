using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Master;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;

namespace Firecloud.Client;

/// <summary>A linearizable key-value store. Thread-safe; use one for the life of the application.</summary>
/// <remarks>Every operation is tried at other nodes by itself until its time is up, and takes effect at most once.</remarks>
public sealed class FirecloudClient : IAsyncDisposable
{
    private readonly ActorSystem _system;
    private readonly IStore _store;
    private readonly FirecloudClientOptions _options;
    private readonly bool _ownsSystem;
    private readonly ConcurrentDictionary<PendingCall, bool> _underWay = [];
    private volatile bool _closed;

    private FirecloudClient(ActorSystem system, IStore store, FirecloudClientOptions options, bool ownsSystem)
    {
        (_system, _store, _options, _ownsSystem) = (system, store, options, ownsSystem);
        _ = system.WhenTerminated.ContinueWith(_ => RefuseRest(), TaskScheduler.Default);
    }

    /// <summary>What an application's own ActorSystem needs in its configuration for <c>For</c>.</summary>
    public static Config ActorSystemConfig => FirecloudNode.AkkaConfig.WithFallback(UdpTransport.DefaultConfig());

    /// <summary>Connects with an ActorSystem of its own.</summary>
    /// <param name="nodes">host:port of one node or more; the others are learnt from it.</param>
    /// <exception cref="FirecloudException">No node answered within <see cref="FirecloudClientOptions.ConnectTimeout"/>.</exception>
    /// <exception cref="ArgumentException">An address is not host:port.</exception>
    public static Task<FirecloudClient> ConnectAsync(params string[] nodes) => ConnectAsync(nodes, new FirecloudClientOptions());

    /// <summary>Connects with an ActorSystem of its own.</summary>
    /// <param name="nodes">host:port of one node or more; the others are learnt from it.</param>
    /// <param name="options">How the client behaves.</param>
    /// <param name="cancellationToken">Stops waiting for the first node.</param>
    /// <exception cref="FirecloudException">No node answered within <see cref="FirecloudClientOptions.ConnectTimeout"/>, or the
    /// secret can't be used.</exception>
    /// <exception cref="ArgumentException">An address is not host:port.</exception>
    public static async Task<FirecloudClient> ConnectAsync(
        IReadOnlyList<string> nodes, FirecloudClientOptions options, CancellationToken cancellationToken = default)
    {
        var members = Addresses(nodes);
        var config = ConfigurationFactory.ParseString($$"""
            akka.remote.firecloud-udp.hostname = "{{OwnAddress(members[0])}}"
            akka.loglevel = ERROR
            akka.stdout-loglevel = ERROR
            akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
            akka.remote.firecloud-udp.allow-insecure = {{(options.AllowInsecure ? "on" : "off")}}
            akka.remote.firecloud-udp.secrets = [{{(options.Secret is null ? "" : Quoted(options.Secret))}}]
            """);
        var system = AkkaNoise.CreateSystem("firecloud-client", Checked(config.WithFallback(ActorSystemConfig)));
        var client = new FirecloudClient(system, new RemoteStore(system, members, options), options, ownsSystem: true);
        try
        {
            await client._store.ConnectedAsync(options.ConnectTimeout, cancellationToken).ConfigureAwait(false);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Uses an application's own ActorSystem: the node in it, if it runs one and no addresses are given.</summary>
    /// <param name="system">A system whose configuration includes <see cref="ActorSystemConfig"/>, or a node's.</param>
    /// <param name="nodes">host:port of nodes elsewhere.</param>
    /// <exception cref="ArgumentException">No address where there is no node, an address that is not host:port, or the transport is missing.</exception>
    public static FirecloudClient For(ActorSystem system, params string[] nodes) => For(system, new FirecloudClientOptions(), nodes);

    /// <summary>Uses an application's own ActorSystem: the node in it, if it runs one and no addresses are given.</summary>
    /// <param name="system">A system whose configuration includes <see cref="ActorSystemConfig"/>, or a node's.</param>
    /// <param name="options">How the client behaves.</param>
    /// <param name="nodes">host:port of nodes elsewhere.</param>
    /// <exception cref="ArgumentException">No address where there is no node, an address that is not host:port, or the transport is missing.</exception>
    public static FirecloudClient For(ActorSystem system, FirecloudClientOptions options, params string[] nodes)
    {
        if (nodes.Length == 0 && FirecloudNode.Find(system) is { } node)
        {
            options = options with { NodeSystemName = system.Name };
            return new FirecloudClient(system, new LocalStore(node), options, ownsSystem: false);
        }
        var transports = system.Settings.Config.GetStringList("akka.remote.enabled-transports", []);
        if (!transports.Contains("akka.remote.firecloud-udp"))
        {
            throw new ArgumentException(
                $"The ActorSystem {system.Name} has no UDP transport; add FirecloudClient.ActorSystemConfig to its configuration.",
                nameof(system));
        }
        return new FirecloudClient(system, new RemoteStore(system, Addresses(nodes), options), options, ownsSystem: false);
    }

    /// <summary>Reads a key.</summary>
    /// <param name="key">1 byte to the nodes' limit, as UTF-8.</param>
    /// <param name="timeout">Instead of <see cref="FirecloudClientOptions.OperationTimeout"/>.</param>
    /// <param name="cancellationToken">Gives up: the answer is then Refused with <see cref="RefusalReason.Cancelled"/>.</param>
    /// <returns>The value and its version, null for none.</returns>
    public async ValueTask<Answer<Entry?>> GetAsync(
        StoreKey key, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Convert(await RunAsync(key, Operation.Get, timeout, cancellationToken).ConfigureAwait(false), EntryOf);

    /// <summary>Sets a key.</summary>
    /// <param name="key">1 byte to the nodes' limit, as UTF-8.</param>
    /// <param name="value">Up to the nodes' limit; not copied, don't change it before the task ends.</param>
    /// <param name="timeout">Instead of <see cref="FirecloudClientOptions.OperationTimeout"/>.</param>
    /// <param name="cancellationToken">Gives up: the answer is then Refused, or Unknown if something was sent.</param>
    /// <returns>The version written.</returns>
    public async ValueTask<Answer<Version>> PutAsync(
        StoreKey key, StoreValue value, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Convert(await RunAsync(key, Operation.Put(value.Bytes ?? []), timeout, cancellationToken).ConfigureAwait(false), r => r.Version);

    /// <summary>Sets a key to a value that expires, by the clock of the node that owns the key.</summary>
    /// <param name="key">1 byte to the nodes' limit, as UTF-8.</param>
    /// <param name="value">Up to the nodes' limit; not copied, don't change it before the task ends.</param>
    /// <param name="expiresAt">When it expires, to the millisecond; in the past it is gone at once.</param>
    /// <param name="timeout">Instead of <see cref="FirecloudClientOptions.OperationTimeout"/>.</param>
    /// <param name="cancellationToken">Gives up: the answer is then Refused, or Unknown if something was sent.</param>
    /// <returns>The version written.</returns>
    public async ValueTask<Answer<Version>> PutUntilAsync(
        StoreKey key, StoreValue value, DateTimeOffset expiresAt, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var put = Operation.Put(value.Bytes ?? []) with { ExpiresAt = Math.Max(1, expiresAt.ToUnixTimeMilliseconds()) };
        return Convert(await RunAsync(key, put, timeout, cancellationToken).ConfigureAwait(false), r => r.Version);
    }

    /// <summary>Sets a key and returns what was there. Costs a look-up where the owner has not seen the key lately.</summary>
    /// <inheritdoc cref="PutAsync"/>
    public async ValueTask<Answer<Replaced>> PutReturningOldAsync(
        StoreKey key, StoreValue value, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Convert(await RunAsync(key, Operation.Put(value.Bytes ?? [], true), timeout, cancellationToken).ConfigureAwait(false), ReplacedOf);

    /// <summary>Removes a key, whether it is there or not.</summary>
    /// <inheritdoc cref="PutAsync"/>
    public async ValueTask<Answer<bool>> DeleteAsync(
        StoreKey key, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Convert(await RunAsync(key, Operation.Delete(), timeout, cancellationToken).ConfigureAwait(false), _ => true);

    /// <summary>Removes a key and returns what was there.</summary>
    /// <inheritdoc cref="PutAsync"/>
    public async ValueTask<Answer<Replaced>> DeleteReturningOldAsync(
        StoreKey key, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Convert(await RunAsync(key, Operation.Delete(true), timeout, cancellationToken).ConfigureAwait(false), ReplacedOf);

    /// <summary>Sets a key if its value is the expected one.</summary>
    /// <param name="key">1 byte to the nodes' limit, as UTF-8.</param>
    /// <param name="expected">The value expected; null for none.</param>
    /// <param name="value">The new value; null removes the key.</param>
    /// <param name="timeout">Instead of <see cref="FirecloudClientOptions.OperationTimeout"/>.</param>
    /// <param name="cancellationToken">Gives up: the answer is then Refused, or Unknown if something was sent.</param>
    public async ValueTask<Answer<Swap>> CompareAndSetAsync(
        StoreKey key, StoreValue? expected, StoreValue? value, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var operation = Operation.CompareAndSet(expected?.Bytes, value?.Bytes);
        return Convert(await RunAsync(key, operation, timeout, cancellationToken).ConfigureAwait(false), SwapOf);
    }

    /// <summary>Sets a key if its version is the expected one.</summary>
    /// <param name="key">1 byte to the nodes' limit, as UTF-8.</param>
    /// <param name="expected">A version from an earlier answer; <see cref="Version.None"/> for an absent key.</param>
    /// <param name="value">The new value; null removes the key.</param>
    /// <param name="timeout">Instead of <see cref="FirecloudClientOptions.OperationTimeout"/>.</param>
    /// <param name="cancellationToken">Gives up: the answer is then Refused, or Unknown if something was sent.</param>
    public async ValueTask<Answer<Swap>> CompareAndSetAsync(
        StoreKey key, Version expected, StoreValue? value, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var operation = Operation.CompareAndSet(expected, value?.Bytes);
        return Convert(await RunAsync(key, operation, timeout, cancellationToken).ConfigureAwait(false), SwapOf);
    }

    /// <summary>Adds to a whole number of 64 bits kept as decimal text; an absent key counts as 0.</summary>
    /// <param name="key">1 byte to the nodes' limit, as UTF-8.</param>
    /// <param name="delta">What to add.</param>
    /// <param name="timeout">Instead of <see cref="FirecloudClientOptions.OperationTimeout"/>.</param>
    /// <param name="cancellationToken">Gives up: the answer is then Refused, or Unknown if something was sent.</param>
    /// <returns>The sum; Refused when the value is not such a number or the sum would not be one.</returns>
    public async ValueTask<Answer<long>> IncrementAsync(
        StoreKey key, long delta = 1, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var result = await RunAsync(key, Operation.Increment(delta), timeout, cancellationToken).ConfigureAwait(false);
        if (result is { Kind: ResultKind.Done, Outcome: Outcome.NotANumber })
        {
            return new Refused<long>(
                RefusalReason.BadRequest, $"The value is not a whole number of 64 bits to which {delta} can be added. Nothing was written.", 0, 0);
        }
        return Convert(result, r => r.Number);
    }

    /// <summary>A node's own view of itself and the others.</summary>
    /// <param name="node">host:port.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <exception cref="FirecloudException">The node did not answer.</exception>
    public async Task<NodeStatus> StatusAsync(string node, TimeSpan timeout) =>
        await AskAsync(node, FirecloudNode.ClientsName, new StatusRequest(), timeout).ConfigureAwait(false) is StatusReply reply
            ? NodeStatus.FromJson(reply.Json)!
            : throw new FirecloudException($"{node} gave no status; is it of another version?");

    /// <summary>Gives a node an operator's order.</summary>
    internal async Task<AdminReply> OrderAsync(string node, AdminOrder order, TimeSpan timeout) =>
        await AskAsync(node, "master", new AdminRequest(order), timeout).ConfigureAwait(false) is AdminReply reply
            ? reply
            : throw new FirecloudException($"{node} does not know the order {order}; is it of another version?");

    /// <summary>host:port of the nodes that the client was given.</summary>
    internal IReadOnlyList<string> Contacts => _store.Contacts;

    /// <summary>Whatever is written from now on gets versions above this one.</summary>
    internal async Task RaiseFloorsAsync(Version floor, CancellationToken cancellationToken)
    {
        await _store.ConnectedAsync(_options.ConnectTimeout, cancellationToken).ConfigureAwait(false);
        _store.RaiseFloors(floor);
    }

    private async Task<object> AskAsync(string node, string actor, object message, TimeSpan timeout) =>
        new Codec(Votes.MaxMembers, 65536).Decode((await AskFrameAsync(node, actor, message, timeout).ConfigureAwait(false)).Bytes);

    /// <summary>Asks an actor of a node.</summary>
    /// <exception cref="FirecloudException">No answer came in time.</exception>
    internal async Task<Frame> AskFrameAsync(
        string node, string actor, object message, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var path = $"akka.udp://{_options.NodeSystemName}@{Addresses([node])[0]}/user/{FirecloudNode.ActorName}/{actor}";
        var target = ((ExtendedActorSystem)_system).Provider.ResolveActorRef(path);
        try
        {
            return await target.Ask<Frame>(NodeContext.EncodeForAll(message), timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (AskTimeoutException e)
        {
            throw new FirecloudException($"{node} did not answer within {timeout.TotalMilliseconds:0} ms."
                + (_options.Secret is null || message is not (AdminRequest or ScanQuestion) ? ""
                    : $" {(message is AdminRequest ? "Orders" : "Backups")} need the members' secret."), e);
        }
    }

    /// <summary>Closes the client. Operations under way are answered: refused, or unknown if something was sent.</summary>
    public async ValueTask DisposeAsync()
    {
        _closed = true;
        if (_store is RemoteStore remote)
        {
            await remote.Actor.GracefulStop(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
            RefuseRest();
        }
        if (_ownsSystem) await _system.Terminate().ConfigureAwait(false);
    }

    internal async Task<OperationResult> RunAsync(
        StoreKey key, Operation operation, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        if (key.Bytes is not { Length: > 0 }) return OperationResult.Refused(RefusalReason.BadRequest, "The key is empty; a key has at least one byte.");
        var time = timeout is null ? _options.OperationTimeout : FirecloudClientOptions.Checked(timeout.Value, nameof(timeout));
        var call = new PendingCall(new Key(key.Bytes), operation, (int)time.TotalMilliseconds);
        _underWay.TryAdd(call, true);
        try
        {
            if (_closed) return ClosedBefore;
            _store.Submit(call);
            if (!cancellationToken.CanBeCanceled) return await call.Task.ConfigureAwait(false);
            using var registration = cancellationToken.Register(() => _store.Cancel(call));
            return await call.Task.ConfigureAwait(false);
        }
        finally
        {
            _underWay.TryRemove(call, out _);
        }
    }

    private static OperationResult ClosedBefore { get; } =
        OperationResult.Refused(RefusalReason.NotReady, "The client or its ActorSystem was closed. Nothing was written.");

    // The actor that stopped has answered what it had taken; what is left never got to it, or its system is gone.
    private void RefuseRest()
    {
        _closed = true;
        foreach (var call in _underWay.Keys) call.Complete(ClosedBefore);
    }

    private static Answer<T> Convert<T>(in OperationResult result, Func<OperationResult, T> done) => result.Kind switch
    {
        ResultKind.Done => new Done<T>(done(result)),
        ResultKind.Refused => new Refused<T>(result.Reason, result.Message ?? "", result.VotesReachable, result.VotesNeeded),
        _ => new Unknown<T>(result.Message ?? ""),
    };

    private static Entry? EntryOf(OperationResult result) => result.Value is null ? null : new Entry(result.Value, result.Version);

    private static Replaced ReplacedOf(OperationResult result) =>
        // Not "null : …": that null would become an empty value, by way of the conversion from an array.
        new(result.Value is null ? default(ReadOnlyMemory<byte>?) : result.Value, result.ValueKnown, result.Version);

    private static Swap SwapOf(OperationResult result) => result.Outcome == Outcome.Applied
        ? new Swap(true, result.Version, null)
        : new Swap(false, Version.None, result.ValueKnown ? EntryOf(result) : null);

    /// <summary>A text as HOCON has it.</summary>
    internal static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static Config Checked(Config config)
    {
        try
        {
            _ = new UdpSettings(config.GetConfig(UdpSettings.Section));
            return config;
        }
        catch (ConfigurationException e)
        {
            throw new FirecloudException(e.Message, e);
        }
    }

    private static List<Member> Addresses(IReadOnlyList<string> nodes)
    {
        if (nodes.Count == 0) throw new ArgumentException("No node was named; give at least one as host:port.", nameof(nodes));
        var members = new List<Member>();
        foreach (var text in nodes)
        {
            if (NodeSettings.TryReadAddress(text, out var member) is { } wrong) throw new ArgumentException(wrong, nameof(nodes));
            members.Add(member);
        }
        return members;
    }

    // The address that this machine would send from: nodes answer to it. Connecting a UDP socket sends nothing.
    private static string OwnAddress(Member node)
    {
        try
        {
            using var probe = new UdpClient();
            probe.Connect(node.Host, node.Port);
            return ((IPEndPoint)probe.Client.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException e)
        {
            throw new FirecloudException($"{node} can't be reached: {e.Message}. Check the host name.", e);
        }
    }
}

/// <summary>A key, from text (as UTF-8) or bytes.</summary>
/// <param name="Bytes">The bytes.</param>
public readonly record struct StoreKey(byte[] Bytes)
{
    /// <summary>From text.</summary>
    public static implicit operator StoreKey(string text) => new(Encoding.UTF8.GetBytes(text));

    /// <summary>From bytes.</summary>
    public static implicit operator StoreKey(byte[] bytes) => new(bytes);

    /// <summary>From text.</summary>
    public static StoreKey FromString(string text) => text;

    /// <summary>From bytes.</summary>
    public static StoreKey FromByteArray(byte[] bytes) => bytes;
}

/// <summary>A value, from text (as UTF-8) or bytes.</summary>
/// <param name="Bytes">The bytes.</param>
public readonly record struct StoreValue(byte[] Bytes)
{
    /// <summary>From text.</summary>
    public static implicit operator StoreValue(string text) => new(Encoding.UTF8.GetBytes(text));

    /// <summary>From bytes.</summary>
    public static implicit operator StoreValue(byte[] bytes) => new(bytes);

    /// <summary>From bytes.</summary>
    public static implicit operator StoreValue(ReadOnlyMemory<byte> bytes) => new(bytes.ToArray());

    /// <summary>From text.</summary>
    public static StoreValue FromString(string text) => text;

    /// <summary>From bytes.</summary>
    public static StoreValue FromByteArray(byte[] bytes) => bytes;

    /// <summary>From bytes.</summary>
    public static StoreValue FromReadOnlyMemory(ReadOnlyMemory<byte> bytes) => bytes;
}
