// UdpTransport.cs - Akka.Remote's transport over UDP: addresses akka.udp://system@host:port. Nothing in here knows what the
// messages mean; reliability and order are Session's, datagrams and threads UdpNode's.
//
// CONTRACT  Listen and Associate never throw and never hang: they fault, with what to do. During a cut associations stay open
//           and new messages are dropped, so that nothing is quarantined and the end of the cut is all it takes to go on.
using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;
using Akka.Remote.Transport;

namespace Firecloud.Actors.Transport;

/// <summary>Akka.Remote transport over UDP: in order, nothing lost or repeated while both processes live.</summary>
/// <remarks>Enable it with <c>akka.remote.enabled-transports = ["akka.remote.firecloud-udp"]</c> and
/// <see cref="DefaultConfig"/> as a fallback.</remarks>
public sealed class UdpTransport : Akka.Remote.Transport.Transport
{
    /// <summary>The scheme; Akka's addresses begin with akka.udp.</summary>
    public const string Scheme = "udp";

    private readonly UdpSettings _settings;
    private readonly ILoggingAdapter _log;
    private volatile UdpNode? _node;

    /// <summary>Called by Akka.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="config">The transport's section.</param>
    /// <exception cref="ConfigurationException">A value is missing or out of range.</exception>
    public UdpTransport(ActorSystem system, Config config)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(config);
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        _settings = new UdpSettings(config);
        MaximumPayloadBytes = _settings.MaximumFrameSize;
        var address = new Address("akka." + Scheme, system.Name, _settings.Hostname, ushort.MaxValue).ToString();
        if (address.Length > Hello.MaxAddress || !Ascii.IsValid(address))
        {
            throw new ConfigurationException(
                $"The address {address} must be ASCII and at most {Hello.MaxAddress} long; shorten hostname or the system's name.");
        }
        _log = Logging.GetLogger(system, typeof(UdpTransport));
    }

    /// <summary>Every key with its default, unit and reason: the path akka.remote.firecloud-udp.</summary>
    public static Config DefaultConfig() =>
        ConfigurationFactory.FromResource("Firecloud.Actors.Transport.udp-transport.conf", typeof(UdpTransport).Assembly);

    /// <summary>Sends a command (SetTextHandler, GetStatistics, SetLinkFault, Crash) to the transports of a system.</summary>
    /// <param name="system">A system with remoting.</param>
    /// <param name="command">The command.</param>
    /// <returns>Whether a transport took it.</returns>
    public static Task<bool> Manage(ActorSystem system, object command)
    {
        ArgumentNullException.ThrowIfNull(system);
        return ((IRemoteActorRefProvider)((ExtendedActorSystem)system).Provider).Transport.ManagementCommand(command);
    }

    /// <summary>A snapshot of the transport's counters.</summary>
    /// <param name="system">A system with this transport.</param>
    /// <returns>Null when the transport does not run (any more).</returns>
    public static async Task<TransportStatistics?> StatisticsOf(ActorSystem system)
    {
        TransportStatistics? statistics = null;
        await Manage(system, new GetStatistics(answer => statistics = answer)).ConfigureAwait(false);
        return statistics;
    }

    /// <inheritdoc/>
    public override async Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        var where = $"{_settings.Hostname}:{_settings.Port}";
        UdpNode node;
        try
        {
            var bind = await Resolve(_settings.Hostname).ConfigureAwait(false);
            _settings.RequireSecretBeyond(bind);
            node = new UdpNode(_settings, System, bind, _log);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new RemoteTransportException($"UDP {where} is in use. Stop the process that has it (ss -lunp), or choose "
                + "another port (akka.remote.firecloud-udp.port; of a Firecloud node: firecloud.members).", e);
        }
        catch (SocketException e)
        {
            throw new RemoteTransportException($"UDP {where} can't be bound ({e.SocketErrorCode}). Choose an IPv4 address "
                + "or name of this machine (akka.remote.firecloud-udp.hostname; of a Firecloud node: firecloud.members).", e);
        }
        _node = node;
        var listener = new TaskCompletionSource<IAssociationEventListener>();
        _ = listener.Task.ContinueWith(ready => node.Listener = ready.Result, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        return (node.LocalAddress, listener);
    }

    /// <inheritdoc/>
    public override bool IsResponsibleFor(Address remote) => true;

    /// <inheritdoc/>
    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        ArgumentNullException.ThrowIfNull(remoteAddress);
        // Off the caller's thread at once: an actor's constructor runs this, and a resolver may block.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (_node is not { IsStopped: false } node) throw NoAssociation(remoteAddress, "this transport is shut down");
        if (remoteAddress.Host is not { Length: > 0 } host || remoteAddress.Port is not (> 0 and <= 65_535))
        {
            throw NoAssociation(remoteAddress, "it has no host and port");
        }
        var timeout = TimeSpan.FromMicroseconds(_settings.ConnectTimeout);
        IPEndPoint remote;
        try
        {
            remote = new IPEndPoint(await Resolve(host).WaitAsync(timeout).ConfigureAwait(false), remoteAddress.Port.Value);
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            throw NoAssociation(remoteAddress, $"no IPv4 address of the host {host} can be found", e);
        }
        var link = node.LinkTo(remote)
            ?? throw NoAssociation(remoteAddress, $"there are {_settings.MaxPeers} peers already (max-peers)");
        return await link.Associate(remoteAddress, UdpNode.Now).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async Task<bool> Shutdown()
    {
        if (_node is { } node) await node.ShutdownAsync().ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc/>
    public override async Task<bool> ManagementCommand(object message)
    {
        if (_node is not { } node) return false;
        switch (message)
        {
            case SetTextHandler text:
                node.TextHandler = text.Handler;
                return true;
            case GetStatistics statistics:
                statistics.Answer(node.Snapshot());
                return true;
            case Crash:
                node.Stop();
                return true;
            case SetLinkFault { Peer: { Host: { } host, Port: { } port } } set:
                node.SetFault(new IPEndPoint(await Resolve(host).ConfigureAwait(false), port), set.Fault);
                return true;
            case Inject { Peer: { Host: { } host, Port: { } port } } inject:
                node.Inject(new IPEndPoint(await Resolve(host).ConfigureAwait(false), port), inject.Datagram.Span);
                return true;
            case RenewSession { Peer: { Host: { } host, Port: { } port } }:
                node.Renew(new IPEndPoint(await Resolve(host).ConfigureAwait(false), port));
                return true;
            default:
                return false;
        }
    }

    private static InvalidAssociationException NoAssociation(Address remote, string reason, Exception? cause = null) =>
        new($"No association with {remote}: {reason}.", cause);

    private static async Task<IPAddress> Resolve(string host)
    {
        if (IPAddress.TryParse(host, out var literal) && literal.AddressFamily == AddressFamily.InterNetwork) return literal;
        var found = await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork).ConfigureAwait(false);
        return found.Length > 0 ? found[0] : throw new SocketException((int)SocketError.HostNotFound);
    }
}
