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
}

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
public sealed record ConfigurationReply(
    int From, uint Epoch, int Shards, IReadOnlyList<string> Members, IReadOnlyList<int> Votes, int MaxKey, int MaxValue);
