// Drops.cs - when an owner has a tombstone dropped (protocol.md section 8): every member has accepted it, and a while has passed.
//
// WHY WAIT  a dropped tombstone leaves no trace of the requests before it, so whatever of the shard was under way then ends as
//           unknown when it comes again (rule 5). What is older than every retry is missed by nobody.
namespace Firecloud.Actors.Protocol;

/// <summary>Tombstones of one coordinator that every member has accepted.</summary>
/// <param name="proposer">Whose they are.</param>
/// <param name="delayMs">From then until they are dropped.</param>
/// <param name="most">How many may wait; the oldest beyond it is dropped at once.</param>
internal sealed class Drops(Proposer proposer, int delayMs, int most)
{
    private readonly Queue<(AcceptRound Round, long DueMs)> _waiting = new();

    public int Waiting => _waiting.Count;

    /// <summary>An answer came for a decided tombstone.</summary>
    public void OnAnswer(AcceptRound round)
    {
        var votes = proposer.Configuration.Votes;
        if (round.AwaitsDrop || !proposer.Rules.MayDrop(votes, round.Tally.Counted(votes, proposer.Rules))) return;
        round.AwaitsDrop = true;
        _waiting.Enqueue((round, proposer.NowMs + delayMs));
        if (delayMs == 0 || _waiting.Count > most) Drop(_waiting.Dequeue().Round);
    }

    /// <summary>Time passes. While a member is out of reach nothing is dropped: it would miss it.</summary>
    public void OnTick()
    {
        if (proposer.Reachable != proposer.Configuration.Votes.AllMembers) return;
        while (_waiting.TryPeek(out var oldest) && oldest.DueMs <= proposer.NowMs) Drop(_waiting.Dequeue().Round);
    }

    // If it is still the newest of its key, nobody needs it any more.
    private void Drop(AcceptRound round)
    {
        round.AwaitsDrop = false;
        if (!round.Owner!.ForgetTombstone(round)) return;
        proposer.Outbox.ToAll.Add(new ReplicaItem(
            ReplicaAsk.Drop, 0, round.Shard, round.Record.Version.Ballot, round.State.Key, round.Record));
    }
}
