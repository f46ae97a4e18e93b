// Association.cs - one of Akka's streams, both directions, within a session. State changes happen under the session's lock.
namespace Firecloud.Actors.Transport;

internal enum AssociationState
{
    Opening,   // we asked, the peer has not answered
    Open,
    Closing,   // we closed; the rest is flushed
    Closed,
}

/// <summary>Where an association's messages go. Called under the session's lock: it must be quick and must not throw.</summary>
internal interface IAssociationSink
{
    void Deliver(ReadOnlyMemory<byte> message);

    /// <summary>The peer closed it or went away. Called at most once, last.</summary>
    void Closed();
}

internal sealed class Association(long id, Session session, StreamSender sender, StreamReceiver receiver)
{
    public long Id { get; } = id;

    public Session Session { get; } = session;

    public StreamSender Sender { get; } = sender;

    public StreamReceiver Receiver { get; } = receiver;

    public AssociationState State { get; set; }

    /// <summary>Set before the first message can arrive.</summary>
    public IAssociationSink? Sink { get; set; }

    /// <summary>Called once when the peer accepts (true) or refuses or vanishes (false). Only for those that we opened.</summary>
    public Action<bool>? Opened { get; set; }

    /// <summary>Where the peer's stream ends, once it closed it; -1 before.</summary>
    public long PeerEnd { get; set; } = -1;

    /// <summary>When we closed it, microseconds.</summary>
    public long ClosedAt { get; set; }

    /// <summary>The peer has our CLOSE.</summary>
    public bool CloseAcked { get; set; }

    /// <summary>Whether nothing of it waits to be sent or acknowledged.</summary>
    public bool IsFinished => State == AssociationState.Closing && CloseAcked && Sender.IsFlushed;
}
