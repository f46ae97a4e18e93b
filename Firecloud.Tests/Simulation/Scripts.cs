// Scripts.cs - directed schedules for traps that random ones find late or never. Each is linearizable under the protocol and not
// under its trap.
using System.Text;
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

internal static partial class Scripts
{
    /// <summary>By the trap that they show.</summary>
    public static IReadOnlyDictionary<string, Action<Script>> ByTrap { get; } = new Dictionary<string, Action<Script>>
    {
        ["nolives"] = Amnesia,
        ["countheard"] = HeardInRecovery,
        ["joinread"] = GetAtADeposedOwner,
        ["oldconfirm"] = GetJoinsAnOldConfirm,
        ["belowfloor"] = AttemptBelowItsFloor,
        ["keepballot"] = BallotKept,
        ["nochosen"] = GetOfAWriteInFlight,
        ["nofence"] = NoThatIsWrittenNowhere,
        ["repeated"] = AnswerThatComesTwice,
        ["repeatedrequests"] = RequestThatComesTwice,
        ["reordered"] = RequestOvertaken,
        ["samepath"] = RequestPassedOn,
        ["lowretry"] = RetryUnderALowerBallot,
        ["blindanyballot"] = AttemptUnderAnotherBallot,
        ["noregister"] = LifeNotNoted,
        ["droppedfirst"] = LatePutAfterRecovery,
        ["nodropped"] = LatePutAfterDrop,
        ["exchangefree"] = LateRepair,
        ["rewriteold"] = TwoTooOld,
        ["believedreport"] = ReportOfAFastClock,
        ["expiredno"] = NoBeforeAnExpiry,
        ["toldexpired"] = OwnerWithASlowClockFollows,
        ["readerexpires"] = ReaderWithAFastClock,
    };

    public static SimResult Play(string trap, Rules rules)
    {
        var script = new Script(rules);
        ByTrap[trap](script);
        return script.Result() with { Why = string.Join('\n', script.Log) };
    }

    // Node 1's promise to node 2 is forgotten before the master's answer completes the quorum.
    private static void Amnesia(Script s)
    {
        s.Call(3, Exchange(101));                            // node 3 owns, 101 is everywhere
        s.DeliverAll();
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Exchange(202));                            // node 2 looks up: only node 1 hears it
        s.Deliver(p => (p.Asks(ReplicaAsk.Lookup) && p.To == 1) || (p.Answers() && p.From == 1));
        s.At(1).Forget(s.World.Nodes[0], s.World.Nodes[2], s.World.Nodes[3]);
        s.Call(3, Exchange(303));                            // the old owner writes on 1, 2, 3
        s.Deliver(p => (p.Asks(ReplicaAsk.Accept) && p.From == 3 && p.To != 0) || (p.Answers() && p.To == 3) || p.To == 4);
        s.Deliver(p => p.Between(0, 2) && (p.Asks(ReplicaAsk.Lookup) || p.Answers()));   // now the master hears the Lookup
        s.Deliver(p => p.Between(0, 1, 2) && (p.Asks(ReplicaAsk.Accept) || p.Answers()));
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // The master alone holds an unfinished write that a newer owner's Lookup (nodes 1, 2, 3) did not see. Node 1 forgets and takes
    // it over from the master: now a quorum has it, and yet it is not chosen.
    private static void HeardInRecovery(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.At(2).Saw(s.At(0).Promised);
        s.Call(3, Put(202));                                 // reaches the master only
        s.Deliver(p => p.Asks(ReplicaAsk.Accept) && p.To == 0);
        s.Lose(p => p.Asks(ReplicaAsk.Accept) || p.Answers());
        s.Call(2, Exchange(303));                            // a newer owner looks up at 1, 2, 3
        s.Deliver(p => (p.Asks(ReplicaAsk.Lookup) && p.To != 0) || p.Answers());
        s.At(1).Forget(s.World.Nodes[0], s.World.Nodes[2]);
        s.Read(0);                                           // hears nodes 0 and 1
        s.Deliver(p => (p.Asks(ReplicaAsk.Read) && p.To < 2) || (p.Answers() && p.To == 0) || p.To == 4);
        s.Deliver(p => p.Asks(ReplicaAsk.Accept) || p.Answers());   // the newer owner's write is chosen
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // Node 3's write is at a quorum, which it has not heard of; then node 2 takes over and writes. A get that comes to node 3 after that
    // joins node 3's write.
    private static void GetAtADeposedOwner(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.Call(3, Put(202));
        s.Deliver(p => p.Asks(ReplicaAsk.Accept) && p.To != 2);
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Put(303));
        s.Deliver(p => p.Asks(ReplicaAsk.Accept) || (p.Answers() && p.To == 2) || p.To == 4);
        s.Call(3, Operation.Get);
        s.Deliver(p => (p.Answers() && p.To == 3) || p.To == 4);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // The Confirm was answered before node 2 took over; a get that comes after its write joins it.
    private static void GetJoinsAnOldConfirm(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.Call(3, Operation.Get);
        s.Deliver(p => p.Asks(ReplicaAsk.Confirm));          // the answers are under way
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Put(202));
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
        s.Call(3, Operation.Get);
        s.DeliverAll();
    }

    // An increment runs under a ballot below that of its gateway's floor, which another key of the shard has raised. Its trace falls
    // off the list with a version below the floor, so that the second attempt believes that it was never there.
    private static void AttemptBelowItsFloor(Script s)
    {
        s.Call(3, Put(101));
        s.DeliverAll();
        var ballot = s.At(3).Promised;
        s.At(2).Saw(ballot);
        s.Call(2, Put(50), key: 1);
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
        s.Lose(_ => true);
        var increment = s.CallNaming(3, Operation.Increment(1), ballot, s.Floor);
        s.Deliver(p => p.Between(3));                        // reaches node 3's own replica only
        s.Lose(_ => true);
        s.At(1).Saw(s.At(0).Promised);
        for (var i = 1; i <= 4; i++)
        {
            s.Call(1, Exchange(1000 * i));
            s.Deliver(p => p.Between(1, 2, 3) || p.To == 4);
        }
        s.Arrives(increment, 1, attempt: 2, ballot);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // Node 2 looked up at {0, 2}, a quorum of the first configuration; {1, 3} is one of the third and knows nothing of it.
    private static void BallotKept(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Exchange(303));
        s.Deliver(p => (p.Asks(ReplicaAsk.Lookup) && p.To is 0 or 2) || (p.Answers() && p.To == 2));
        s.Lose(_ => true);
        var third = new Configuration(s.World.Configuration.Members, new Votes([1, 2, 1, 1]), 1, epoch: 3);
        foreach (var node in s.World.Nodes) node.Adopt(third, keepsCoordinator: node.Id == 2);
        s.Call(3, Exchange(404));
        s.Deliver(p => p.Between(1, 3) || p.To == 4);
        s.Lose(_ => true);
        s.World.Nodes[2].Coordinator!.OnTick(1_000_000);     // asks again where an answer is overdue
        s.World.Nodes[2].Flush();
        s.Deliver(p => p.Between(0, 2) || p.To == 4);        // the other quorum of the first configuration
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    private static Operation Put(int value) => Operation.Put(Text(value));

    private static Operation Exchange(int value) => Operation.Put(Text(value), returnsOld: true);

    private static byte[] Text(int value) => Encoding.ASCII.GetBytes($"{value}");
}
