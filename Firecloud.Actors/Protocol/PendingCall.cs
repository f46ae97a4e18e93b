namespace Firecloud.Actors.Protocol;

/// <summary>A request whose answer is a task.</summary>
/// <param name="key">The key.</param>
/// <param name="operation">What to do.</param>
/// <param name="timeoutMs">Time to answer, in milliseconds.</param>
public sealed class PendingCall(Key key, Operation operation, int timeoutMs) : PendingRequest(key, operation, timeoutMs)
{
    private readonly TaskCompletionSource<OperationResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the answer; never fails.</summary>
    public Task<OperationResult> Task => _done.Task;

    /// <inheritdoc/>
    public override void Complete(in OperationResult result) => _done.TrySetResult(result);
}
