using Firecloud.Actors.Protocol;

namespace Firecloud.Client;

/// <summary>Where operations go: a node in the same ActorSystem, or nodes elsewhere.</summary>
internal interface IStore
{
    void Submit(PendingRequest request);

    void Cancel(PendingRequest request);

    /// <summary>Completes when operations can be sent, or fails when no node answered.</summary>
    Task ConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken);
}
