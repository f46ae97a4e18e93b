// Scripts.Requests.cs - directed schedules, second part: writes in flight, and attempts that come late, twice or another way.
using Firecloud.Actors.Protocol;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

internal static partial class Scripts
{
    private const ulong AnotherGateway = 0xA07;

    // A get sees a write that only its owner has; then the owner is gone, and with it the write.
    private static void GetOfAWriteInFlight(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.Call(3, Put(202));
        s.Lose(p => p.To != 3);
        s.Call(3, Operation.Get);
        s.Deliver(p => p.Asks(ReplicaAsk.Confirm) || (p.Answers() && p.To == 3) || p.To == 4);
        TakeOver(s, 2, by: Exchange(303), at: [0, 1, 2]);
        s.Read(0);
        s.DeliverAll();
    }

    // Put and compare-and-set are on one replica only. The second attempt of the latter does not see them and is told no; the next
    // owner does see them.
    private static void NoThatIsWrittenNowhere(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        var ballot = s.At(3).Promised;
        s.Call(3, Put(200));
        var swap = s.CallNaming(3, Operation.CompareAndSet(Text(200), Text(300)), ballot, Version.None);
        s.Deliver(p => p.Between(3));
        s.Lose(_ => true);
        s.At(2).Saw(ballot);
        s.Arrives(swap, 2, attempt: 2, ballot);
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
        s.Lose(_ => true);
        s.At(1).Saw(s.At(0).Promised);
        s.Call(1, Operation.Get);
        s.Deliver(p => p.Between(1, 2, 3) || p.To == 4);
    }

    // Node 3's own answer comes again, over another link.
    private static void AnswerThatComesTwice(Script s)
    {
        s.Call(3, Exchange(101));
        s.DeliverAll();
        s.Call(3, Put(202));
        s.Deliver(p => p.Asks(ReplicaAsk.Accept) && p.To == 3);
        s.DeliverTwice(p => p.Answers());
        s.Deliver(p => p.To == 4);
        s.Lose(_ => true);
        TakeOver(s, 2, by: Operation.Get, at: [0, 1, 2]);
    }

    // The same packet again, when the request's trace has fallen off the list.
    private static void RequestThatComesTwice(Script s)
    {
        s.Call(3, Put(101));
        s.DeliverAll();
        var ballot = s.At(3).Promised;
        var put = s.CallLate(Put(202));
        var order = s.NextOrder();
        s.Arrives(put, 3, attempt: 1, ballot, order, AnotherGateway);
        s.DeliverAll();
        WritesOfOthers(s);
        s.Arrives(put, 3, attempt: 1, ballot, order, AnotherGateway);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // Attempt 1 was sent before attempt 2 and comes after it.
    private static void RequestOvertaken(Script s)
    {
        s.Call(3, Exchange(101));                            // a blind put would leave the second attempt unknown
        s.DeliverAll();
        var ballot = s.At(3).Promised;
        var put = s.CallLate(Put(202));
        var order = s.NextOrder();
        s.Arrives(put, 3, attempt: 2, ballot);
        s.DeliverAll();
        WritesOfOthers(s);
        s.Arrives(put, 3, attempt: 1, ballot, order);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // Attempt 1 is passed on by another node, so that its order says nothing, and comes after attempt 2.
    private static void RequestPassedOn(Script s)
    {
        s.Call(3, Exchange(101));                            // a blind put would leave the second attempt unknown
        s.DeliverAll();
        var ballot = s.At(3).Promised;
        var put = s.CallLate(Put(202));
        s.Arrives(put, 3, attempt: 2, ballot, gateway: AnotherGateway + 1);
        s.DeliverAll();
        WritesOfOthers(s);
        s.Arrives(put, 3, attempt: 1, ballot, gateway: AnotherGateway);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // Attempt 1 is on its way to node 3, which has taken a ballot that nobody has heard of; attempt 2 runs under a lower one.
    private static void RetryUnderALowerBallot(Script s)
    {
        s.Call(3, Operation.Get, key: 1);
        s.Lose(_ => true);
        var ballot = s.BallotOf(3);
        var put = s.CallLate(Put(202));
        s.Arrives(put, 1, attempt: 2, ballot);
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
        s.Call(1, Put(303));
        s.Deliver(p => p.Between(0, 1, 2) || p.To == 4);
        s.Lose(_ => true);
        s.Arrives(put, 3, attempt: 1, ballot);
        s.DeliverAll();
        s.Read(0);
        s.DeliverAll();
    }

    // As many writes as a record remembers, and one more.
    private static void WritesOfOthers(Script s)
    {
        for (var i = 0; i <= Record.WritersKept; i++)
        {
            s.Call(3, Put(300 + i));
            s.DeliverAll();
        }
    }

    private static void TakeOver(Script s, int node, Operation by, int[] at)
    {
        s.At(node).Saw(s.At(0).Promised);
        s.Call(node, by);
        s.Deliver(p => p.Between(at) || p.To == 4);
    }
}
