// RespBatch.cs - the operations of one read buffer: they go to the coordinator in one message and run at the same time, except
// that those of one key run one after the other, in the client's order, where one of them writes. So a client that does not wait for
// answers sees its own writes, as at Redis.
//
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
    private List<RespRequest>? _followers;
    private int _waitsFor;

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

    /// <summary>True when nothing before it has to be done first.</summary>
    public bool IsFree => _waitsFor == 0;

    /// <summary>Waits for another one of its key.</summary>
    public void Follow(RespRequest other)
    {
        (other._followers ??= []).Add(this);
        _waitsFor++;
    }

    /// <summary>Answers it without sending it. Before the batch runs.</summary>
    public void Refuse(string why) => Result = OperationResult.Refused(RefusalReason.BadRequest, why);

    /// <inheritdoc/>
    public override void Complete(in OperationResult result)
    {
        Result = result;
        foreach (var follower in _followers ?? [])
        {
            if (Interlocked.Decrement(ref follower._waitsFor) == 0) _batch.Send(follower);
        }
        _batch.OnDone(result.Value?.Length ?? 0);
    }
}

/// <summary>Operations that run together.</summary>
/// <param name="node">The node that takes them.</param>
internal sealed class RespBatch(FirecloudNode node)
{
    private readonly List<RespRequest> _requests = [];
    private readonly Dictionary<Key, KeyUse> _uses = [];
    private TaskCompletionSource? _done;
    private int _open;
    private long _bytes;

    /// <summary>Operations in it.</summary>
    public int Count => _requests.Count;

    /// <summary>Bytes of the values that came back.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Adds an operation.</summary>
    public void Add(RespRequest request)
    {
        _requests.Add(request);
        ref var use = ref CollectionsMarshal.GetValueRefOrAddDefault(_uses, request.Key, out _);
        if (use.Writer is { } writer) request.Follow(writer);
        if (request.Operation.IsGet)
        {
            (use.Readers ??= []).Add(request);
            return;
        }
        foreach (var reader in use.Readers ?? []) request.Follow(reader);
        use = new KeyUse { Writer = request };
    }

    /// <summary>Runs them.</summary>
    /// <param name="stop">Ends the wait when the server stops.</param>
    /// <returns>A task that ends when all are done.</returns>
    public Task RunAsync(CancellationToken stop)
    {
        if (_requests.Count == 0) return Task.CompletedTask;
        _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _open = _requests.Count;
        var free = _requests.FindAll(r => r.IsFree);
        if (free.Count == 1) node.Submit(free[0]);
        else node.Submit(free);
        return _done.Task.WaitAsync(stop);
    }

    /// <summary>Makes it ready for the next ones.</summary>
    public void Clear()
    {
        _requests.Clear();
        _uses.Clear();
        _bytes = 0;
    }

    internal void Send(RespRequest request) => node.Submit(request);

    internal void OnDone(int bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        if (Interlocked.Decrement(ref _open) == 0) _done!.TrySetResult();
    }

    // What the next operation of a key has to wait for: a get for the last write, a write for everything since.
    private struct KeyUse
    {
        public RespRequest? Writer;
        public List<RespRequest>? Readers;
    }
}
