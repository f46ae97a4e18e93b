using Firecloud.Actors.Protocol;

namespace Firecloud.Client;

/// <summary>Where operations go: a node in the same ActorSystem, or nodes elsewhere.</summary>
internal interface IStore
{
    void Submit(PendingRequest request);

    void Cancel(PendingRequest request);

    /// <summary>host:port of the nodes that are known from the start.</summary>
    IReadOnlyList<string> Contacts { get; }

    /// <summary>Operations submitted from now on get versions above this one.</summary>
    void RaiseFloors(Version floor);

    /// <summary>Completes when operations can be sent, or fails when no node answered.</summary>
    Task ConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken);
}
