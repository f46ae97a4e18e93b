// RouterMesh.cs - routers of a whole cluster over a network in memory with virtual time: each directed link is up or down,
// datagrams take a little time, everything from a seed.
using Firecloud.Actors.Transport;
using Xunit;

namespace Firecloud.Tests.Transport;

internal sealed class RouterMesh
{
    public static readonly RouteSettings Settings = new(Interval: 50_000, HearingWindow: 200_000, HoldDown: 1_000_000);

    private readonly Random _random;
    private readonly PriorityQueue<(int From, int To, byte[] Bytes), long> _network = new();
    private readonly bool[,] _up;
    private ulong _boots;

    public RouterMesh(int seed, int count = 4)
    {
        _random = new Random(seed);
        _up = new bool[count, count];
        Routers = new Router[count];
        Restore();
        for (var i = 0; i < count; i++) Restart(i);
    }

    public Router[] Routers { get; }
    public long Now { get; private set; } = 1_000_000;
    public long Probes { get; private set; }
    public double Loss { get; set; }
    public List<(long At, int Node, RouteChange Change)> Changes { get; } = [];
    public int Count => Routers.Length;

    public IEnumerable<(int From, int To)> Pairs => from a in Enumerable.Range(0, Count)
                                                    from b in Enumerable.Range(0, Count)
                                                    where a != b
                                                    select (a, b);

    public void Restart(int node) => Routers[node] = new Router(
        node, Count, Settings, ++_boots, new Random(_random.Next()), Now + _random.Next(20_000));

    public bool IsUp(int from, int to) => _up[from, to];

    public void Set(int from, int to, bool up) => _up[from, to] = up;

    public void Cut(int a, int b) => _up[a, b] = _up[b, a] = false;

    public void Restore()
    {
        foreach (var (a, b) in Pairs) _up[a, b] = true;
    }

    /// <summary>Sets each link of Pairs from a bit.</summary>
    public void SetDirected(int bits)
    {
        var i = 0;
        foreach (var (a, b) in Pairs) _up[a, b] = (bits >> i++ & 1) != 0;
    }

    public void Run(long micros, Func<bool>? until = null)
    {
        var end = Now + micros;
        var payload = new byte[ProbePayload.MaxSize];
        while (Now < end && until?.Invoke() != true)
        {
            for (var i = 0; i < Count; i++)
            {
                if (Routers[i].Deadline > Now || !Routers[i].OnTimer(Now)) continue;
                var length = Routers[i].WriteProbe(payload, Now);
                for (var to = 0; to < Count; to++)
                {
                    if (to != i) Send(i, to, payload.AsSpan(0, length));
                }
            }
            var next = Math.Min(end, Routers.Min(r => r.Deadline));
            if (_network.TryPeek(out _, out var due)) next = Math.Min(next, due);
            Now = Math.Max(next, Now + 1);
            while (_network.TryPeek(out var datagram, out due) && due <= Now)
            {
                _network.Dequeue();
                Assert.True(Routers[datagram.To].OnProbe(datagram.From, datagram.Bytes, Now));
            }
            for (var i = 0; i < Count; i++)
            {
                while (Routers[i].TryTakeChange(out var change)) Changes.Add((Now, i, change));
            }
        }
    }

    /// <summary>The links that datagrams from one to the other really pass, as the hops bytes lead them; null if one is down.</summary>
    public List<int>? Follow(int from, int to)
    {
        var path = Routers[from].Table.Routes[to];
        if (!path.IsKnown) return null;
        var (at, next, hops, visited) = (from, path.FirstHop(to), path.Hops, new List<int> { from });
        while (true)
        {
            if (!_up[at, next]) return null;
            visited.Add(next);
            Assert.True(visited.Count <= 4, "more than two relays");
            if (hops == RoutePath.Arrived) break;
            (at, next, hops) = (next, RelayRule.Next(hops, to), RelayRule.HopsAfter(hops));
        }
        Assert.Equal(visited.Count, visited.Distinct().Count());
        return at == to || next == to ? visited : throw new InvalidOperationException($"{from} to {to} ended at {next}");
    }

    /// <summary>Links of the shortest path that really is there; 0 for none.</summary>
    public int Distance(int from, int to)
    {
        var distance = new int[Count];
        var queue = new Queue<int>([from]);
        while (queue.TryDequeue(out var at))
        {
            for (var next = 0; next < Count; next++)
            {
                if (!_up[at, next] || next == from || distance[next] > 0) continue;
                distance[next] = distance[at] + 1;
                queue.Enqueue(next);
            }
        }
        return distance[to];
    }

    /// <summary>What is wrong with the routes: null when every pair with a path both ways (which it takes to learn of a path)
    /// has one that works, and every other pair has none.</summary>
    public string? Wrong()
    {
        foreach (var (a, b) in Pairs)
        {
            var known = Routers[a].Table.Routes[b].IsKnown;
            var possible = Distance(a, b) is > 0 and <= 3;
            if (possible && Distance(b, a) > 0 && Follow(a, b) is null) return $"{a} to {b}: {Routers[a].Table.Routes[b]} does not work";
            if (known && Follow(a, b) is null) return $"{a} to {b}: {Routers[a].Table.Routes[b]} leads nowhere";
        }
        return null;
    }

    private void Send(int from, int to, ReadOnlySpan<byte> payload)
    {
        Probes++;
        if (!_up[from, to] || _random.NextDouble() < Loss) return;
        _network.Enqueue((from, to, payload.ToArray()), Now + 100 + _random.Next(400));
    }
}
