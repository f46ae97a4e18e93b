// ShardOwner.cs - one shard at one coordinator: its ballot, its cache and the requests under way (protocol.md sections 5, 6).
//
// INPUTS   requests; answers that the Proposer hands on. Each may come late, twice or never.
// OUTPUTS  items and replies in the Proposer's outbox.
// WATCH    nothing here is remembered across a lost ballot: what was in flight is left to the gateways' further attempts.
namespace Firecloud.Actors.Protocol;

/// <summary>Runs the requests of one shard.</summary>
internal sealed class ShardOwner(Proposer proposer, int shard)
{
    private readonly Dictionary<Key, KeyState> _keys = [];
    private Ballot _ballot;
    private ulong _sequence;
    private long _blindFromMs;
    private ConfirmRound? _unsentConfirm;

    public int Shard { get; } = shard;

    /// <summary>The highest ballot ever seen in this shard.</summary>
    public Ballot HighestSeen { get; private set; }

    /// <summary>The ballot held, or none.</summary>
    public Ballot Ballot => Holds ? _ballot : Ballot.None;

    public bool Holds { get; private set; }

    /// <summary>The newest version known to be chosen.</summary>
    public Version NewestChosen { get; private set; }

    public int CachedKeys => _keys.Count;

    private OwnerReplies Replies => field ??= new OwnerReplies(proposer, this);

    /// <summary>Takes a request: refuses it, names another ballot or holder, or runs it (rules 1 and 2).</summary>
    public void Submit(Request request, object origin)
    {
        var least = proposer.Rules.LeastBallot(request);
        if (least.Epoch > proposer.Configuration.Epoch)
        {
            proposer.Reply(origin, Replies.NotRun(request, ReplyStatus.NotReady));
            return;
        }
        Saw(least);
        if (!Holds && proposer.ShouldAskHolder(this, request))
        {
            proposer.Reply(origin, Replies.NotRun(request, ReplyStatus.AskHolder));
            return;
        }
        TakeBallot();
        var fresh = proposer.Rules.IsFresh(request, _ballot);
        if (request.Attempt == 1 && !fresh && !request.Operation.IsGet)
        {
            proposer.Reply(origin, Replies.NotRun(request, ReplyStatus.OtherBallot));
            return;
        }
        Run(new Job(request, origin, fresh));
    }

    /// <summary>Notes a ballot; a higher one than ours ends our ownership.</summary>
    public void Saw(Ballot ballot)
    {
        // A ballot of an epoch that this node has not adopted can't outrank one of ours; no honest node sends it.
        if (HighestSeen < ballot && ballot.Epoch <= proposer.Configuration.Epoch) HighestSeen = ballot;
        if (Holds && _ballot < HighestSeen) GiveUp();
    }

    /// <summary>Ends the ownership: requests that were not sent start over elsewhere, those in flight are left undecided.</summary>
    public void GiveUp() => GiveUp(ReplyStatus.AskHolder);

    private void GiveUp(ReplyStatus ofUnsent)
    {
        if (!Holds) return;
        Holds = false;
        _unsentConfirm = null;
        proposer.Forget(this);
        foreach (var state in _keys.Values) Abandon(state, ofUnsent);
        _keys.Clear();
    }

    /// <summary>
    /// No quorum answers: the ownership ends. What has written nothing is refused, and the gateways of what may have try elsewhere, rather than wait
    /// for their patience to end. Others may own the shard by the time that a quorum is back: a write under the old ballot would be refused then when
    /// parts of it are written, a Lookup under the next one when nothing is.
    /// </summary>
    public void OnQuorumLost() => GiveUp(ReplyStatus.NoQuorum);

    /// <summary>The Confirm that is about to be sent takes no more answers: a later get needs a later Confirm.</summary>
    public ConfirmRound? SealConfirm()
    {
        var round = _unsentConfirm;
        if (proposer.Rules.SealsConfirms) _unsentConfirm = null;
        return round;
    }

