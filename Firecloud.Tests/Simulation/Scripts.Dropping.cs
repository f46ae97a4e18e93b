// Scripts.Dropping.cs - directed schedules, third part: memory that is lost and tombstones that are dropped.
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

internal static partial class Scripts
{
    // As Amnesia, but node 1 recovers by messages, and the others do not note its new life.
    private static void LifeNotNoted(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Exchange(202));                            // node 2 looks up: only node 1 hears it
        s.Deliver(p => (p.Asks(ReplicaAsk.Lookup) && p.To == 1) || (p.Answers() && p.From == 1));
        s.At(1).LoseMemory();
        s.Deliver(Packets.Recovers);
        s.Call(3, Exchange(303));                            // the old owner writes on 1, 2, 3
        s.Deliver(p => (p.Asks(ReplicaAsk.Accept) && p.From == 3 && p.To != 0) || (p.Answers() && p.To == 3) || p.To == 4);
        s.Deliver(p => p.Between(0, 2) && (p.Asks(ReplicaAsk.Lookup) || p.Answers()));
        s.Deliver(p => p.Between(0, 1, 2) && (p.Asks(ReplicaAsk.Accept) || p.Answers()));
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // A tombstone is dropped; node 1 loses its memory and recovers; then the put before the tombstone comes to it.
    private static void LatePutAfterRecovery(Script s)
    {
        s.Call(3, Put(101));
        s.Deliver(p => p.To != 1);
        var late = s.Take(p => p.Asks(ReplicaAsk.Accept));
        s.Call(3, Operation.Delete());
        s.DeliverAll();
        s.At(1).LoseMemory();
        s.Deliver(Packets.Recovers);
        s.Deliver(late);
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Operation.Get);
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
    }

    // The same without a loss of memory: what was dropped must be remembered.
    private static void LatePutAfterDrop(Script s)
    {
        s.Call(3, Put(101));
        s.Deliver(p => p.To != 1);
        var late = s.Take(p => p.Asks(ReplicaAsk.Accept));
        s.Call(3, Operation.Delete());
        s.DeliverAll();
        s.Deliver(late);
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Operation.Get);
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
    }

    // A Read's repair of node 1 comes after the tombstone was dropped.
    private static void LateRepair(Script s)
    {
        s.Call(3, Put(101));
        s.Lose(p => p.To == 1);
        s.DeliverAll();
        s.Read(0);
        s.Deliver(p => !p.Asks(ReplicaAsk.Repair));
        var late = s.Take(p => p.Asks(ReplicaAsk.Repair));
        s.Call(3, Operation.Delete());
        s.DeliverAll();
        s.Deliver(late);
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Operation.Get);
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
    }

    // Two writes of one key are refused as too old, because a later tombstone of another key was dropped; the newer one first.
    private static void TwoTooOld(Script s)
    {
        s.Call(3, Put(101));
        var first = s.TakeAll(p => p.Asks(ReplicaAsk.Accept));
        s.Call(3, Exchange(202));
        var second = s.TakeAll(p => p.Asks(ReplicaAsk.Accept));
        s.Call(3, Operation.Delete(), key: 1);
        s.DeliverAll();
        foreach (var packet in second) s.Deliver(packet);
        foreach (var packet in first) s.Deliver(packet);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // Attempt 1 was sent under a ballot that its coordinator has lost since; it holds another one now.
    private static void AttemptUnderAnotherBallot(Script s)
    {
        s.Call(3, Exchange(101));                            // a blind put would leave the second attempt unknown
        s.DeliverAll();
        var ballot = s.At(3).Promised;
        var put = s.CallLate(Put(202));
        s.At(1).Saw(ballot);
        s.Arrives(put, 1, attempt: 2, ballot);
        s.DeliverAll();
        s.At(3).Saw(s.At(0).Promised);
        WritesOfOthers(s);
        s.Arrives(put, 3, attempt: 1, ballot);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }
}
