using System.Text.Json;
using System.Text.Json.Serialization;

namespace Firecloud.Actors.Master;

/// <summary>One member, as a node sees it.</summary>
/// <param name="Node">Its number.</param>
/// <param name="Address">host:port.</param>
/// <param name="Votes">Its votes.</param>
/// <param name="Master">True for the member that breaks ties.</param>
/// <param name="Reachable">The transport reaches it.</param>
/// <param name="Voting">It said last that it votes.</param>
/// <param name="Route">How datagrams get there: "direct", "via host:port", "via host:port and host:port", "none"; null for itself.</param>
/// <param name="Full">Its disk had no room for new values when it was heard last.</param>
/// <param name="Heard">Its datagrams arrive here directly.</param>
/// <param name="DifferingShards">Shards in which the node's replica differed from it when last compared; under load a few always do.</param>
/// <param name="Link">What the transport counts of it; null for itself, and before the first session.</param>
public sealed record MemberStatus(
    int Node, string Address, int Votes, bool Master, bool Reachable, bool Voting, bool Full, string? Route, bool Heard,
    int DifferingShards, LinkStatus? Link);

/// <summary>The transport's link to one member, over all its sessions.</summary>
/// <param name="RoundTripMicros">Smoothed round trip, microseconds; 0 before the first.</param>
/// <param name="DatagramsOut">Session datagrams sent.</param>
/// <param name="DatagramsLost">Of them, found lost.</param>
/// <param name="FramesRetransmitted">Frames sent again.</param>
/// <param name="BytesIn">Bytes of session datagrams received.</param>
/// <param name="BytesOut">Bytes of session datagrams sent.</param>
public sealed record LinkStatus(
    long RoundTripMicros, long DatagramsOut, long DatagramsLost, long FramesRetransmitted, long BytesIn, long BytesOut);

/// <summary>Where a node keeps its records.</summary>
/// <param name="Kind">disk or memory.</param>
/// <param name="Folder">The folder; null in memory.</param>
/// <param name="FreeBytes">Bytes free on its disk; -1 in memory, and before it was looked at.</param>
/// <param name="Full">True while there is no room for new values.</param>
/// <param name="SetAside">Folders of damaged stores that were set aside; delete them when they are not needed any more.</param>
public sealed record StoreStatus(string Kind, string? Folder, long FreeBytes, bool Full, IReadOnlyList<string> SetAside);

/// <summary>A node's status: what <c>firecloud status --json</c> prints.</summary>
public sealed record NodeStatus
{
    /// <summary>The node's number.</summary>
    public required int Node { get; init; }

    /// <summary>The node's address.</summary>
    public required string Address { get; init; }

    /// <summary>waiting, voting or recovering.</summary>
    public required string State { get; init; }

    /// <summary>What keeps the node from voting; null where nothing does.</summary>
    public string? Why { get; init; }

    /// <summary>The cluster's id, hexadecimal; null before it is formed.</summary>
    public string? Cluster { get; init; }

    /// <summary>The configuration's epoch.</summary>
    public required uint Epoch { get; init; }

    /// <summary>Number of shards.</summary>
    public required int Shards { get; init; }

    /// <summary>Votes that this node reaches.</summary>
    public required int VotesReachable { get; init; }

    /// <summary>Votes that decide.</summary>
    public required int VotesNeeded { get; init; }

    /// <summary>True when requests at this node can be done.</summary>
    public required bool Serving { get; init; }

    /// <summary>Where it keeps its records.</summary>
    public StoreStatus? Store { get; init; }

    /// <summary>Every member.</summary>
    public required IReadOnlyList<MemberStatus> Members { get; init; }

    /// <summary>Counters by name.</summary>
    public required IReadOnlyDictionary<string, long> Counters { get; init; }

    /// <summary>Members of Akka.Cluster, advisory: address and status.</summary>
    public IReadOnlyList<string> AkkaCluster { get; init; } = [];

    /// <summary>The status as JSON.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, StatusJson.Default.NodeStatus);

    /// <summary>Reads a status.</summary>
    /// <param name="json">UTF-8 JSON.</param>
    public static NodeStatus? FromJson(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StatusJson.Default.NodeStatus);
}

/// <summary>Serializers of the status, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(NodeStatus))]
internal sealed partial class StatusJson : JsonSerializerContext;
