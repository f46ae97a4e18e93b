// SessionSettings.cs - what a session is told, what it tells, what it counts.
namespace Firecloud.Actors.Transport;

/// <summary>Limits in bytes, times in microseconds. See udp-transport.conf for reasons.</summary>
internal sealed record SessionSettings
{
    /// <summary>Largest datagram that path MTU discovery tries; up to <see cref="PathMtu.Base"/> it never tries.</summary>
    public required int Datagram { get; init; }
    public required long InitialWindow { get; init; }
    public required long SendWindow { get; init; }
    public required int ReceiveWindow { get; init; }
    public required long QueueCap { get; init; }
    public required int MaxMessage { get; init; }
    public required int MaxAssociations { get; init; }
    public required long AckDelay { get; init; }
    public required long InitialProbe { get; init; }
    public required long MinProbe { get; init; }
    public required long MaxProbe { get; init; }
    public required long Keepalive { get; init; }
    public required long SuspectAfter { get; init; }
    public required long UnreachableAfter { get; init; }
    public required long Linger { get; init; }

    /// <summary>Pings also without associations.</summary>
    public required bool Kept { get; init; }
}

/// <summary>What a session reports. Called under the session's lock.</summary>
internal interface ISessionOwner
{
    /// <summary>The peer opened an association.</summary>
    /// <returns>Its sink; null to refuse.</returns>
    IAssociationSink? OnAccepted(Association association);

    void OnReachability(bool reachable, TimeSpan silentFor);

    /// <summary><see cref="Session.Suspected"/> changed, and the peer is not unreachable.</summary>
    void OnSuspicion(bool suspected);

    /// <summary>Large datagrams vanished while small ones came through; small ones are sent until a search has ended.</summary>
    void OnBlackHole();

    /// <summary>False while other signs of life than round trips come from the peer: it is slow, or its link is full.</summary>
    bool MaySuspect();

    /// <summary>False when datagrams wait in the socket: they may hold the sign of life that is missing.</summary>
    /// <param name="silentMicros">Time without a round trip, microseconds.</param>
    bool MayDeclareUnreachable(long silentMicros);
}

/// <summary>Counters of one session, written under its lock.</summary>
internal sealed class SessionCounters
{
    public long PacketsIn { get; set; }
    public long PacketsOut { get; set; }
    public long BytesIn { get; set; }
    public long BytesOut { get; set; }
    public long Malformed { get; set; }
    public long Duplicates { get; set; }
    public long Retransmitted { get; set; }
    public long Lost { get; set; }
    public long Spurious { get; set; }
    public long Repeated { get; set; }
    public long Dropped { get; set; }
    public long MessagesIn { get; set; }

    /// <summary>Adds another one's counts.</summary>
    public void Add(SessionCounters other)
    {
        PacketsIn += other.PacketsIn;
        PacketsOut += other.PacketsOut;
        BytesIn += other.BytesIn;
        BytesOut += other.BytesOut;
        Malformed += other.Malformed;
        Duplicates += other.Duplicates;
        Retransmitted += other.Retransmitted;
        Lost += other.Lost;
        Spurious += other.Spurious;
        Repeated += other.Repeated;
        Dropped += other.Dropped;
        MessagesIn += other.MessagesIn;
    }
}
