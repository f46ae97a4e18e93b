// ScanActor.cs - /user/firecloud/scans: answers those who read all keys (backup, export). It hands the replica one question at a
// time, however many read at once, so that a vote waits for one page at most; and turns pages into bytes beside the replica's thread.
using Akka.Actor;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Node;

/// <summary>A queue of questions for pages before the replica.</summary>
internal sealed class ScanActor(NodeContext node, IActorRef replica) : UntypedActor
{
    private const int MaxWaiting = 64;
    private const int PatienceMs = 5000;   // a replica whose store failed or began anew answers nothing

    private readonly Queue<(IActorRef Asker, ScanQuestion Question)> _waiting = new();   // the first one is at the replica
    private ulong _ticket;
    private long _askedMs;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Frame frame: OnFrame(frame); break;
            // By the own number: a page that was read before the question came must not answer it.
            case ScanAnswer page when page.Nonce == _ticket && _waiting.Count > 0:
                Answer(page with { Nonce = _waiting.Peek().Question.Nonce });
                break;
            case ScanAnswer: break;
            case AdminReply no when _waiting.Count > 0: Answer(no); break;
            default: Unhandled(message); break;
        }
    }

    private void OnFrame(Frame frame)
    {
        if (!node.TryDecode(frame, out var message) || message is not ScanQuestion question)
        {
            node.Counters.CountBadFrame();
            return;
        }
        var why = question.Epoch != node.Configuration.Epoch
            ? $"{node.Name(node.Self)} is at epoch {node.Configuration.Epoch} of the configuration, the question is of epoch {question.Epoch}. Begin anew."
            : _waiting.Count >= MaxWaiting
            ? $"{node.Name(node.Self)} has {MaxWaiting} questions for pages to answer, which is the limit. Take fewer backups at a time."
            : null;
        if (why is not null)
        {
            Sender.Tell(node.Encode(new AdminReply(false, why)), Self);
            return;
        }
        _waiting.Enqueue((Sender, question));
        if (_waiting.Count == 1) Ask();
        else if (Environment.TickCount64 - _askedMs > PatienceMs) Answer(new AdminReply(false, $"The store of {node.Name(node.Self)} does not answer; see its status."));
    }

    private void Answer(object answer)
    {
        _waiting.Dequeue().Asker.Tell(node.Encode(answer), Self);
        Ask();
    }

    private void Ask()
    {
        if (!_waiting.TryPeek(out var next)) return;
        _askedMs = Environment.TickCount64;
        replica.Tell(next.Question with { Nonce = ++_ticket }, Self);
    }
}
