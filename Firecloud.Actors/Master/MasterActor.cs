// MasterActor.cs - holds the configuration (members, votes, who is master) and answers for it: status, and what clients need
// to know to send their requests. Changes of the configuration (protocol.md section 9) will be decided here.
using Akka.Actor;
using Akka.Cluster;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Master;

/// <summary>Answers status and configuration.</summary>
internal sealed class MasterActor : UntypedActor
{
    private sealed record Answer(IActorRef To, bool AsFrame, TransportStatistics? Transport);

    private readonly NodeContext _node;
    private LinksChanged? _links;

    public MasterActor(NodeContext node) => _node = node;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case LinksChanged links: _links = links; break;
            case StatusRequest: AskTransport(frame: false); break;
            case Answer answer: answer.To.Tell(answer.AsFrame ? _node.Encode(new StatusReply(Status(answer.Transport).ToJson())) : Status(answer.Transport), Self); break;
            case Frame frame: OnFrame(frame); break;
            default: Unhandled(message); break;
        }
    }

    private void OnFrame(Frame frame)
    {
        var isMessage = _node.TryDecode(frame, out var message);
        if (isMessage && message is AdminRequest order)
        {
            Context.Parent.Ask<AdminReply>(order, TimeSpan.FromSeconds(5))
                .PipeTo(Sender, Self, reply => _node.Encode(reply), e => _node.Encode(new AdminReply(false, e.Message)));
            return;
        }
        switch (isMessage ? message : null)
        {
            case StatusRequest: AskTransport(frame: true); break;
            case ConfigurationRequest: Sender.Tell(_node.Encode(Configuration()), Self); break;
            default: _node.Counters.CountBadFrame(); break;
        }
    }

    // The routes are the transport's; asked each time, so that the status is what is now.
    private void AskTransport(bool frame)
    {
        var to = Sender;
        UdpTransport.StatisticsOf(Context.System)
            .PipeTo(Self, Self, transport => new Answer(to, frame, transport), _ => new Answer(to, frame, null));
    }

    private ConfigurationReply Configuration()
    {
        var configuration = _node.Configuration;
        var votes = Enumerable.Range(0, configuration.Members.Count).Select(i => configuration.Votes[i]).ToArray();
        var limits = _node.Settings.Limits;
        return new ConfigurationReply(
            _node.Self, configuration.Epoch, configuration.Shards, [.. configuration.Members.Select(m => m.ToString())], votes,
            limits.Key, limits.Value, _links?.State == NodeState.Voting);
    }

    private NodeStatus Status(TransportStatistics? transport)
    {
        var (configuration, links) = (_node.Configuration, _links);
        var usable = (links?.Reachable & links?.Voting) ?? 0;
        return new NodeStatus
        {
            Node = _node.Self,
            Address = _node.Name(_node.Self),
            State = links?.State switch
            {
                NodeState.Voting => "voting",
                NodeState.LostMemory => "recovering",
                NodeState.StoreFailed => "failed",
                _ => "waiting",
            },
            Why = links is null ? "The node is starting." : links.WhyNotVoting,
            Cluster = links is { ClusterId: not 0 } ? links.ClusterId.ToString("x", null) : null,
            Epoch = configuration.Epoch,
            Shards = configuration.Shards,
            VotesReachable = configuration.Votes.Of(usable),
            VotesNeeded = configuration.Votes.Quorum,
            Serving = configuration.Votes.IsQuorum(usable),
            Store = _node.Counters.Store,
            Members = [.. configuration.Members.Select((m, i) => new MemberStatus(
                i, m.ToString(), configuration.Votes[i], i == configuration.Votes.Master,
                ((links?.Reachable ?? 0) >> i & 1) != 0, ((links?.Voting ?? 0) >> i & 1) != 0, ((links?.Full ?? 0) >> i & 1) != 0,
                RouteTo(i, transport), transport?.Peers.Any(p => p.Member == i && p.Heard) ?? false,
                i < _node.Counters.Differing.Count ? _node.Counters.Differing[i] : 0, LinkTo(i, transport)))],
            Counters = Counters(transport),
            AkkaCluster = _node.Settings.JoinsCluster ? AkkaMembers() : [],
        };
    }

    private static LinkStatus? LinkTo(int member, TransportStatistics? transport) =>
        transport?.Peers.FirstOrDefault(p => p.Member == member) is { } peer
            ? new LinkStatus(peer.RoundTripMicros, peer.DatagramsOut, peer.Lost, peer.Retransmitted, peer.BytesIn, peer.BytesOut)
            : null;

    private string? RouteTo(int member, TransportStatistics? transport)
    {
        if (member == _node.Self) return null;
        var peer = transport?.Peers.FirstOrDefault(p => p.Member == member);
        return peer is not { RouteKnown: true } ? "none" : peer.Relays.Count == 0 ? "direct" : "via " + string.Join(" and ", peer.Relays);
    }

    private SortedDictionary<string, long> Counters(TransportStatistics? transport)
    {
        var counters = _node.Counters;
        return new SortedDictionary<string, long>(StringComparer.Ordinal)
        {
            ["badFrames"] = counters.BadFrames,
            ["behind"] = counters.Behind,
            ["messagesRefused"] = transport?.MessagesRefused ?? 0,
            ["datagramsDroppedByKernel"] = transport?.KernelDrops ?? -1,
            ["datagramsForged"] = transport?.Forged ?? 0,
            ["datagramsMalformed"] = transport?.Malformed ?? 0,
            ["datagramsReplayed"] = transport?.Replayed ?? 0,
            ["datagramsUnsealed"] = transport?.Unsealed ?? 0,
            ["datagramsWrongKey"] = transport?.WrongKey ?? 0,
            ["divergent"] = counters.Divergent,
            ["heard"] = counters.Heard,
            ["keys"] = counters.Keys,
            ["relayed"] = transport?.Relayed ?? 0,
            ["replicaAnswersReceived"] = counters.ReplicaAnswersReceived,
            ["replicaRequestsHandled"] = counters.ReplicaRequestsHandled,
            ["replicaRequestsSent"] = counters.ReplicaRequestsSent,
            ["requestsForwarded"] = counters.RequestsForwarded,
            ["requestsTaken"] = counters.RequestsTaken,
            ["routeChanges"] = transport?.RouteChanges ?? 0,
            ["shardsHeld"] = counters.ShardsHeld,
        };
    }

    private static string[] AkkaMembers()
    {
        var state = Cluster.Get(Context.System).State;
        return [.. state.Members.Select(m => $"{m.Address} {m.Status}{(state.Unreachable.Contains(m) ? " unreachable" : "")}")];
    }
}
