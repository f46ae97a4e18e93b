// Coordinator.cs - one node's gateway (requests of its own clients) and proposer (shards it owns, and reads) together: batches,
// the order of gateways, passing requests on. Without I/O, so that simulator and actor run the same code.
//
// Every input only fills outboxes. The driver calls Flush once per run of inputs and sends what it returns: what arrived
// together goes out together, in few frames, and an idle node answers without waiting for a timer.
namespace Firecloud.Actors.Protocol;

/// <summary>What a coordinator sends after a run of inputs.</summary>
internal sealed class CoordinatorOutput
{
    /// <summary>For every replica, the own one included.</summary>
    public List<ReplicaRequest> ToAllReplicas { get; } = [];

    /// <summary>For one replica: asked again.</summary>
    public List<(int Member, ReplicaRequest Request)> ToReplica { get; } = [];

    /// <summary>For other members' coordinators.</summary>
    public List<(int Member, RequestBatch Batch)> ToCoordinator { get; } = [];

    /// <summary>For gateways of other nodes and of clients; the address is whatever the driver gave with their batch.</summary>
    public List<(object Gateway, ReplyBatch Batch)> ToGateway { get; } = [];
}

/// <summary>Bounds of one coordinator.</summary>
/// <param name="Gateway">Of its gateway.</param>
/// <param name="Proposer">Of its proposer.</param>
/// <param name="MaxGateways">Gateways whose order is remembered.</param>
/// <param name="FrameSize">About how many bytes go into one batch.</param>
internal sealed record CoordinatorLimits(GatewayLimits Gateway, ProposerLimits Proposer, int MaxGateways, int FrameSize);

/// <summary>Runs requests on one node.</summary>
internal sealed class Coordinator
{
    private const int MaxAnnouncedTo = 256;

    /// <summary>Between two inputs, of which ticks are some each second, at most; longer, and the process stood still.</summary>
    private const int AsleepMs = 500;
    private static readonly object OwnGateway = new();

    private readonly Configuration _configuration;
    private readonly CoordinatorLimits _limits;
    private readonly int _self;
    private readonly Rules _rules;
    private readonly ulong _boot;
    private readonly GatewayTable _gateways;
    private readonly HashSet<GatewayPeer> _toAnswer = [];
    private readonly PassedOn _passedOn;
    private ulong _serial;
    private long _awakeMs = long.MaxValue;

    public Coordinator(
        Configuration configuration, int self, ulong boot, CoordinatorLimits limits, Random jitter, Rules? rules = null)
    {
        _rules = rules ?? Rules.Protocol;
        (_configuration, _self, _boot, _limits) = (configuration, self, boot, limits);
        Proposer = new Proposer(configuration, self, boot, limits.Proposer, _rules);
        Gateway = new Gateway(configuration, self, boot, limits.Gateway, jitter, _rules);
        _gateways = new GatewayTable(limits.MaxGateways);
        _passedOn = new PassedOn(limits.Proposer.MaxRounds);
    }

    public Proposer Proposer { get; }

    public Gateway Gateway { get; }

    /// <summary>False while the node belongs to no cluster: it takes no requests of other gateways.</summary>
    public bool IsReady { get; set; }

    /// <summary>A client's request at this node.</summary>
    public void Submit(PendingRequest pending) => Gateway.Submit(pending);

    /// <summary>Requests of another node's gateway, or of a client's.</summary>
    /// <param name="batch">The requests.</param>
    /// <param name="replyTo">Where the replies go.</param>
    public void OnRequests(RequestBatch batch, object replyTo)
    {
        var peer = _gateways.Use(batch.Gateway, replyTo, out var forgot);
        // Whose order is forgotten might repeat a batch under a ballot still held; under new ballots it can't be run.
        if (forgot) Proposer.GiveUpAll();
        if (!_rules.InOrder(peer, batch.Serial)) return;
        peer.LastSerial = batch.Serial;
        peer.LastUsedMs = Proposer.NowMs;
        foreach (var request in batch.Requests)
        {
            if (!IsReady) Proposer.Refuse(request, peer);
            else Proposer.Submit(request, (request.Mode & RequestMode.PassOn) == 0 ? peer : new Passable(peer, request));
        }
    }

    /// <summary>Replies of another coordinator.</summary>
    public void OnReplies(ReplyBatch batch)
    {
        foreach (var reply in batch.Replies)
        {
            if (_passedOn.TryTake(reply, out var peer)) Answer(peer, reply);
            else Gateway.OnReply(batch.From, reply);
        }
    }

    /// <summary>What the own replica has promised, by shard: the first ballots taken outrank it, or their writes would be refused.</summary>
    public void OnPromises(IReadOnlyList<Ballot> promised)
    {
        for (var shard = 0; shard < promised.Count; shard++)
        {
            if (!promised[shard].IsNone) Proposer.Saw(shard, promised[shard]);
        }
    }

    /// <summary>Another owner's announcements.</summary>
    public void OnAnnouncements(AnnouncementBatch batch)
    {
        foreach (var each in batch.Announcements)
        {
            Gateway.OnAnnouncement(batch.From, each);
            Proposer.Saw(each.Shard, each.Ballot);
        }
    }

    /// <summary>A replica asks for records to be written again (section 8).</summary>
    public void OnRefresh(RefreshRequest request)
    {
        foreach (var key in request.TooOld) Proposer.Refresh(key, isTombstone: false);
        foreach (var key in request.Tombstones) Proposer.Refresh(key, isTombstone: true);
        foreach (var key in request.Expired) Proposer.Expire(key);
    }

