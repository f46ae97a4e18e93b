// Traps.cs - planted bugs: the protocol with one rule of Protocol/Rules left out, named as in protocol.md section 10.
//
// TrapTests proves that the simulator finds every one of them; docs/testing.md has the table.
using System.Numerics;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

/// <summary>One planted bug.</summary>
/// <param name="Name">As in protocol.md, section 10.</param>
/// <param name="Make">New rules for one run; some remember what happened.</param>
internal sealed record Trap(string Name, Func<Rules> Make)
{
    /// <summary>The replica answers before its store is synced; the driver's mistake, so not one of Rules.</summary>
    public bool AnswersUnsynced { get; init; }

    public static IReadOnlyList<Trap> All { get; } =
    [
        new("quorum2", () => new TwoVotesDecide()),
        new("countmembers", () => new HalfTheMembersDecide()),
        new("repeated", () => new RepeatedAnswersCount()),
        new("nolives", () => new EarlierLivesCount()),
        new("countheard", () => new HeardCounts()),
        new("lookupnopromise", () => new LookupsPromiseNothing()),
        new("keepballot", () => new EpochsMix()),
        new("noboot", () => new OneBootForEver()),
        new("unsyncedread", () => new ReadsOvertakeAnything()) { Focus = ReadingAndCrashing },
        new("joinread", () => new GetsNeedNoConfirm()),
        new("oldconfirm", () => new GetsJoinOldConfirms()),
        new("nochosen", () => new InFlightIsRead()),
        new("nowriteback", () => new LookupsAlwaysDecide()),
        new("anyread", () => new ReadsAlwaysDecide()),
        new("withheldvalue", () => new WithheldIsAbsent()) { Focus = Withholding },
        new("evictinflight", () => new WritesAreEvicted()),
        new("evictlookup", () => new LookupsAreOvertaken()),
        new("reordered", () => new OldRequestsRun()),
        new("repeatedrequests", () => new RequestsRunTwice()),
        new("blindanyballot", () => new AnyBallotIsFresh()),
        new("lowretry", () => new RetriesGoLower()),
        new("samepath", () => new RetriesMayOvertake()),
        new("belowfloor", () => new FloorsAreIgnored()),
        new("blindforgetsnothing", () => new BlindForgetsNothing()),
        new("nofloor", () => new FallenIdsAreForgotten()),
        new("loosenno", () => new EveryNoIsBelieved()),
        new("nofence", () => new RetriesWriteNoNo()),
        new("noregister", () => new LivesAreNotNoted()) { Focus = MemoryLost },
        new("droppedfirst", () => new DroppedStaysBehind()) { Focus = Deleting },
        new("dropquorum", () => new QuorumMayDrop()) { Focus = Deleting },
        new("nodropped", () => new DroppedIsForgotten()) { Focus = Deleting },
        new("exchangefree", () => new AnythingIsHeard()) { Focus = Deleting },
        new("noforgotten", () => new AbsentForgetsNothing()) { Focus = Deleting },
        new("rewriteold", () => new RefusedIsRewritten()) { Focus = Deleting },
        new("toldexpired", () => new OwnersTellWithoutATombstone()) { Focus = Expiring },
        new("readerexpires", () => new ReadersTellByTheirClock()) { Focus = Expiring },
        new("lateread", () => new ReadersTellWhatExpired()) { Focus = Expiring },
        new("earlyexpiry", () => new ExpiriesComeEarly()) { Focus = Expiring },
        new("lateexpiry", () => new NothingExpires()) { Focus = Expiring },
        new("foundexpired", () => new WritesFindWhatExpired()) { Focus = Expiring },
        new("expiredno", () => new RetriesAreToldWhatIsThereNow()) { Focus = Expiring },
        new("believedreport", () => new ReportsAreBelieved()),
        new("unsynced", () => Rules.Protocol) { AnswersUnsynced = true, Focus = Crashing },
    ];

    /// <summary>
    /// What makes this bug likelier to show: a part of the drawn options is replaced. Random runs without it find most of them too, but
    /// tests have no time for that.
    /// </summary>
    public Func<SimOptions, SimOptions> Focus { get; init; } = DeceivedOwners;

    /// <summary>One schedule with this bug planted, and with the options that suit it.</summary>
    public SimResult RunFocused(ulong seed) => new Simulation(seed, Focus(SimOptions.Draw(new SimRandom(seed))), Make())
    {
        SyncsBeforeAnswering = !AnswersUnsynced,
    }.Run();

    // One busy key, owners that are cut off without noticing, gateways that lose patience.
    private static SimOptions DeceivedOwners(SimOptions drawn) => drawn with
    {
        Keys = 1,
        Shards = 1,
        Operations = 14,
        CallEvery = 20,
        Clients = 2,
        Duplicates = 0.1,
        Gateway = drawn.Gateway with { AttemptMs = 40 },
        Faults = Faults.QuietCut | Faults.Heal | Faults.WrongReachability,
        FaultEvery = 100,
    };

