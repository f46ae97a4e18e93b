namespace Firecloud.Actors.Protocol;

/// <summary>A request whose gateway may not reach the shard's holder.</summary>
/// <param name="Gateway">Whom to answer.</param>
/// <param name="Request">What to pass on.</param>
internal sealed record Passable(GatewayPeer Gateway, Request Request);

/// <summary>Requests that this node passed on to a shard's holder, so that the holder's reply finds its way back.</summary>
/// <param name="limit">Most that are remembered; the oldest beyond it are forgotten, and their gateways try again.</param>
internal sealed class PassedOn(int limit)
{
    private readonly Dictionary<RequestId, (Passable Passable, int Holder)> _requests = [];
    private readonly Queue<RequestId> _oldest = new();

    public void Add(Passable passable, int holder)
    {
        if (_requests.TryAdd(passable.Request.Id, (passable, holder))) _oldest.Enqueue(passable.Request.Id);
        else _requests[passable.Request.Id] = (passable, holder);
        while (_oldest.Count > limit) _requests.Remove(_oldest.Dequeue());
    }

    public bool TryTake(Reply reply, out GatewayPeer gateway)
    {
        var taken = _requests.Remove(reply.Id, out var found);
        gateway = taken ? found.Passable.Gateway : null!;
        return taken;
    }

    /// <summary>Takes those whose holder is out of reach: it may have run them, and its reply would not come.</summary>
    /// <param name="reachable">The members that can be reached.</param>
    public IReadOnlyList<Passable> TakeLost(uint reachable)
    {
        var lost = _requests.Values.Where(r => (reachable >> r.Holder & 1) == 0).Select(r => r.Passable).ToArray();
        foreach (var passable in lost) _requests.Remove(passable.Request.Id);
        return lost;
    }
}
