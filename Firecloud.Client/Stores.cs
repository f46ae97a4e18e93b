using Akka.Actor;
using Firecloud.Actors.Coordinator;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;

namespace Firecloud.Client;

/// <summary>A node in the same ActorSystem.</summary>
internal sealed class LocalStore(FirecloudNode node) : IStore
{
    public void Submit(PendingRequest request)
    {
        var wrong = node.Settings.Limits.Violation(request.Key, request.Operation.Value?.Length ?? 0);
        if (wrong is null) node.Submit(request);
        else request.Complete(OperationResult.Refused(RefusalReason.BadRequest, wrong));
    }

    public void Cancel(PendingRequest request) => node.Cancel(request);

    public IReadOnlyList<string> Contacts => [node.Settings.Address.ToString()];

    public void RaiseFloors(Version floor) => node.RaiseFloors(floor);

    public Task ConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Nodes elsewhere, through a <see cref="ClientActor"/>.</summary>
internal sealed class RemoteStore : IStore
{
    private readonly IActorRef _actor;
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IReadOnlyList<Member> _nodes;

    public RemoteStore(ActorSystem system, IReadOnlyList<Member> nodes, FirecloudClientOptions options)
    {
        _nodes = nodes;
        var limits = NodeSettings.DefaultGatewayLimits with { QuorumGraceMs = (int)options.QuorumGrace.TotalMilliseconds };
        _actor = system.ActorOf(Props.Create(() => new ClientActor(nodes, options.NodeSystemName, limits, _connected)));
    }

    public IActorRef Actor => _actor;

    public void Submit(PendingRequest request) => _actor.Tell(request, ActorRefs.NoSender);

    public void Cancel(PendingRequest request) => _actor.Tell(new CancelCall(request), ActorRefs.NoSender);

    public IReadOnlyList<string> Contacts => [.. _nodes.Select(n => n.ToString())];

    public void RaiseFloors(Version floor) => _actor.Tell(new RaiseFloors(floor), ActorRefs.NoSender);

    public async Task ConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await _connected.Task.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new FirecloudException(
                $"None of {string.Join(", ", _nodes)} answered within {timeout.TotalMilliseconds:0} ms. "
                + "Check that the nodes run, that the addresses are written as in their settings, that UDP reaches them, and that the secret is theirs.");
        }
    }
}
