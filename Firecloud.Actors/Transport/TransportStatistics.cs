// TransportStatistics.cs - a snapshot of everything the transport counts. Counts only grow; peers come and go.
using Akka.Actor;

namespace Firecloud.Actors.Transport;

/// <summary>Counters of the whole transport.</summary>
/// <param name="LocalAddress">Where it listens.</param>
/// <param name="Peers">Per peer.</param>
public sealed record TransportStatistics(Address LocalAddress, IReadOnlyList<PeerStatistics> Peers)
{
    /// <summary>Datagrams received, of any kind.</summary>
    public long DatagramsIn { get; init; }

    /// <summary>Datagrams sent, of any kind.</summary>
    public long DatagramsOut { get; init; }

    /// <summary>Bytes of UDP payload received.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes of UDP payload sent.</summary>
    public long BytesOut { get; init; }

    /// <summary>Dropped: too short, unknown version or kind, or bad fields.</summary>
    public long Malformed { get; init; }

    /// <summary>Dropped: damaged on the way.</summary>
    public long WrongChecksum { get; init; }

    /// <summary>Dropped: sealed with a secret that this node doesn't have.</summary>
    public long WrongKey { get; init; }

    /// <summary>Dropped: the seal does not fit.</summary>
    public long Forged { get; init; }

    /// <summary>Dropped: taken before. Networks repeat datagrams too.</summary>
    public long Replayed { get; init; }

    /// <summary>Dropped: not sealed, though this node has a secret.</summary>
    public long Unsealed { get; init; }

    /// <summary>Dropped messages that their sender may not send: of clients to where only members may, and system messages.</summary>
    public long MessagesRefused { get; init; }

    /// <summary>Dropped: of no session that this node knows.</summary>
    public long UnknownSession { get; init; }

    /// <summary>Text datagrams (GET [, PUT [) received.</summary>
    public long TextDatagrams { get; init; }

    /// <summary>Exceptions of the text handler.</summary>
    public long TextHandlerErrors { get; init; }

    /// <summary>Datagrams that the kernel refused to send.</summary>
    public long SendErrors { get; init; }

    /// <summary>System calls that sent datagrams; one takes several.</summary>
    public long SendCalls { get; init; }

    /// <summary>System calls that brought datagrams.</summary>
    public long ReceiveCalls { get; init; }

    /// <summary>Datagrams that the kernel dropped because the receive buffer was full; -1 where it does not tell (only Linux
    /// does).</summary>
    public long KernelDrops { get; init; }

    /// <summary>Datagrams passed on for other members.</summary>
    public long Relayed { get; init; }

    /// <summary>Dropped: to be relayed, or relayed, but not from a member for a member by a way that makes sense.</summary>
    public long RelayRefused { get; init; }

    /// <summary>Dropped: more to relay than relay-rate.</summary>
    public long RelayOverRate { get; init; }

    /// <summary>Datagrams for this node that a relay passed on.</summary>
    public long ArrivedByRelay { get; init; }

    /// <summary>Datagrams of this node given to a relay.</summary>
    public long SentByRelay { get; init; }

    /// <summary>Datagrams sent over a second path too, because something seemed lost.</summary>
    public long SecondPaths { get; init; }

    /// <summary>Changes of routes to members.</summary>
    public long RouteChanges { get; init; }

    /// <summary>Bugs that were caught; each is in the log.</summary>
    public long InternalErrors { get; init; }

    /// <summary>What the kernel granted, bytes.</summary>
    public int ReceiveBuffer { get; init; }

    /// <summary>What the kernel granted, bytes.</summary>
    public int SendBuffer { get; init; }
}

/// <summary>Counters of one peer, over all its sessions.</summary>
/// <param name="Peer">Its address as it announced it; null before its first handshake.</param>
/// <param name="EndPoint">Where datagrams to it go.</param>
public sealed record PeerStatistics(Address? Peer, string EndPoint)
{
    /// <summary>Whether there is a session.</summary>
    public bool Connected { get; init; }

    /// <summary>Sessions with it since this node started; more than one when either side started again or gave the other up.</summary>
    public int Sessions { get; init; }

    /// <summary>Whether round trips are seen.</summary>
    public bool Reachable { get; init; }

    /// <summary>Its number among the members; -1 for a client, or when this node is no member.</summary>
    public int Member { get; init; } = -1;

    /// <summary>Of a member: its datagrams arrive here directly.</summary>
    public bool Heard { get; init; }

    /// <summary>Of a member: a way to it is known.</summary>
    public bool RouteKnown { get; init; }

    /// <summary>Of a member: "host:port" of the relays on the way to it.</summary>
    public IReadOnlyList<string> Relays { get; init; } = [];

    /// <summary>Session datagrams received.</summary>
    public long DatagramsIn { get; init; }

    /// <summary>Session datagrams sent.</summary>
    public long DatagramsOut { get; init; }

    /// <summary>Bytes of session datagrams received.</summary>
    public long BytesIn { get; init; }

    /// <summary>Bytes of session datagrams sent.</summary>
    public long BytesOut { get; init; }

    /// <summary>Datagrams with frames that make no sense.</summary>
    public long Malformed { get; init; }

    /// <summary>Datagrams received again.</summary>
    public long Duplicates { get; init; }

    /// <summary>Frames sent again.</summary>
    public long Retransmitted { get; init; }

    /// <summary>Datagrams found lost.</summary>
    public long Lost { get; init; }

    /// <summary>Of those, datagrams whose acknowledgement came after all: they were late, not lost.</summary>
    public long LostInError { get; init; }

    /// <summary>Largest datagram that the path is known to carry, bytes; 0 without a session.</summary>
    public int DatagramSize { get; init; }

    /// <summary>Messages received whole.</summary>
    public long MessagesIn { get; init; }

    /// <summary>Messages dropped because the link was dead.</summary>
    public long MessagesDropped { get; init; }

    /// <summary>Smoothed round trip, microseconds; 0 before the first one.</summary>
    public long RoundTripMicros { get; init; }

    /// <summary>Bytes sent and not yet acknowledged.</summary>
    public long BytesInFlight { get; init; }

    /// <summary>Bytes that may be in flight.</summary>
    public long CongestionWindow { get; init; }

    /// <summary>Open associations.</summary>
    public int Associations { get; init; }

    /// <summary>Bytes accepted from Akka and not yet acknowledged.</summary>
    public long QueuedBytes { get; init; }
}