    private static SimOptions Withholding(SimOptions drawn) => DeceivedOwners(drawn) with { Withholds = true };

    private static SimOptions Crashing(SimOptions drawn) => drawn with
    {
        Keys = 1,
        Shards = 1,
        SyncTime = 30,
        Faults = drawn.Faults | Faults.Crash,
        FaultEvery = 30,
    };

    // Long syncs, crashes at many nodes, and owners cut off: a get by Reads sees what two replicas have written, and both forget it.
    private static SimOptions ReadingAndCrashing(SimOptions drawn) => DeceivedOwners(drawn) with
    {
        Operations = 30,
        SyncTime = 150,
        Faults = Faults.Crash | Faults.QuietCut | Faults.Heal,
        FaultEvery = 25,
    };

    private static SimOptions MemoryLost(SimOptions drawn) => drawn with
    {
        Keys = 1,
        Shards = 1,
        Operations = 14,
        CallEvery = 20,
        Recovers = true,
        Gateway = drawn.Gateway with { AttemptMs = 40 },
        Faults = Faults.LoseMemory | Faults.Heal | Faults.QuietCut | Faults.WrongReachability,
        FaultEvery = 30,
    };

    private static SimOptions Deleting(SimOptions drawn) => drawn with
    {
        Keys = 1,
        Shards = 1,
        Operations = 14,
        CallEvery = 20,
        Weights = [4, 3, 1, 3, 2, 1, 0, 1],
        CompareEvery = 100,
        Recovers = true,
        Late = 0.1,
        Gateway = drawn.Gateway with { AttemptMs = 40 },
        Faults = drawn.Faults | Faults.LoseMemory,
        FaultEvery = 100,
    };

    // Values live as long as a few calls; owners change, and their clocks differ.
    private static SimOptions Expiring(SimOptions drawn) => DeceivedOwners(drawn) with
    {
        Weights = [6, 1, 1, 1, 1, 1, 1, 2],
        Expiring = 0.4,
        LifeTime = 100,
        ClockSkew = 50,
        SyncTime = 0,
    };

    /// <summary>The protocol itself.</summary>
    public static Trap None { get; } = new("none", () => Rules.Protocol);

    /// <summary>One schedule with this bug planted.</summary>
    public SimResult Run(ulong seed, List<string>? log = null) =>
        new Simulation(seed, null, Make()) { SyncsBeforeAnswering = !AnswersUnsynced, Log = log }.Run();

    public static Trap Named(string name) =>
        All.FirstOrDefault(t => t.Name == name) ?? throw new ArgumentException(
            $"There is no trap '{name}'; there are {string.Join(", ", All.Select(t => t.Name))}.");

    private sealed class TwoVotesDecide : Rules
    {
        public override bool IsQuorum(Votes votes, uint members) => votes.Of(members) >= 2;
    }

    private sealed class HalfTheMembersDecide : Rules
    {
        public override bool IsQuorum(Votes votes, uint members) => 2 * BitOperations.PopCount(members) >= votes.Members;
    }

    // As if answers were told apart by the link that they came over, and a repeated one came over another.
    private sealed class RepeatedAnswersCount : Rules
    {
        private readonly HashSet<ReplicaAnswer> _seen = new(ReferenceEqualityComparer.Instance);

        public override int Origin(ReplicaAnswer answer) => _seen.Add(answer) ? answer.From : (answer.From + 1) % Simulation.Members;
    }

    private sealed class EarlierLivesCount : Rules
    {
        public override bool IsOutdated(int knownLife, int ownLife) => false;
    }

    private sealed class HeardCounts : Rules
    {
        public override bool CountsAsHeld(in StoredRecord answer) => true;
    }

    private sealed class LookupsPromiseNothing : Rules
    {
        public override bool Promises(ReplicaAsk ask) => ask is ReplicaAsk.Accept or ReplicaAsk.Confirm;
    }

    private sealed class ReadsOvertakeAnything : Rules
    {
        public override bool MayAnswerAtOnce(IRecordStore store, in ReplicaItem item) => item.Ask == ReplicaAsk.Read;
    }

    private sealed class EpochsMix : Rules
    {
        public override bool SameEpoch(uint theirs, uint own) => true;
    }

    private sealed class OneBootForEver : Rules
    {
        public override ulong BootOfBallot(ulong boot) => 1;
    }

    private sealed class GetsNeedNoConfirm : Rules
    {
        public override bool NeedsConfirm => false;
    }

    private sealed class GetsJoinOldConfirms : Rules
    {
        public override bool SealsConfirms => false;
    }

    private sealed class InFlightIsRead : Rules
    {
        public override bool IsChosen(Record record, KeyState state) => true;
    }

    private sealed class LookupsAlwaysDecide : Rules
    {
        public override bool LookupDecides(RecordRound round, Votes votes, Version newest) => true;
    }

    private sealed class ReadsAlwaysDecide : Rules
    {
        public override bool ReadDecides(RecordRound round, Votes votes, Version newest) => true;
    }

