// TransportMessages.cs - what the transport publishes and which management commands it takes. Send a command with
// UdpTransport.Manage(system, command), which goes through Akka's ManagementCommand to the transport.
using System.Net;
using Akka.Actor;

namespace Firecloud.Actors.Transport;

/// <summary>Published on the event stream: a session with this peer is up, or datagrams pass again in both directions.</summary>
/// <param name="Peer">The peer's address as Akka writes it, for example akka.udp://system@host:port.</param>
public sealed record PeerReachable(Address Peer);

/// <summary>Published on the event stream: no round trip to the peer for unreachable-after, or it said goodbye.</summary>
/// <param name="Peer">The peer's address as Akka writes it.</param>
/// <param name="SilentFor">Time since the last round trip.</param>
public sealed record PeerUnreachable(Address Peer, TimeSpan SilentFor);

/// <summary>Published on the event stream: no round trip to the peer for suspect-after, or there is one again; a <see cref="PeerUnreachable"/>
/// ends a suspicion too.</summary>
/// <param name="Peer">The peer's address as Akka writes it.</param>
/// <param name="Suspected">Whether it is suspected now.</param>
public sealed record PeerSuspected(Address Peer, bool Suspected);

/// <summary>Published on the event stream: datagrams to a member go another way than before.</summary>
/// <param name="From">This node, host:port.</param>
/// <param name="To">The member, host:port.</param>
/// <param name="Relays">host:port of the members in between, none to two; none: directly.</param>
public sealed record RouteChanged(string From, string To, IReadOnlyList<string> Relays)
{
    /// <summary>In words.</summary>
    public override string ToString() => Relays.Count == 0
        ? $"UDP from {From} to {To} works again"
        : $"UDP from {From} to {To} is blocked; going by {string.Join(" and ", Relays)}";
}

/// <summary>Where the answer to a text datagram goes. May be kept and used from any thread.</summary>
public interface IDatagramReply
{
    /// <summary>Who sent the text.</summary>
    IPEndPoint From { get; }

    /// <summary>Sends one datagram from the node's own socket. Never throws for reasons of the network.</summary>
    /// <param name="text">At most 65,507 bytes.</param>
    void Send(ReadOnlySpan<byte> text);
}

/// <summary>Gets datagrams that begin with "GET [" or "PUT [". Runs on the receive thread: it must be quick. What it throws is
/// counted and logged, not passed on.</summary>
/// <param name="text">The whole datagram; valid only during the call.</param>
/// <param name="reply">For the answer.</param>
public delegate void DatagramTextHandler(ReadOnlySpan<byte> text, IDatagramReply reply);

/// <summary>Command: who gets text datagrams.</summary>
/// <param name="Handler">Null to drop them again.</param>
public sealed record SetTextHandler(DatagramTextHandler? Handler);

/// <summary>Command: a snapshot of the counters.</summary>
/// <param name="Answer">Called before the command's task completes.</param>
public sealed record GetStatistics(Action<TransportStatistics> Answer);

/// <summary>Command: ends the session with a peer, and with it every association, and begins a new one.</summary>
/// <remarks>
/// For whoever sees that Akka's messages do not arrive though datagrams pass. When two systems associate at the same moment
/// just after one of them was started again, Akka can end up with an association that nobody reads on one side.
/// </remarks>
/// <param name="Peer">Any address with the peer's host and port.</param>
public sealed record RenewSession(Address Peer);

/// <summary>Command for tests: closes the socket at once, as a killed process would, without a word to anybody.</summary>
public sealed record Crash;

/// <summary>Command for tests: what happens to datagrams from and to a peer.</summary>
/// <param name="Peer">Any address with the peer's host and port.</param>
/// <param name="Fault">Null: the link is whole again.</param>
public sealed record SetLinkFault(Address Peer, LinkFault? Fault);

/// <summary>Command for tests: sends bytes as they are from this node's socket, as somebody who forges its address.</summary>
/// <param name="Peer">Any address with the peer's host and port.</param>
/// <param name="Datagram">The bytes.</param>
public sealed record Inject(Address Peer, ReadOnlyMemory<byte> Datagram);

/// <summary>Faults of one link, as this node sees it.</summary>
public sealed record LinkFault
{
    /// <summary>Nothing passes in either direction.</summary>
    public static LinkFault Cut { get; } = new() { DropIn = 1, DropOut = 1 };

    /// <summary>Probability, 0 to 1, that an arriving datagram is lost.</summary>
    public double DropIn { get; init; }

    /// <summary>Probability, 0 to 1, that a leaving datagram is lost.</summary>
    public double DropOut { get; init; }

    /// <summary>Probability, 0 to 1, that a leaving datagram is sent twice.</summary>
    public double Duplicate { get; init; }

    /// <summary>Probability, 0 to 1, that a leaving datagram is overtaken by others.</summary>
    public double Reorder { get; init; }

    /// <summary>Longest time by which an overtaken datagram is late.</summary>
    public TimeSpan ReorderBy { get; init; } = TimeSpan.FromMilliseconds(3);

    /// <summary>Added to the way of every leaving datagram.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Sees every leaving datagram, and lets it go on its way (true) or not. Called on the network's threads.</summary>
    public Func<byte[], bool>? Tap { get; init; }

    /// <summary>Starts the random numbers anew from here; null goes on with them.</summary>
    public int? Seed { get; init; }
}
