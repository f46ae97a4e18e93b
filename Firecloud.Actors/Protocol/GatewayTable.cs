namespace Firecloud.Actors.Protocol;

/// <summary>A gateway that asks this coordinator: another node's, or a client's.</summary>
/// <param name="id">Its random number.</param>
/// <param name="reply">Where its replies go; the driver's affair.</param>
internal sealed class GatewayPeer(ulong id, object reply)
{
    public ulong Id { get; } = id;

    /// <summary>The newest place it wrote from; it does not change but when requests are passed on by another node.</summary>
    public object ReplyTo { get; set; } = reply;

    /// <summary>The last batch taken: requests of one gateway arrive in the order sent, or not at all (section 6).</summary>
    public ulong LastSerial { get; set; }

    public long LastUsedMs { get; set; }

    public List<Reply> Replies { get; } = [];
}

/// <summary>The order of every gateway's batches, within a bound.</summary>
/// <param name="limit">Gateways remembered.</param>
internal sealed class GatewayTable(int limit)
{
    private readonly Dictionary<ulong, LinkedListNode<GatewayPeer>> _byId = [];
    private readonly LinkedList<GatewayPeer> _byUse = new();

    public int Count => _byId.Count;

    /// <summary>Those that asked since a time, the latest first.</summary>
    /// <param name="sinceMs">The driver's clock.</param>
    /// <param name="most">How many at most.</param>
    public IEnumerable<GatewayPeer> Recent(long sinceMs, int most)
    {
        for (var node = _byUse.Last; node is not null && node.Value.LastUsedMs >= sinceMs && most-- > 0; node = node.Previous)
        {
            yield return node.Value;
        }
    }

    /// <summary>Finds or adds a gateway.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="reply">Where it writes from.</param>
    /// <param name="forgot">True when another gateway's order was forgotten to make room.</param>
    public GatewayPeer Use(ulong id, object reply, out bool forgot)
    {
        forgot = false;
        if (_byId.TryGetValue(id, out var node))
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
            node.Value.ReplyTo = reply;
            return node.Value;
        }
        if (_byId.Count >= limit)
        {
            forgot = true;
            _byId.Remove(_byUse.First!.Value.Id);
            _byUse.RemoveFirst();
        }
        var peer = new GatewayPeer(id, reply);
        _byId.Add(id, _byUse.AddLast(peer));
        return peer;
    }
}