    private sealed class WithheldIsAbsent : Rules
    {
        public override bool KnowsValue(in StoredRecord newest) => true;
    }

    private sealed class WritesAreEvicted : Rules
    {
        public override bool MayEvict(KeyState state) =>
            state.Lookup is null && state.Waiting.Count == 0 && state.Answers.Count == 0;
    }

    private sealed class LookupsAreOvertaken : Rules
    {
        public override bool MayGoBlind(KeyState state, in Job job) => job.Fresh && job.Request.Operation.IsBlind;

        public override bool IsVoid(KeyState state) => false;
    }

    private sealed class OldRequestsRun : Rules
    {
        private readonly HashSet<(GatewayPeer, ulong)> _seen = [];

        // Out of order, but never twice: repeating is another mistake, found at once.
        public override bool InOrder(GatewayPeer gateway, ulong serial) => _seen.Add((gateway, serial));
    }

    private sealed class RequestsRunTwice : Rules
    {
        public override bool InOrder(GatewayPeer gateway, ulong serial) => serial >= gateway.LastSerial;
    }

    private sealed class AnyBallotIsFresh : Rules
    {
        public override bool IsFresh(Request request, Ballot held) => request.Attempt == 1;
    }

    private sealed class RetriesGoLower : Rules
    {
        public override Ballot LeastBallot(Request request) => request.Floor.Ballot;
    }

    private sealed class RetriesMayOvertake : Rules
    {
        public override Ballot LeastBallot(Request request) =>
            base.LeastBallot(request with { Mode = request.Mode & ~RequestMode.Strictly });
    }

    private sealed class FloorsAreIgnored : Rules
    {
        public override Ballot LeastBallot(Request request) => base.LeastBallot(request with { Floor = Version.None });
    }

    private sealed class BlindForgetsNothing : Rules
    {
        public override Record Blind(Version version, RequestId request, in Decision decision)
        {
            var record = base.Blind(version, request, decision);
            return new Record
            {
                Version = record.Version,
                Modified = record.Modified,
                Value = record.Value,
                ExpiresAt = record.ExpiresAt,
                Writers = record.Writers,
            };
        }
    }

    private sealed class FallenIdsAreForgotten : Rules
    {
        public override bool MayBeForgotten(Record latest, Request request) => false;
    }

    private sealed class EveryNoIsBelieved : Rules
    {
        public override bool TakesNo(Reply reply, int attempts) => true;
    }

    // The gateway believes the "no" of its newest attempt, as it would if that were written.
    private sealed class RetriesWriteNoNo : Rules
    {
        public override bool WritesNo(bool fresh) => false;

        public override bool TakesNo(Reply reply, int attempts) => reply.Attempt == attempts;
    }

    private sealed class LivesAreNotNoted : Rules
    {
        public override bool NotesLives => false;
    }

    private sealed class DroppedStaysBehind : Rules
    {
        public override Version DroppedIn(StateChunk chunk) => Version.None;
    }

    private sealed class QuorumMayDrop : Rules
    {
        public override bool MayDrop(Votes votes, uint accepted) => votes.IsQuorum(accepted);
    }

    private sealed class DroppedIsForgotten : Rules
    {
        public override bool IsTooOld(Record own, Version version, Version dropped) => false;

        public override bool IsTooOldToHear(Record own, Version version, Version dropped) => false;
    }

    private sealed class AnythingIsHeard : Rules
    {
        public override bool IsTooOldToHear(Record own, Version version, Version dropped) => false;
    }

    private sealed class AbsentForgetsNothing : Rules
    {
        public override Record Absent(Version dropped) => Record.None;
    }

    private sealed class RefusedIsRewritten : Rules
    {
        public override bool RewritesNewest => false;
    }

    private sealed class OwnersTellWithoutATombstone : Rules
    {
        public override bool WritesExpiry => false;
    }

    private sealed class ReadersTellByTheirClock : Rules
    {
        public override Record? ReadTells(Record newest, long wallMs) => IsOver(newest, wallMs) ? newest.Over : newest;
    }

    private sealed class ReadersTellWhatExpired : Rules
    {
        public override Record? ReadTells(Record newest, long wallMs) => newest;
    }

    private sealed class ExpiriesComeEarly : Rules
    {
        public override bool IsOver(Record record, long wallMs) => record.Expires != 0 && record.Expires - 200 <= wallMs;
    }

    private sealed class NothingExpires : Rules
    {
        public override bool IsOver(Record record, long wallMs) => false;
    }

    private sealed class WritesFindWhatExpired : Rules
    {
        public override Record Over(Record record) => record;
    }

    private sealed class RetriesAreToldWhatIsThereNow : Rules
    {
        public override bool IsAsLeftBy(Record record, in Writer writer) => true;
    }

    private sealed class ReportsAreBelieved : Rules
    {
        public override bool IsOverAsReported(Record record, long wallMs) => record.Expires != 0;
    }
}
