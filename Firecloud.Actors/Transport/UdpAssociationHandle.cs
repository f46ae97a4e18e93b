// UdpAssociationHandle.cs - an association as Akka sees it: the contract is in Akka's Transport.cs, what it really needs was
// measured: Write must never throw or block, Disassociated comes once and last, messages that come before Akka listens wait.
using Akka.Actor;
using Akka.Remote.Transport;
using Google.Protobuf;

namespace Firecloud.Actors.Transport;

internal sealed class UdpAssociationHandle : AssociationHandle, IAssociationSink
{
    private readonly PeerLink _link;
    private readonly Association _association;
    private readonly int _maxMessage;
    private readonly ClientGuard? _guard;
    private readonly Lock _gate = new();
    private Queue<IHandleEvent>? _early = new();  // null once there is a listener
    private IHandleEventListener? _listener;
    private long _earlyBytes;
    private bool _ended;

    public UdpAssociationHandle(Address local, Address remote, PeerLink link, Association association, int maxMessage, long now,
        ClientGuard? guard = null)
        : base(local, remote)
    {
        (_link, _association, _maxMessage, OpenedAt, _guard) = (link, association, maxMessage, now, guard);
        // Runs on the thread of the actor that completes it, so it only swaps the listener and hands over what waits.
        ReadHandlerSource.Task.ContinueWith(OnListener, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    /// <summary>Microseconds.</summary>
    public long OpenedAt { get; }

    public bool IsClaimed => ReadHandlerSource.Task.IsCompleted;

    /// <inheritdoc/>
    public override bool Write(ByteString payload)
    {
        // Akka checked its limit before it wrapped the message. More than the slack is a bug above; refusing would make Akka
        // try for ever, so it is dropped and counted like any message that is too long.
        if (payload.Length > _maxMessage) return _link.CountDropped();
        return _link.Write(_association, payload.Memory);
    }

    /// <inheritdoc/>
    [Obsolete("Akka's own; use the overload with a reason")]
    public override void Disassociate()
    {
        lock (_gate)
        {
            _ended = true;
            _early?.Clear();
        }
        _link.CloseLater(_association);
    }

    public void Deliver(ReadOnlyMemory<byte> message)
    {
        if (!_link.Allows(_guard, message.Span)) return;
        var payload = new InboundPayload(UnsafeByteOperations.UnsafeWrap(message));
        lock (_gate)
        {
            if (_ended) return;
            if (_listener is not null) _listener.Notify(payload);
            else
            {
                // Only handshakes come this early. A peer that sends more than one largest message is cut off.
                _earlyBytes += message.Length;
                if (_earlyBytes <= 2L * _maxMessage) _early!.Enqueue(payload);
                else _link.CloseLater(_association);
            }
        }
    }

    public void Closed()
    {
        // Unknown keeps Akka's resend state; Shutdown and Quarantined would drop or poison it.
        var end = new Disassociated(DisassociateInfo.Unknown);
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
            if (_listener is not null) _listener.Notify(end);
            else _early!.Enqueue(end);
        }
    }

    /// <summary>By reference: two associations between the same addresses are normal and must not be mixed up.</summary>
    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    private void OnListener(Task<IHandleEventListener> listener)
    {
        lock (_gate)
        {
            _listener = listener.Result;
            while (_early!.TryDequeue(out var waiting)) _listener.Notify(waiting);
            _early = null;
        }
    }
}
