// Gateway.cs - retries, floors and at-most-once (protocol.md section 6), for the node or client that took a request.
//
// INPUTS   Submit, OnReply, OnAnnouncement, OnTick, SetReachable. Replies may come late or never.
// OUTPUTS  Outbox: requests per coordinator, in the order in which they are to arrive there; answers through PendingRequest.
// NOT HERE sockets, clocks, Akka. The jitter comes from the Random given, so a seed replays it.
// WATCH    a reply that says "not run" speaks of one attempt only: MayHaveRun keeps what earlier attempts may have done.
namespace Firecloud.Actors.Protocol;

/// <summary>Bounds and patience of one gateway, in milliseconds.</summary>
/// <param name="MaxPending">Requests under way; above it they are refused as busy.</param>
/// <param name="AttemptMs">Wait for a coordinator that can be reached before another attempt.</param>
/// <param name="BackoffMs">Wait before an attempt that no one is known to take; jitter of up to as much is added.</param>
/// <param name="QuorumGraceMs">
/// For this long after the last sign of a quorum (a request done, or enough members in reach) requests wait for its return
/// before they are refused.
/// </param>
public sealed record GatewayLimits(int MaxPending, int AttemptMs, int BackoffMs, int QuorumGraceMs)
{
    /// <summary>Batches to one coordinator of which nothing is answered; what comes on top waits, and goes together.</summary>
    public int MaxBatches { get; init; } = int.MaxValue;
}

/// <summary>Runs clients' requests to their end.</summary>
internal sealed class Gateway
{
    private const int MaxHops = 3;
    private const int MaxDoublings = 4;

    private readonly Configuration _configuration;
    private readonly GatewayLimits _limits;
    private readonly ulong _client;
    private readonly Random _jitter;
    private readonly Rules _rules;
    private readonly Dictionary<RequestId, PendingRequest> _pending = [];
    private readonly Version[] _floors;
    private readonly Ballot[,] _ballots;   // [coordinator, shard]: the ballot it is believed to hold
    private readonly int[] _holders;       // by shard: a holder that another coordinator named, or -1
    private readonly int _self;
    private readonly BatchWindow[] _windows;   // by coordinator
    private ulong _lastNumber;
    private uint _reachable;
    private uint _responsive;   // of them, those that are not suspected; all of them where that leaves none
    private long _nowMs;
    private long _quorumLostMs = long.MinValue / 2;
    private long _lastDoneMs = long.MinValue / 2;

    /// <summary>Creates a gateway.</summary>
    /// <param name="configuration">The cluster.</param>
    /// <param name="self">The member whose coordinator is in the same actor, or -1 for a client.</param>
    /// <param name="client">A random number that no other gateway uses: a node's boot.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="jitter">For back-off only.</param>
    /// <param name="rules">For tests; the protocol's where null.</param>
    public Gateway(
        Configuration configuration, int self, ulong client, GatewayLimits limits, Random jitter, Rules? rules = null)
    {
        _rules = rules ?? Rules.Protocol;
        _configuration = configuration;
        _self = self;
        _client = client;
        _limits = limits;
        _jitter = jitter;
        _floors = new Version[configuration.Shards];
        _ballots = new Ballot[configuration.Members.Count, configuration.Shards];
        _holders = new int[configuration.Shards];
        Array.Fill(_holders, -1);
        _reachable = _responsive = configuration.Votes.AllMembers;
        Outbox = [.. configuration.Members.Select(_ => new List<Request>())];
        _windows = [.. configuration.Members.Select(_ => new BatchWindow(limits.MaxBatches))];
    }

    /// <summary>What to send, by coordinator.</summary>
    public List<Request>[] Outbox { get; }

    public int Pending => _pending.Count;

    /// <summary>What goes to a coordinator now; none while enough is on its way already.</summary>
    public Request[] Take(int member)
    {
        var requests = Outbox[member];
        if (requests.Count == 0 || !_windows[member].IsOpen) return [];
        // Those that are passed on for others are answered past this.
        var own = requests.FindIndex(r => r.Id.Client == _client);
        if (own >= 0) _windows[member].Sent(requests[own].Id.Number, _nowMs);
        Request[] taken = [.. requests];
        requests.Clear();
        return taken;
    }

    /// <summary>The highest version of a shard known to be chosen.</summary>
    public Version Floor(int shard) => _floors[shard];