    public void OnLookedUp(RecordRound round)
    {
        round.Done = true;
        if (!_keys.TryGetValue(round.Key, out var state) || state.Lookup != round) return;
        state.Lookup = null;
        if (!proposer.Rules.IsVoid(state)) Learn(state, round);
        if (state.Refresh) RefreshKnown(state);
        if (state.IsReported) ExpireKnown(state);
        var waiting = state.Waiting.ToArray();
        state.Waiting.Clear();
        // The Lookup was sent after its starter arrived, and a quorum promised: for that one request it is a Confirm as well.
        foreach (var job in waiting) RunKnown(state, job, confirmed: ReferenceEquals(job.Request, round.Starter));
    }

    public void OnConfirmed(ConfirmRound round)
    {
        round.Done = true;
        foreach (var answer in round.Answers) answer.Confirmed = true;
        foreach (var answer in round.Answers) AnswerConfirmed(answer.State);
    }

    /// <summary>A version is chosen: with it every earlier one of the same key and ballot is decided.</summary>
    public void OnAccepted(AcceptRound round)
    {
        var state = round.State;
        var version = round.Record.Version;
        NoteChosen(version);
        state.ChosenUpTo = Version.Max(state.ChosenUpTo, version);
        var decided = 0;
        while (decided < state.InFlight.Count && state.InFlight[decided].Record.Version <= version)
        {
            var each = state.InFlight[decided++];
            each.Done = true;
            if (each.Job is { } job) proposer.Reply(job.Origin, Replies.Written(job.Request, each));
        }
        state.InFlight.RemoveRange(0, decided);
        AnswerConfirmed(state);
    }

    /// <summary>A replica could not take a version below its dropped one: the newest record is written again (section 8).</summary>
    public void OnTooOld(AcceptRound round)
    {
        var latest = round.State.Latest;
        var writes = proposer.Rules.RewritesNewest ? latest : round.Record;
        var isNewest = latest?.Version == round.Record.Version || !proposer.Rules.RewritesNewest;
        if (!round.Done && Holds && writes is not null && isNewest) Rewrite(round.State, writes);
    }

    /// <summary>Writes the newest record of a key again under this ballot, so that every member can take it.</summary>
    public void Refresh(Key key)
    {
        TakeBallot();
        var state = GetOrAdd(key);
        if (!state.IsIdle) return;
        state.Refresh = true;
        if (state.Latest is null) StartLookup(state);
        else RefreshKnown(state);
    }

    /// <summary>A replica finds that a key's value has expired and nobody has noticed: looks at it, with this node's clock (section 11).</summary>
    public void Expire(Key key)
    {
        TakeBallot();
        var state = GetOrAdd(key);
        if (state.Lookup is not null || state.InFlight.Count > 0) return;   // a report comes again
        state.IsReported = true;
        if (state.Latest is null) StartLookup(state);
        else ExpireKnown(state);
    }

    /// <summary>A tombstone that every member has accepted leaves the cache, if it is the key's newest record.</summary>
    /// <returns>True when it may be dropped.</returns>
    public bool ForgetTombstone(AcceptRound round)
    {
        var isNewest = Holds && _keys.TryGetValue(round.State.Key, out var state) && state == round.State
            && state.Latest == round.Record && round.Record.Version.Ballot == _ballot;
        if (isNewest && round.State.IsIdle) _keys.Remove(round.State.Key);
        return isNewest;
    }

    /// <summary>Removes an idle key from the cache.</summary>
    /// <returns>False when work on it is under way or it is not there.</returns>
    public bool TryEvict(KeyState state)
    {
        if (!_keys.TryGetValue(state.Key, out var present) || present != state) return true;
        return proposer.Rules.MayEvict(state) && _keys.Remove(state.Key);
    }

