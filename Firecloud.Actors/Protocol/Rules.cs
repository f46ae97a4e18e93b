// Rules.cs - the rules of protocol.md whose absence looks harmless, each under its own name.
//
// Production has one instance, Protocol, and nothing public takes another. The simulator derives variants that leave one rule
// out ("planted bugs") and proves that it would notice: docs/testing.md has the table. Names in brackets are those of
// section 10.
// WATCH    a change here is a change of the protocol: shared by every class of this folder, so never by the way.
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Decisions that linearizability rests on.</summary>
internal class Rules
{
    /// <summary>The protocol as it is.</summary>
    public static readonly Rules Protocol = new();

    protected Rules() { }

    // ---- Counting (sections 2 to 4) ----

    /// <summary>More than half of all votes, each member once; else two disjoint sets both decide (quorum2).</summary>
    public virtual bool IsQuorum(Votes votes, uint members) => votes.IsQuorum(members);

    /// <summary>Who answered: the node that signed, not the last hop; else one vote counts twice (quorum2).</summary>
    public virtual int Origin(ReplicaAnswer answer) => answer.From;

    /// <summary>An answer of a life that another counted answer outdates is not counted (nolives): its promise is forgotten.</summary>
    public virtual bool IsOutdated(int knownLife, int ownLife) => knownLife > ownLife;

    /// <summary>A record that was not taken by an Accept is not held (countheard): what nobody chose would be read, then lost.</summary>
    public virtual bool CountsAsHeld(in StoredRecord answer) => !answer.Heard;

    /// <summary>Everything but a Read promises (lookupnopromise): an older owner could still write between Lookup and Accept.</summary>
    public virtual bool Promises(ReplicaAsk ask) => ask != ReplicaAsk.Read;

    /// <summary>One count never mixes epochs, and no request outlives its own (keepballot): quorums of both need not meet.</summary>
    public virtual bool SameEpoch(uint theirs, uint own) => theirs == own;

    /// <summary>Drawn at every start (noboot): else two lives of a node give one version to two values.</summary>
    public virtual ulong BootOfBallot(ulong boot) => boot;

    /// <summary>
    /// A read may overtake a sync, but not what is not synced yet of its own key (unsyncedread): a record that was read and then lost.
    /// </summary>
    public virtual bool MayAnswerAtOnce(IRecordStore store, in ReplicaItem item) =>
        item.Ask == ReplicaAsk.Read && store.IsSynced(item.Shard, item.Key);

    // ---- Reading (section 5) ----

    /// <summary>A get needs a Confirm (joinread): a newer owner's put may have finished before the get began.</summary>
    public virtual bool NeedsConfirm => true;

    /// <summary>And one that is sent after it arrived: a Confirm under way proves nothing about later gets (joinread).</summary>
    public virtual bool SealsConfirms => true;

    /// <summary>And its record must be decided (nochosen): what is in flight may yet be lost.</summary>
    public virtual bool IsChosen(Record record, KeyState state) => record.Version <= state.ChosenUpTo;

    /// <summary>The newest version looked up is chosen only where a quorum of the answers holds it (nowriteback).</summary>
    public virtual bool LookupDecides(RecordRound round, Votes votes, Version newest) => round.HeldByQuorum(votes, newest, this);

    /// <summary>The same for a Read (anyread).</summary>
    public virtual bool ReadDecides(RecordRound round, Votes votes, Version newest) => round.HeldByQuorum(votes, newest, this);

    /// <summary>A value that was withheld is not told as none (withheldvalue).</summary>
    public virtual bool KnowsValue(in StoredRecord newest) => !newest.Withheld;

    /// <summary>And for a scan (anyscan): what one member still holds may be deleted, and dropped by all others.</summary>
    public virtual bool ScanDecides(Votes votes, uint holders) => IsQuorum(votes, holders);

    /// <summary>A key with a write or a Lookup under way stays in the cache (evictinflight, evictlookup).</summary>
    public virtual bool MayEvict(KeyState state) => state.IsIdle;

    /// <summary>A blind write does not overtake a Lookup of its key (evictlookup): what waits for it would be computed on less.</summary>
    public virtual bool MayGoBlind(KeyState state, in Job job) =>
        state.Lookup is null && job.Fresh && job.Request.Operation.IsBlind;

    /// <summary>And where it did, that Lookup tells nothing any more (evictlookup).</summary>
    public virtual bool IsVoid(KeyState state) => state.Latest is not null;

    // ---- At most once (section 6) ----

    /// <summary>Batches of one gateway are run in the order sent, or not at all (reordered).</summary>
    public virtual bool InOrder(GatewayPeer gateway, ulong serial) => serial > gateway.LastSerial;

