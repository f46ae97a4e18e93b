// GatewayBench.cs - one gateway without any coordinators: the test reads what it sends and writes the replies by hand.
using Firecloud.Actors.Protocol;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

internal sealed class GatewayBench
{
    public static readonly GatewayLimits Limits = new(MaxPending: 100, AttemptMs: 1000, BackoffMs: 20, QuorumGraceMs: 300);

    public GatewayBench(int self = -1, GatewayLimits? limits = null)
    {
        Gateway = new Gateway(Make.Configuration(), self, client: 7, limits ?? Limits, new Random(1));
        Gateway.OnTick(100_000);
    }

    public Gateway Gateway { get; }

    public long Now { get; private set; } = 100_000;

    public PendingCall Submit(Operation operation, int timeoutMs = 5000)
    {
        var call = new PendingCall(Make.Key, operation, timeoutMs);
        Gateway.Submit(call);
        return call;
    }

    public void Pass(int ms) => Gateway.OnTick(Now += ms);

    /// <summary>The only request sent since the last call, and to whom.</summary>
    public (int To, Request Request) Sent()
    {
        var sent = AllSent();
        return Assert.Single(sent);
    }

    public IReadOnlyList<(int To, Request Request)> AllSent()
    {
        var sent = Gateway.Outbox.SelectMany((requests, to) => requests.Select(r => (to, r))).ToList();
        foreach (var each in Gateway.Outbox) each.Clear();
        return sent;
    }

    public void Reply((int To, Request Request) sent, ReplyStatus status, Ballot ballot = default, int votes = 0, int? from = null) =>
        Gateway.OnReply(from ?? sent.To, new Reply
        {
            Id = sent.Request.Id, Attempt = sent.Request.Attempt, Status = status, Ballot = ballot, VotesReachable = votes,
        });

    public void Depose((int To, Request Request) sent, Version given) =>
        Gateway.OnReply(sent.To, new Reply { Id = sent.Request.Id, Attempt = sent.Request.Attempt, Status = ReplyStatus.Deposed, Given = given });

    public void Done((int To, Request Request) sent, Outcome outcome = Outcome.Applied, bool kept = true, Version chosen = default) =>
        Gateway.OnReply(sent.To, new Reply
        {
            Id = sent.Request.Id, Attempt = sent.Request.Attempt, Status = ReplyStatus.Done, Outcome = outcome, Kept = kept,
            Chosen = chosen, Visible = chosen,
        });

    /// <summary>The answer; fails if there is none yet.</summary>
    public static OperationResult ResultOf(PendingCall call)
    {
        Assert.True(call.Task.IsCompleted, "not answered yet");
        return call.Task.GetAwaiter().GetResult();
    }

    public static void AssertRefused(PendingCall call, RefusalReason reason)
    {
        var result = ResultOf(call);
        Assert.Equal((ResultKind.Refused, reason), (result.Kind, result.Reason));
        Assert.Contains("Nothing was written", result.Message, StringComparison.Ordinal);
    }

    public static void AssertUnknown(PendingCall call)
    {
        var result = ResultOf(call);
        Assert.Equal(ResultKind.Unknown, result.Kind);
        Assert.Contains("Get the key before you try again", result.Message, StringComparison.Ordinal);
    }
}