    private void TakeBallot()
    {
        if (Holds && _ballot >= HighestSeen) return;
        var round = Math.Max(HighestSeen.Round, _ballot.Round) + 1;
        // Requests that the owner before us left undecided come again now: a blind write would wipe their traces (rule 5).
        _blindFromMs = HighestSeen.IsNone ? proposer.NowMs : proposer.NowMs + proposer.BlindAfterMs;
        _ballot = new Ballot(proposer.Configuration.Epoch, round, proposer.Self, proposer.Rules.BootOfBallot(proposer.Boot));
        _sequence = 0;
        Holds = true;
        HighestSeen = _ballot;
        Invariant.That(_keys.Count == 0);
    }

    private void Run(Job job)
    {
        var state = GetOrAdd(job.Request.Key);
        state.Touched = true;
        // Who waits for a Lookup of the key is not overtaken: writes on one key go out in arrival order.
        if (state.Latest is not null && state.Lookup is null) RunKnown(state, job);
        else if (proposer.NowMs >= _blindFromMs && proposer.Rules.MayGoBlind(state, job)) AcceptBlind(state, job);
        else LookUp(state, job);
    }

    private KeyState GetOrAdd(Key key)
    {
        if (_keys.TryGetValue(key, out var state)) return state;
        state = new KeyState(key);
        _keys.Add(key, state);
        proposer.Cached(this, state);
        return state;
    }

    private void LookUp(KeyState state, Job job)
    {
        state.Waiting.Add(job);
        if (state.Lookup is not null) return;
        StartLookup(state);
        state.Lookup!.Starter = job.Request;
    }

    private void RefreshKnown(KeyState state)
    {
        state.Refresh = false;
        // One in flight does it already; so does one that is decided and on its way to the last members.
        var underWay = state.LastAccept is { } last && last.Record == state.Latest && (last.AwaitsDrop || proposer.Knows(last));
        // Where a quorum holds nothing, a member still holds what the others have dropped: a tombstone above it, and the drop of
        // that, ends it.
        if (!underWay) Rewrite(state, state.Latest!);
    }

    private void StartLookup(KeyState state)
    {
        state.Lookup = new RecordRound(
            proposer.NextRound(), Shard, this, _ballot, state.Key, proposer.Configuration.Members.Count, proposer.NowMs);
        proposer.Start(state.Lookup);
    }

    private void Learn(KeyState state, RecordRound round)
    {
        var newest = round.Newest().Record;
        state.Latest = newest.Held ? newest : proposer.Rules.Absent(round.Dropped);
        if (proposer.Rules.LookupDecides(round, proposer.Configuration.Votes, newest.Version))
        {
            state.ChosenUpTo = newest.Version;
            NoteChosen(newest.Version);
        }
        else
        {
            // Unfinished business of an earlier owner: nobody may see it before a quorum holds it under this ballot.
            Rewrite(state, newest);
        }
    }

    private void RunKnown(KeyState state, Job job, bool confirmed = false)
    {
        var request = job.Request;
        var latest = state.Latest!;
        if (request.Operation.IsGet)
        {
            Confirm(state, job, Replies.Read(request, WithoutExpired(state)), confirmed);
            return;
        }
        if (TryFindWriter(latest, request.Id, out var writer))
        {
            Confirm(state, job, Replies.Remembered(request, latest, writer), confirmed);
            return;
        }
        if (!job.Fresh && proposer.Rules.MayBeForgotten(latest, request))
        {
            // Rule 5: an earlier attempt may have been applied and fallen off the list since.
            proposer.Reply(job.Origin, Replies.NotRun(request, ReplyStatus.Unknown));
            return;
        }
        // What is written makes an expiry before it true as well (section 11); a "no" that is not written needs the tombstone.
        var found = proposer.Rules.IsOver(latest, proposer.WallMs) ? proposer.Rules.Over(latest) : latest;
        var decision = request.Operation.Decide(found, proposer.MaxValue, proposer.WallMs);
        // Rule 6: the "no" of a later attempt is written, to bury what earlier attempts may have left.
        if (!decision.Writes && !proposer.Rules.WritesNo(job.Fresh))
        {
            Confirm(state, job, Replies.Refusal(request, WithoutExpired(state), decision), confirmed);
        }
        else
        {
            Accept(state, found.After(NextVersion(), request.Id, decision), job, decision);
        }
    }