    /// <summary>Rules 1 and 3: attempt 1 under the ballot that it named (blindanyballot); only that may take the blind path.</summary>
    public virtual bool IsFresh(Request request, Ballot held) => request.Attempt == 1 && request.Named == held;

    /// <summary>
    /// Rule 2: never below the floor's ballot nor, for a later attempt, below the one that attempt 1 was sent to (lowretry).
    /// Where the attempts may overtake each other, strictly above it: no coordinator holds the largest boot.
    /// </summary>
    public virtual Ballot LeastBallot(Request request)
    {
        if (request.Attempt == 1) return request.Floor.Ballot;
        var strictly = (request.Mode & RequestMode.Strictly) != 0 && !request.Named.IsNone;
        var named = strictly ? request.Named with { Boot = ulong.MaxValue } : request.Named;
        return named > request.Floor.Ballot ? named : request.Floor.Ballot;
    }

    /// <summary>Rule 4: a blind write starts the list of ids anew and owns up to it.</summary>
    public virtual Record Blind(Version version, RequestId request, in Decision decision) =>
        Record.Blind(version, request, decision);

    /// <summary>Rule 5: the id of an earlier attempt may have fallen off the list (nofloor).</summary>
    public virtual bool MayBeForgotten(Record latest, Request request) => latest.Forgotten > request.Floor;

    /// <summary>Rule 6: the "no" of a later attempt is written (nofence), to bury what earlier ones left somewhere.</summary>
    public virtual bool WritesNo(bool fresh) => !fresh;

    /// <summary>Rule 6: a "no" that no record keeps counts only while there was no second attempt (loosenno).</summary>
    public virtual bool TakesNo(Reply reply, int attempts) => reply.Kept || (attempts == 1 && reply.Attempt == 1);

    // ---- Lost memory (section 7) ----

    /// <summary>Who hears of a new life keeps it before it sends its state (noregister): else old promises still count.</summary>
    public virtual bool NotesLives => true;

    /// <summary>A transfer brings what was dropped, read after the records (droppedfirst): else a late packet brings it back.</summary>
    public virtual Version DroppedIn(StateChunk chunk) => chunk.Dropped;

    // ---- Dropped tombstones (section 8) ----

    /// <summary>What is not held is not taken at or below the dropped version (nodropped): a late packet would bring it back.</summary>
    public virtual bool IsTooOld(Record own, Version version, Version dropped) => !own.Held && version <= dropped;

    /// <summary>Nor is it heard of (exchangefree): an exchange is no way around that.</summary>
    public virtual bool IsTooOldToHear(Record own, Version version, Version dropped) => !own.Held && version <= dropped;

    /// <summary>
    /// A tombstone is dropped only when every member has accepted it, counted as in section 4 (dropquorum, dropsurvey): a member
    /// that has not may bring the old value back.
    /// </summary>
    public virtual bool MayDrop(Votes votes, uint accepted) => accepted == votes.AllMembers;

    /// <summary>What a member could not take is written again only if it is the newest (rewriteold).</summary>
    public virtual bool RewritesNewest => true;

    /// <summary>An absent key has forgotten every id up to the dropped version (noforgotten).</summary>
    public virtual Record Absent(Version dropped) => Record.Absent(dropped);

    // ---- Expiry (section 11) ----

    /// <summary>A value has expired once the own clock says so (earlyexpiry, lateexpiry); nobody else's clock counts.</summary>
    public virtual bool IsOver(Record record, long wallMs) => record.Expires != 0 && record.Expires <= wallMs;

    /// <summary>And where a replica reports it, too (believedreport).</summary>
    public virtual bool IsOverAsReported(Record record, long wallMs) => IsOver(record, wallMs);

    /// <summary>Who is told that a value has expired waits for a tombstone (toldexpired): the next owner's clock may say otherwise.</summary>
    public virtual bool WritesExpiry => true;

    /// <summary>A write on a value that has expired finds none (foundexpired).</summary>
    public virtual Record Over(Record record) => record.Over;

    /// <summary>
    /// What a Read tells; null where only the owner can tell: a reader whose clock says that the value has expired does not say so itself
    /// (readerexpires), nor does it tell the value (lateread).
    /// </summary>
    public virtual Record? ReadTells(Record newest, long wallMs) => IsOver(newest, wallMs) ? null : newest;

    /// <summary>What a retry's "no" was told is not known any more once the value has expired since (expiredno).</summary>
    public virtual bool IsAsLeftBy(Record record, in Writer writer) => record.IsAsLeftBy(writer);
}
