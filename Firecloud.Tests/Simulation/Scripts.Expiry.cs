// Scripts.Expiry.cs - directed schedules, fourth part: values that expire, and clocks that differ.
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

internal static partial class Scripts
{
    // Node 1's clock is far ahead; what it reports as expired has hours to live.
    private static void ReportOfAFastClock(Script s)
    {
        s.Call(3, PutUntil(101, 5 * Script.ClockSkew));
        s.DeliverAll();
        s.World.Nodes[3].Deliver(1, new RefreshRequest(1, [], []) { Expired = [s.World.Keys[0]] });
        s.DeliverAll();
        s.Call(3, Operation.Get);
        s.DeliverAll();
    }

    // The second attempt of a compare-and-set is told no, as there is a value; that expires, and the third attempt asks what was there.
    private static void NoBeforeAnExpiry(Script s)
    {
        s.Call(3, PutUntil(101, Script.ClockSkew / 2));
        s.DeliverAll();
        var swap = s.CallLate(Operation.CompareAndSet((byte[]?)null, Text(202)));
        s.Arrives(swap, 3, attempt: 2, s.At(3).Promised);
        s.Deliver(p => p.To != Script.Client);
        s.Lose(_ => true);
        s.At(3).SetClock(Script.ClockSkew);
        s.Call(3, Operation.Get);
        s.Deliver(p => p.To != 0);                           // or the tombstone were dropped, and with it the trace of the swap
        s.Lose(_ => true);
        s.Arrives(swap, 3, attempt: 3, s.At(3).Promised);
        s.DeliverAll();
    }

    // Node 3 tells that the value has expired. Node 2 owns after it, and by its clock the value still lives.
    private static void OwnerWithASlowClockFollows(Script s)
    {
        s.Call(3, PutUntil(101, Script.ClockSkew / 2));
        s.DeliverAll();
        s.At(3).SetClock(Script.ClockSkew);
        s.Call(3, Operation.Get);
        s.DeliverAll();
        s.At(2).SetClock(-Script.ClockSkew);
        s.At(2).Saw(s.At(0).Promised);
        s.Call(2, Operation.Get);
        s.DeliverAll();
    }

    // By node 0's clock the value has expired, by the owner's it has not.
    private static void ReaderWithAFastClock(Script s)
    {
        s.Call(3, PutUntil(101, Script.ClockSkew / 2));
        s.DeliverAll();
        s.At(0).SetClock(Script.ClockSkew);
        s.Read(0);
        s.DeliverAll();
        s.Call(3, Operation.Get);
        s.DeliverAll();
    }

    // In so many milliseconds, by the true time.
    private static Operation PutUntil(int value, long afterMs) =>
        Exchange(value) with { ExpiresAt = Simulation.WallAtStart + afterMs };
}
