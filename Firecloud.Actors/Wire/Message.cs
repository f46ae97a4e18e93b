using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>What a frame carries. Append only: the numbers are on the wire.</summary>
public enum MessageKind : byte
{
    /// <summary><see cref="Protocol.ReplicaRequest"/>.</summary>
    ReplicaRequest = 1,

    /// <summary><see cref="Protocol.ReplicaAnswer"/>.</summary>
    ReplicaAnswer = 2,

    /// <summary><see cref="RequestBatch"/>.</summary>
    Requests = 3,

    /// <summary><see cref="ReplyBatch"/>.</summary>
    Replies = 4,

    /// <summary><see cref="AnnouncementBatch"/>.</summary>
    Announcements = 5,

    /// <summary><see cref="Hello"/>.</summary>
    Hello = 6,

    /// <summary><see cref="Welcome"/>.</summary>
    Welcome = 7,

    /// <summary><see cref="StatusRequest"/>.</summary>
    StatusRequest = 8,

    /// <summary><see cref="StatusReply"/>.</summary>
    StatusReply = 9,

    /// <summary><see cref="ConfigurationRequest"/>.</summary>
    ConfigurationRequest = 10,

    /// <summary><see cref="ConfigurationReply"/>.</summary>
    ConfigurationReply = 11,

    /// <summary><see cref="Protocol.LifeQuestion"/>.</summary>
    LifeQuestion = 12,

    /// <summary><see cref="Protocol.LifeAnswer"/>.</summary>
    LifeAnswer = 13,

    /// <summary><see cref="Protocol.LifeAnnouncement"/>.</summary>
    LifeAnnouncement = 14,

    /// <summary><see cref="Protocol.LifeNoted"/>.</summary>
    LifeNoted = 15,

    /// <summary><see cref="Protocol.StateQuestion"/>.</summary>
    StateQuestion = 16,

    /// <summary><see cref="Protocol.StateChunk"/>.</summary>
    StateChunk = 17,

    /// <summary><see cref="Protocol.TreeQuestion"/>.</summary>
    TreeQuestion = 18,

    /// <summary><see cref="Protocol.TreeAnswer"/>.</summary>
    TreeAnswer = 19,

    /// <summary><see cref="Protocol.VersionsQuestion"/>.</summary>
    VersionsQuestion = 20,

    /// <summary><see cref="Protocol.VersionsAnswer"/>.</summary>
    VersionsAnswer = 21,

    /// <summary><see cref="Protocol.RecordsQuestion"/>.</summary>
    RecordsQuestion = 22,

    /// <summary><see cref="Protocol.RecordsAnswer"/>.</summary>
    RecordsAnswer = 23,

    /// <summary><see cref="Protocol.RefreshRequest"/>.</summary>
    RefreshRequest = 24,

    /// <summary><see cref="AdminRequest"/>.</summary>
    AdminRequest = 25,

    /// <summary><see cref="AdminReply"/>.</summary>
    AdminReply = 26,

    /// <summary><see cref="Protocol.ScanQuestion"/>.</summary>
    ScanQuestion = 27,

    /// <summary><see cref="Protocol.ScanAnswer"/>.</summary>
    ScanAnswer = 28,

    /// <summary><see cref="Protocol.RefreshRequest"/> with keys that have expired.</summary>
    RefreshWithExpired = 29,
}

/// <summary>What an operator may order. Append only: the numbers are on the wire.</summary>
public enum AdminOrder : byte
{
    /// <summary>Recover with the members that answer, though a quorum of memory is missing: data may be lost.</summary>
    ForceRecovery = 1,

    /// <summary>Found the cluster with the members that are there, though not all are.</summary>
    Bootstrap = 2,
}

/// <summary>An operator's order to one node.</summary>
/// <param name="Order">What to do.</param>
public sealed record AdminRequest(AdminOrder Order);

/// <summary>What became of an order.</summary>
/// <param name="Done">True when it was carried out.</param>
/// <param name="Message">For people.</param>
public sealed record AdminReply(bool Done, string Message);


/// <summary>Asks a node for its status.</summary>
public sealed record StatusRequest;

/// <summary>A node's status.</summary>
/// <param name="Json">UTF-8 JSON, see docs/operations.md.</param>
public sealed record StatusReply(byte[] Json);

/// <summary>A client asks for the configuration.</summary>
public sealed record ConfigurationRequest;

/// <summary>The configuration, for clients.</summary>
/// <param name="From">The answerer's member index.</param>
/// <param name="Epoch">The configuration's epoch.</param>
/// <param name="Shards">Number of shards.</param>
/// <param name="Members">host:port, by member.</param>
/// <param name="Votes">Votes, by member.</param>
/// <param name="MaxKey">Longest key, bytes.</param>
/// <param name="MaxValue">Longest value, bytes.</param>
/// <param name="Ready">The answerer votes: requests go to it rather than to one that is starting or recovering.</param>
public sealed record ConfigurationReply(
    int From, uint Epoch, int Shards, IReadOnlyList<string> Members, IReadOnlyList<int> Votes, int MaxKey, int MaxValue, bool Ready);