    /// <summary>Whatever is submitted from now on gets versions above this one, in every shard: rule 2.</summary>
    /// <param name="floor">Of an epoch that the nodes know, and of a ballot that nobody holds.</param>
    public void RaiseFloors(Version floor)
    {
        for (var shard = 0; shard < _floors.Length; shard++) Raise(shard, floor);
    }

    public void Submit(PendingRequest pending)
    {
        if (_pending.Count >= _limits.MaxPending)
        {
            pending.Complete(OperationResult.Refused(
                RefusalReason.Busy,
                $"{_pending.Count} requests are under way, which is the limit (firecloud.gateway.max-pending). "
                + "Nothing was written; try again with fewer at a time."));
            return;
        }
        pending.Id = pending.Repeated?.Id ?? new RequestId(_client, ++_lastNumber);
        pending.Shard = pending.Key.Shard(_configuration.Shards);
        pending.Attempt = pending.Repeated is null ? 1 : 2;
        pending.Floor = pending.Repeated?.Floor ?? Version.None;
        pending.DeadlineMs = _nowMs + pending.TimeoutMs;
        if (!_pending.TryAdd(pending.Id, pending))
        {
            pending.Complete(OperationResult.Unknown("The same request is under way at this node already; its answer tells."));
            return;
        }
        Send(pending);
    }

    /// <summary>The caller gives up.</summary>
    public void Cancel(PendingRequest pending)
    {
        if (_pending.TryGetValue(pending.Id, out var present) && present == pending) GiveUp(pending, RefusalReason.Cancelled, "It was cancelled.");
    }

    /// <summary>Answers whatever is under way; nothing may be submitted afterwards.</summary>
    /// <param name="why">A sentence.</param>
    public void Close(string why)
    {
        foreach (var pending in _pending.Values.ToArray()) GiveUp(pending, RefusalReason.NotReady, why);
    }

    public void OnReply(int from, Reply reply)
    {
        Note(from, reply);
        _windows[from].Answered(reply.Id.Number);
        if (!_pending.TryGetValue(reply.Id, out var pending)) return;
        if (reply.Status == ReplyStatus.Done)
        {
            _lastDoneMs = _nowMs;
            OnDone(pending, reply);
            return;
        }
        if (reply.Attempt != pending.Attempt || from != pending.Target) return;   // another attempt is under way
        switch (reply.Status)
        {
            case ReplyStatus.OtherBallot: Send(pending, from); break;
            case ReplyStatus.AskHolder: AskHolder(pending, from, reply.Ballot); break;
            case ReplyStatus.Deposed:
                // Attempt 1 runs once, so that is the lowest version that the request was ever given, or will be (rule 2).
                if (pending.Attempt == 1 && !reply.Given.IsNone) pending.Floor = Version.Max(pending.Floor, reply.Given.Before);
                NextAttempt(pending, mayHaveRun: true, exhausted: 0);
                break;
            case ReplyStatus.NoQuorum: NoQuorum(pending, from, reply.VotesReachable); break;
            case ReplyStatus.NoRoom: NoRoom(pending, reply.VotesReachable); break;
            case ReplyStatus.Unknown:
                Finish(pending, OperationResult.Unknown(
                    "An earlier attempt may have been applied and later writes of the key have replaced its trace. "
                    + "Get the key before you try again."));
                break;
            default: BackOff(pending); break;
        }
    }

    public void OnAnnouncement(int from, Announcement announcement)
    {
        _ballots[from, announcement.Shard] = announcement.Ballot;
        Raise(announcement.Shard, announcement.Chosen);
    }

    /// <summary>The transport's view changed: requests at members that are out of reach, or suspected, go elsewhere at once.</summary>
    /// <param name="members">Bit i is member i.</param>
    /// <param name="suspected">See <see cref="Coordinator.SetReachable"/>.</param>
    public void SetReachable(uint members, uint suspected = 0)
    {
        var had = _configuration.Votes.IsQuorum(_reachable);
        if (_self >= 0) suspected &= ~(1u << _self);
        (_reachable, _responsive) = (members, (members & ~suspected) != 0 ? members & ~suspected : members);
        foreach (var window in _windows) window.Clear();
        if (had && !_configuration.Votes.IsQuorum(members)) _quorumLostMs = _nowMs;
        foreach (var pending in _pending.Values.ToArray())
        {
            if (pending.Target >= 0 && !Reaches(pending.Target)) NextAttempt(pending, mayHaveRun: true, exhausted: 0);
        }
    }

