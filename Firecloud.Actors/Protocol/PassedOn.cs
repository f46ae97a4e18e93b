namespace Firecloud.Actors.Protocol;

/// <summary>A request whose gateway may not reach the shard's holder.</summary>
/// <param name="Gateway">Whom to answer.</param>
/// <param name="Request">What to pass on.</param>
internal sealed record Passable(GatewayPeer Gateway, Request Request);

/// <summary>Requests that this node passed on to a shard's holder, so that the holder's reply finds its way back.</summary>
/// <param name="limit">Most that are remembered; the oldest beyond it are forgotten, and their gateways try again.</param>
internal sealed class PassedOn(int limit)
{
    private readonly Dictionary<RequestId, GatewayPeer> _gateways = [];
    private readonly Queue<RequestId> _oldest = new();

    public void Add(RequestId id, GatewayPeer gateway)
    {
        if (_gateways.TryAdd(id, gateway)) _oldest.Enqueue(id);
        else _gateways[id] = gateway;
        while (_oldest.Count > limit) _gateways.Remove(_oldest.Dequeue());
    }

    public bool TryTake(Reply reply, out GatewayPeer gateway) => _gateways.Remove(reply.Id, out gateway!);
}
