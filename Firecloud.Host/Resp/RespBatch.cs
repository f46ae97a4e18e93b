// RespBatch.cs - the operations of one read buffer: they go to the coordinator in one message and run at the same time, except
// that those of one key run one after the other, in the client's order. So a client that does not wait for answers sees its own
// writes, as at Redis.
//
// JOINED   gets of one key with nothing between them are one get. Of plain puts of one key with nothing between them only the last is
//          sent: all of them were asked for before any was answered, so they may take effect at one moment, in their order, where nobody
//          sees the values between. What becomes of the one that is sent became of all: done, refused or unknown.
// THREADS  built by the connection; completed by the coordinator's thread; read by the connection when all are done.
using System.Runtime.InteropServices;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>One operation of a client's command.</summary>
internal sealed class RespRequest : PendingRequest
{
    private readonly RespBatch _batch;
    private readonly string _command;

    /// <param name="batch">To which it belongs.</param>
    /// <param name="command">The command's name, for messages.</param>
    /// <param name="key">The key.</param>
    /// <param name="operation">What to do.</param>
    /// <param name="timeoutMs">Time to answer, once it is sent.</param>
    public RespRequest(RespBatch batch, string command, Key key, Operation operation, int timeoutMs) : base(key, operation, timeoutMs)
    {
        _batch = batch;
        _command = command;
    }

    /// <summary>The answer, once the batch is done.</summary>
    public OperationResult Result { get; private set; }

    /// <summary>It was done, and did what it says.</summary>
    public bool Applied => Result is { Kind: ResultKind.Done, Outcome: Outcome.Applied };

    /// <summary>The error for the client; null when it was done.</summary>
    public string? Error => Result.Kind == ResultKind.Done ? null : RespErrors.Of(_command, Result);

    /// <summary>The one of its key that is sent once this one is done.</summary>
    public RespRequest? Next { get; set; }

    /// <summary>One that is answered as this one is, without being sent.</summary>
    public RespRequest? Joined { get; set; }

    /// <summary>A get, or a put that says nothing of what was there: several in a row come to the same as one.</summary>
    /// <param name="before">Of the same key, the one before it.</param>
    public bool MayJoin(RespRequest before) => Operation.IsGet
        ? before.Operation.IsGet && before.Operation.ReturnsExpiry == Operation.ReturnsExpiry
        : Operation is { Kind: OperationKind.Put, ReturnsOld: false } && before.Operation is { Kind: OperationKind.Put, ReturnsOld: false };

    /// <summary>Answers it without sending it. Before the batch runs.</summary>
    public void Refuse(string why) => Result = OperationResult.Refused(RefusalReason.BadRequest, why);

    /// <inheritdoc/>
    public override void Complete(in OperationResult result)
    {
        var next = Next;
        var (done, bytes) = (0, 0L);
        for (var each = this; each is not null; each = each.Joined)
        {
            each.Result = result;
            done++;
            bytes += result.Value?.Length ?? 0;
        }
        if (next is not null) _batch.Send(next);
        _batch.OnDone(done, bytes);
    }
}

/// <summary>Operations that run together.</summary>
/// <param name="node">The node that takes them.</param>
internal sealed class RespBatch(FirecloudNode node)
{
    private readonly List<RespRequest> _first = [];
    private readonly Dictionary<Key, KeyUse> _uses = [];
    private volatile TaskCompletionSource? _done;
    private volatile bool _isAbandoned;
    private int _open;
    private long _bytes;

    /// <summary>Operations in it.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the values that came back.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Adds an operation.</summary>
    public void Add(RespRequest request)
    {
        Count++;
        ref var use = ref CollectionsMarshal.GetValueRefOrAddDefault(_uses, request.Key, out var exists);
        if (!exists)
        {
            use = new KeyUse { Place = _first.Count, Last = request };
            _first.Add(request);
        }
        else if (!request.MayJoin(use.Last))
        {
            use.Last.Next = request;
            (use.Before, use.Last) = (use.Last, request);
        }
        else if (request.Operation.IsGet)
        {
            (request.Joined, use.Last.Joined) = (use.Last.Joined, request);
        }
        else
        {
            // The last put takes the place of those before it.
            request.Joined = use.Last;
            use.Last = request;
            if (use.Before is { } before) before.Next = request;
            else _first[use.Place] = request;
        }
    }

    /// <summary>Runs them.</summary>
    /// <returns>A task that ends when all are done; cancelled where the batch is abandoned.</returns>
    public Task RunAsync()
    {
        if (Count == 0) return Task.CompletedTask;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (_done, _open) = (done, Count);
        if (_isAbandoned) done.TrySetCanceled();
        if (_first.Count == 1) node.Submit(_first[0]);
        else node.Submit(_first.ToArray());   // not the list itself: it is cleared when all are done, and the node may still be reading it
        return done.Task;
    }

    /// <summary>Nobody waits for this batch, or a later one, any more; from any thread.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        _done?.TrySetCanceled();
    }

    /// <summary>Makes it ready for the next ones.</summary>
    public void Clear()
    {
        Count = 0;
        _first.Clear();
        _uses.Clear();
        _bytes = 0;
    }

    internal void Send(RespRequest request) => node.Submit(request);

    internal void OnDone(int count, long bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        if (Interlocked.Add(ref _open, -count) == 0) _done!.TrySetResult();
    }

    // Operations of one key so far: where the first that is sent stands in the list, and the last two that are sent.
    private struct KeyUse
    {
        public int Place;
        public RespRequest? Before;
        public RespRequest Last;
    }
}