    /// <summary>Time passes: deadlines, and attempts that got no answer.</summary>
    public void OnTick(long nowMs)
    {
        _nowMs = nowMs;
        foreach (var window in _windows) window.OnTick(nowMs);
        foreach (var pending in _pending.Values.ToArray())
        {
            if (pending.DeadlineMs <= nowMs) GiveUp(pending, RefusalReason.TimedOut, $"No answer within {pending.TimeoutMs} ms.");
            else if (pending.RetryAtMs > nowMs) continue;
            else if (pending.Target < 0) Send(pending);
            else
            {
                pending.Unanswered++;
                NextAttempt(pending, mayHaveRun: true, exhausted: 1u << pending.Target);
            }
        }
    }

    private void OnDone(PendingRequest pending, Reply reply)
    {
        // Rule 6: a "no" that no record keeps may be overtaken by another attempt that is still under way.
        var isNo = reply.Outcome != Outcome.Applied;
        if (isNo && !pending.Operation.IsGet && !_rules.TakesNo(reply, pending.Attempt)) return;
        Finish(pending, new OperationResult(ResultKind.Done)
        {
            Outcome = reply.Outcome,
            Value = reply.Value,
            ValueKnown = reply.ValueKnown,
            Version = reply.Visible,
            Number = reply.Number,
            ExpiresAt = reply.ExpiresAt,
        });
    }

    private void Note(int from, Reply reply)
    {
        if (reply.Status is ReplyStatus.Done or ReplyStatus.OtherBallot && !reply.Ballot.IsNone)
        {
            _ballots[from, reply.Shard] = reply.Ballot;
        }
        Raise(reply.Shard, reply.Chosen);
    }

    private void Raise(int shard, Version chosen)
    {
        if (_floors[shard] < chosen) _floors[shard] = chosen;
    }

    private void Send(PendingRequest pending) => Send(pending, Choose(pending));

    private void Send(PendingRequest pending, int to)
    {
        if (to < 0)
        {
            NobodyToAsk(pending);
            return;
        }
        if (pending.Attempt == 1)
        {
            // Nothing was run under this id yet, so whatever is known to be chosen now lies before it.
            pending.Named = _ballots[to, pending.Shard];
            pending.Floor = _floors[pending.Shard];
        }
        pending.Target = to;
        // Twice as long after each attempt without an answer: were all shorter than what an answer takes, each would come after its attempt.
        pending.RetryAtMs = _nowMs + ((long)_limits.AttemptMs << Math.Min(pending.Unanswered, MaxDoublings)) + _jitter.Next(_limits.BackoffMs);
        // Whoever does not reach all members may not reach the holder; then the coordinator asked passes the request on.
        var passOn = _responsive == _configuration.Votes.AllMembers ? RequestMode.Any : RequestMode.PassOn;
        pending.MayOvertake |= passOn != RequestMode.Any;
        var strictly = pending.MayOvertake ? RequestMode.Strictly : RequestMode.Any;
        Outbox[to].Add(new Request(
            pending.Id, pending.Key, pending.Operation, pending.Attempt, pending.Named, pending.Floor,
            pending.Mode | passOn | strictly));
    }

    // A get goes to the own coordinator, which reads at a quorum when it is not the owner; all else to the owner.
    private int Choose(PendingRequest pending)
    {
        var usable = _responsive & ~pending.WithoutQuorum;
        if (usable == 0) usable = _reachable & ~pending.WithoutQuorum;
        if (_self >= 0 && pending.Operation.IsGet && (pending.Mode & RequestMode.AsOwner) == 0) return _self;
        var holder = _holders[pending.Shard];
        if (holder >= 0 && (usable >> holder & 1) != 0) return holder;
        return _configuration.Preferred(pending.Shard, usable);
    }

