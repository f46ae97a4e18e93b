using Akka.Actor;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Node;

/// <summary>Where one member's actors are.</summary>
/// <param name="Replica">Its replica.</param>
/// <param name="Coordinator">Its coordinator.</param>
/// <param name="Links">Its greeter.</param>
internal sealed record Peer(IActorRef Replica, IActorRef Coordinator, IActorRef Links);

/// <summary>What the actors of one node share. Immutable but for the counters and the peers, which are set once.</summary>
internal sealed class NodeContext(NodeSettings settings, ulong boot)
{
    private ulong _clusterId;
    private readonly Codec _codec = new(settings.Configuration.Members.Count, settings.Configuration.Shards);

    public NodeSettings Settings { get; } = settings;

    public Configuration Configuration => Settings.Configuration;

    public int Self => Settings.Self;

    /// <summary>Drawn at random at every start: no ballot and no request id of an earlier life is used again.</summary>
    public ulong Boot { get; } = boot;

    public NodeCounters Counters { get; } = new();

    /// <summary>By member; the own entry holds local references.</summary>
    public IReadOnlyList<Peer> Peers { get; private set; } = [];

    /// <summary>Every member but this node.</summary>
    public IReadOnlyList<Peer> Others { get; private set; } = [];

    /// <summary>Whether a member's actors are there.</summary>
    public bool IsMember(Address address) => Others.Any(p => p.Coordinator.Path.Address == address);

    public string Name(int member) => Configuration.Members[member].ToString();

    /// <summary>Sets the peers, once, when the node's own actors are there.</summary>
    public void SetPeers(IReadOnlyList<Peer> peers)
    {
        Peers = peers;
        Others = [.. peers.Where((_, i) => i != Self)];
    }

    /// <summary>The cluster that this node belongs to; 0 while it belongs to none. Set once.</summary>
    public ulong ClusterId { get => Volatile.Read(ref _clusterId); set => Volatile.Write(ref _clusterId, value); }

    public Frame Encode(object message) => new(Codec.Encode(message, ClusterId));

    /// <summary>Encodes what also members of no cluster, and of another one, have to understand.</summary>
    public static Frame EncodeForAll(object message) => new(Codec.Encode(message));

    /// <summary>Decodes a frame; false for bytes that are not a message, and for nodes of another cluster.</summary>
    public bool TryDecode(Frame frame, out object message)
    {
        message = "";
        var theirs = Codec.ClusterOf(frame.Bytes);
        if (theirs != 0 && ClusterId != 0 && theirs != ClusterId) return false;
        try
        {
            message = _codec.Decode(frame.Bytes);
            return true;
        }
        catch (WireFormatException)
        {
            return false;
        }
    }
}