    // Nobody is told that a value has expired before a tombstone says so to everybody, and for ever: whoever is told waits until it is chosen.
    private Record WithoutExpired(KeyState state)
    {
        var latest = state.Latest!;
        if (!proposer.Rules.IsOver(latest, proposer.WallMs)) return latest;
        if (!proposer.Rules.WritesExpiry) return latest.Over;
        Accept(state, latest.Expired(NextVersion()), null, default);
        return state.Latest!;
    }

    // A replica's word begins it; this node's own clock decides.
    private void ExpireKnown(KeyState state)
    {
        state.IsReported = false;
        var (rules, latest) = (proposer.Rules, state.Latest!);
        if (rules.IsOverAsReported(latest, proposer.WallMs)) Accept(state, latest.Expired(NextVersion()), null, default);
    }

    private void AcceptBlind(KeyState state, Job job)
    {
        var decision = job.Request.Operation.Decide(Record.None, proposer.MaxValue, proposer.WallMs);
        Accept(state, proposer.Rules.Blind(NextVersion(), job.Request.Id, decision), job, decision);
    }

    private void Rewrite(KeyState state, Record record) => Accept(state, record.Rewritten(NextVersion()), null, default);

    private void Accept(KeyState state, Record record, Job? job, Decision decision)
    {
        state.Latest = record;
        var round = new AcceptRound(proposer.NextRound(), this, state, record, job, decision, proposer.NowMs);
        state.InFlight.Add(round);
        state.LastAccept = round;
        proposer.Start(round);
    }

    private void Confirm(KeyState state, Job job, Reply reply, bool confirmed)
    {
        confirmed |= !proposer.Rules.NeedsConfirm;
        var answer = new PendingAnswer(job, state, state.Latest!, reply) { Confirmed = confirmed };
        state.Answers.Add(answer);
        if (confirmed)
        {
            AnswerConfirmed(state);
            return;
        }
        if (_unsentConfirm is null)
        {
            _unsentConfirm = new ConfirmRound(proposer.NextRound(), this, _ballot, proposer.NowMs);
            proposer.StartAtFlush(this);
        }
        _unsentConfirm.Answers.Add(answer);
    }

    private void AnswerConfirmed(KeyState state)
    {
        var kept = 0;
        for (var i = 0; i < state.Answers.Count; i++)
        {
            var answer = state.Answers[i];
            var ready = answer.Confirmed && proposer.Rules.IsChosen(answer.Record, state);
            if (ready) proposer.Reply(answer.Job.Origin, answer.Reply);
            else state.Answers[kept++] = answer;
        }
        state.Answers.RemoveRange(kept, state.Answers.Count - kept);
    }

    private void Abandon(KeyState state, ReplyStatus ofUnsent)
    {
        foreach (var job in state.Waiting) proposer.Reply(job.Origin, Replies.NotRun(job.Request, ofUnsent));
        foreach (var answer in state.Answers) proposer.Reply(answer.Job.Origin, Replies.NotRun(answer.Job.Request, ofUnsent));
        foreach (var round in state.InFlight)
        {
            if (round.Job is { } job) proposer.Reply(job.Origin, Replies.NotRun(job.Request, ReplyStatus.Deposed) with { Given = round.Record.Version });
        }
    }

    private Version NextVersion() => new(_ballot, ++_sequence);

    private void NoteChosen(Version version)
    {
        if (NewestChosen >= version) return;
        NewestChosen = version;
        proposer.Announce(this);
    }

    private static bool TryFindWriter(Record record, RequestId id, out Writer writer)
    {
        for (var i = record.Writers.Count - 1; i >= 0; i--)
        {
            writer = record.Writers[i];
            if (writer.Id == id) return true;
        }
        writer = default;
        return false;
    }
}
