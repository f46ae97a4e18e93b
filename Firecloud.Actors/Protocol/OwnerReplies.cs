namespace Firecloud.Actors.Protocol;

/// <summary>What an owner answers (protocol.md sections 5 and 6).</summary>
internal sealed class OwnerReplies(Proposer proposer, ShardOwner owner)
{
    public Reply NotRun(Request request, ReplyStatus status) => new()
    {
        Id = request.Id,
        Attempt = request.Attempt,
        Status = status,
        Shard = owner.Shard,
        Ballot = owner.HighestSeen,
        Chosen = owner.NewestChosen,
        VotesReachable = proposer.VotesReachable,
    };

    public Reply Read(Request request, Record record) => Seen(request, record, Outcome.Applied);

    /// <summary>A "no" tells what is there: the next try of a compare-and-set begins with it.</summary>
    public Reply Refusal(Request request, Record record, in Decision decision) => Seen(request, record, decision.Outcome);

    /// <summary>A write of this ballot was chosen.</summary>
    public Reply Written(Request request, AcceptRound round)
    {
        var (record, decision) = (round.Record, round.Decision);
        var now = !decision.Writes || ReturnsNew(request);
        return Done(request, record.Version, decision.Outcome, kept: true) with
        {
            Visible = record.Visible,
            Value = now ? record.Value : record.Previous,
            ValueKnown = now || decision.KeepsPrevious,
            Number = decision.Number,
            ExpiresAt = ExpiryFor(request, record),
        };
    }

    /// <summary>A record remembers the request (rule 3). What it came to is known; the value only while nothing has followed.</summary>
    public Reply Remembered(Request request, Record record, Writer writer)
    {
        // An expiry that followed changed the record, too, though no request did.
        var last = record.Writers[^1].Id == writer.Id && proposer.Rules.IsAsLeftBy(record, writer);
        var said = writer.Outcome != Outcome.Applied;
        var now = said || ReturnsNew(request);
        return Done(request, record.Version, writer.Outcome, kept: true) with
        {
            // A "no" speaks of what was there when it was decided; once something else is there, that has no name any more.
            Visible = said ? (last ? record.Visible : Version.None) : request.Operation.Removes ? Version.None : writer.Version,
            Value = !last ? null : now ? record.Value : record.Previous,
            ValueKnown = last && (now || record.KeepsPrevious),
            Number = writer.Number,
            ExpiresAt = last ? ExpiryFor(request, record) : 0,
        };
    }

    private Reply Seen(Request request, Record record, Outcome outcome) => Done(request, record.Version, outcome, kept: false) with
    {
        Visible = record.Visible,
        Value = record.Value,
        ValueKnown = true,
        ExpiresAt = ExpiryFor(request, record),
    };

    private Reply Done(Request request, Version chosen, Outcome outcome, bool kept) => new()
    {
        Id = request.Id,
        Attempt = request.Attempt,
        Status = ReplyStatus.Done,
        Shard = owner.Shard,
        Ballot = owner.Ballot,
        Chosen = chosen,
        Outcome = outcome,
        Kept = kept,
    };

    private static bool ReturnsNew(Request request) => request.Operation.Update is { ReturnsNew: true };

    private static long ExpiryFor(Request request, Record record) => request.Operation.ReturnsExpiry ? record.Expires : 0;
}