    // The attempt was not run; the same one goes to the member that holds the shard.
    private void AskHolder(PendingRequest pending, int from, Ballot ballot)
    {
        pending.Mode |= RequestMode.AsOwner;
        var holder = ballot.IsNone ? _configuration.Preferred(pending.Shard, _responsive) : ballot.Node;
        if (++pending.Hops > MaxHops || !Reaches(holder))
        {
            pending.Mode |= RequestMode.MustOwn;
            pending.Hops = 0;
            _holders[pending.Shard] = -1;
            holder = _configuration.Preferred(pending.Shard, _responsive & ~pending.WithoutQuorum);
        }
        else if (holder != from)
        {
            _holders[pending.Shard] = holder;
        }
        Send(pending, holder);
    }

    private void NextAttempt(PendingRequest pending, bool mayHaveRun, uint exhausted)
    {
        pending.MayHaveRun |= mayHaveRun && !pending.Operation.IsGet;
        pending.Attempt++;
        pending.Hops = 0;
        pending.WithoutQuorum = 0;
        pending.Mode &= ~RequestMode.MustOwn;
        if (_holders[pending.Shard] == pending.Target) _holders[pending.Shard] = -1;
        var others = _responsive & ~exhausted;
        var next = exhausted == 0 || others == 0 ? Choose(pending) : _configuration.Preferred(pending.Shard, others);
        Send(pending, next);
    }

    // One coordinator reaches no quorum, or doubts it; another may, over links that this one lacks. Who sees a quorum itself refuses nothing for want of it.
    private void NoQuorum(PendingRequest pending, int from, int votes)
    {
        pending.WithoutQuorum |= 1u << from;
        var seesQuorum = _self >= 0 && _configuration.Votes.IsQuorum(_reachable);
        var next = _self < 0 || (seesQuorum && from != _self) ? Choose(pending) : -1;
        if (next >= 0)
        {
            Send(pending, next);
            return;
        }
        // What may have been run is not given up before its deadline: a quorum that returns can still tell.
        var lastQuorumMs = Math.Max(_quorumLostMs, _lastDoneMs);
        if (pending.MayHaveRun || seesQuorum || _nowMs - lastQuorumMs < _limits.QuorumGraceMs)
        {
            BackOff(pending);
            return;
        }
        var needed = _configuration.Votes.Quorum;
        Finish(pending, Refuse(pending, RefusalReason.NoQuorum, $"{votes} of {needed} votes needed can be reached from {Name(from)}.") with
        {
            VotesReachable = votes,
            VotesNeeded = needed,
        });
    }

    private void NoRoom(PendingRequest pending, int votes)
    {
        var needed = _configuration.Votes.Quorum;
        var what = $"Disks are full: members with only {votes} of {needed} votes needed have room for new values. "
            + "Gets and deletes go on. Free space; firecloud status names the disks.";
        Finish(pending, Refuse(pending, RefusalReason.DiskFull, what) with { VotesReachable = votes, VotesNeeded = needed });
    }

    private void NobodyToAsk(PendingRequest pending)
    {
        // Everybody was asked in vain; a quorum may return at any of them, so the next round begins with all again.
        pending.WithoutQuorum = 0;
        if (_self < 0)
        {
            pending.Target = -1;
            pending.RetryAtMs = _nowMs + _limits.BackoffMs;
            return;
        }
        NoQuorum(pending, _self, _configuration.Votes.Of(_reachable));
    }

    // After a while everybody is asked again: who reached no quorum then may reach one now.
    private void BackOff(PendingRequest pending)
    {
        pending.Target = -1;
        pending.WithoutQuorum = 0;
        pending.RetryAtMs = _nowMs + _limits.BackoffMs + _jitter.Next(_limits.BackoffMs);
    }

    private void GiveUp(PendingRequest pending, RefusalReason reason, string what)
    {
        pending.MayHaveRun |= pending.Target >= 0 && !pending.Operation.IsGet;
        Finish(pending, Refuse(pending, reason, what));
    }

    private static OperationResult Refuse(PendingRequest pending, RefusalReason reason, string what) => pending.MayHaveRun
        ? OperationResult.Unknown($"{what} An earlier attempt may have been applied, or may yet be. Get the key before you try again.")
        : OperationResult.Refused(reason, $"{what} Nothing was written; it is safe to try again.");

    private void Finish(PendingRequest pending, in OperationResult result)
    {
        _pending.Remove(pending.Id);
        pending.Complete(result);
    }

    private bool Reaches(int member) => (_responsive >> member & 1) != 0;

    private string Name(int member) => _configuration.Members[member].ToString();
}
