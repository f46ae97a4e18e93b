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

    /// <summary>Dropped: of no session that this node knows.</summary>
    public long UnknownSession { get; init; }

    /// <summary>Text datagrams (GET [, PUT [) received.</summary>
    public long TextDatagrams { get; init; }

    /// <summary>Exceptions of the text handler.</summary>
    public long TextHandlerErrors { get; init; }

    /// <summary>Datagrams that the kernel refused to send.</summary>
    public long SendErrors { get; init; }

    /// <summary>Datagrams that the kernel dropped because the receive buffer was full; -1 where it does not tell (only Linux
    /// does).</summary>
    public long KernelDrops { get; init; }

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

    /// <summary>Whether round trips are seen.</summary>
    public bool Reachable { get; init; }

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