    /// <summary>The members that can be reached and vote, self included where it votes. Steers only.</summary>
    /// <param name="members">Bit i is member i.</param>
    /// <param name="suspected">Those that have been silent for a while: others are asked rather than them, but they count.</param>
    public void SetReachable(uint members, uint suspected = 0)
    {
        Proposer.SetReachable(members, suspected);
        Gateway.SetReachable(members, suspected);
        // Their gateways see this node, not the holder, and would wait for their patience to end.
        foreach (var lost in _passedOn.TakeLost(members & ~suspected)) Answer(lost.Gateway, LeftUndecided(lost.Request));
    }

    /// <summary>The members whose disk has no room for new values. Steers only.</summary>
    public void SetFull(uint members) => Proposer.Full = members;

    /// <summary>The wall clock, in milliseconds since 1970: judges expiries of keys that this node owns, and nothing else (section 11).</summary>
    public long WallMs { set => Proposer.WallMs = value; }

    /// <summary>An input comes. After a pause others may own the shards: what is held is taken anew, and looked at before anything is written.</summary>
    /// <param name="nowMs">As <see cref="OnTick"/>.</param>
    public void Wake(long nowMs)
    {
        if (nowMs > _awakeMs && nowMs - _awakeMs > AsleepMs) Proposer.GiveUpAll();
        _awakeMs = nowMs;
    }

    /// <summary>Time passes.</summary>
    /// <param name="nowMs">Milliseconds of any clock that does not go back.</param>
    public void OnTick(long nowMs)
    {
        Gateway.OnTick(nowMs);
        Proposer.OnTick(nowMs);
    }

    /// <summary>Where the gateways are that asked in the last second: their floors stay new if they hear announcements too.</summary>
    public IEnumerable<object> RecentGateways() => _gateways.Recent(Proposer.NowMs - 1000, MaxAnnouncedTo).Select(g => g.ReplyTo);

    /// <summary>What this node's shards have to announce, or null.</summary>
    public AnnouncementBatch? TakeAnnouncements()
    {
        var news = Proposer.TakeAnnouncements();
        return news.Count == 0 ? null : new AnnouncementBatch(_self, news);
    }

    /// <summary>Closes a run of inputs.</summary>
    /// <returns>What is to be sent.</returns>
    public CoordinatorOutput Flush()
    {
        var output = new CoordinatorOutput();
        RunLocally();
        Proposer.Flush();
        output.ToAllReplicas.AddRange(Cut(Proposer.Outbox.TakeToAll(Proposer.NowMs)));
        for (var member = 0; member < _configuration.Members.Count; member++)
        {
            foreach (var request in Cut(Taken(Proposer.Outbox.ToMember[member]))) output.ToReplica.Add((member, request));
            if (member == _self) continue;
            foreach (var part in Batching.Cut(Gateway.Take(member), _limits.FrameSize))
            {
                output.ToCoordinator.Add((member, new RequestBatch(_boot, ++_serial, part)));
            }
        }
        foreach (var peer in _toAnswer)
        {
            foreach (var part in Batching.Cut(Taken(peer.Replies), _limits.FrameSize))
            {
                output.ToGateway.Add((peer.ReplyTo, new ReplyBatch(_self, part)));
            }
        }
        _toAnswer.Clear();
        return output;
    }

    // This node's gateway and proposer talk without messages, until neither has anything to say.
    private void RunLocally()
    {
        var requests = Gateway.Outbox[_self];
        var replies = Proposer.Outbox.Replies;
        while (requests.Count > 0 || replies.Count > 0)
        {
            foreach (var request in Taken(requests)) Proposer.Submit(request, OwnGateway);
            foreach (var (origin, reply) in Taken(replies))
            {
                if (ReferenceEquals(origin, OwnGateway)) Gateway.OnReply(_self, reply);
                else if (origin is Passable passable) AnswerOrPassOn(passable, reply);
                else Answer((GatewayPeer)origin, reply);
            }
        }
    }

    // The gateway may not reach the holder, but this node does: the request goes on under this node's order, not the gateway's.
    private void AnswerOrPassOn(Passable passable, Reply reply)
    {
        var holder = reply.Ballot.IsNone ? _configuration.Preferred(reply.Shard, Proposer.Responsive) : reply.Ballot.Node;
        if (reply.Status != ReplyStatus.AskHolder || holder < 0 || (Proposer.Responsive >> holder & 1) == 0)
        {
            Answer(passable.Gateway, reply);
            return;
        }
        var request = passable.Request with { Mode = (passable.Request.Mode | RequestMode.AsOwner) & ~RequestMode.PassOn };
        if (holder == _self)
        {
            Proposer.Submit(request, passable.Gateway);
            return;
        }
        _passedOn.Add(passable, holder);
        Gateway.Outbox[holder].Add(request);
    }

    private Reply LeftUndecided(Request request) => new()
    {
        Id = request.Id, Attempt = request.Attempt, Status = ReplyStatus.Deposed, Shard = request.Key.Shard(_configuration.Shards), VotesReachable = Proposer.VotesReachable,
    };

    private void Answer(GatewayPeer peer, Reply reply)
    {
        peer.Replies.Add(reply);
        _toAnswer.Add(peer);
    }

    private IEnumerable<ReplicaRequest> Cut(ReplicaItem[] items) => items.Length == 0
        ? []
        : Batching.Cut(new ReplicaRequest(_self, _configuration.Epoch, _boot, items), _limits.FrameSize);

    private static T[] Taken<T>(List<T> list)
    {
        var items = list.ToArray();
        list.Clear();
        return items;
    }
}
