// LinkFaults.cs - faults injected between sessions and socket, for tests: loss, delay, duplicates, reordering, per peer and
// direction, repeatable from a seed as far as the threads' order is.
using System.Net;

namespace Firecloud.Actors.Transport;

internal sealed class LinkFaults(int seed)
{
    private readonly record struct Delayed(byte[] Bytes, SocketAddress To);

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkFault> _faults = [];
    private readonly PriorityQueue<Delayed, long> _delayed = new();
    private Random _random = new(seed);
    private volatile bool _any;

    public bool Any => _any;

    /// <summary>When the next delayed datagram is due, microseconds; long.MaxValue for never.</summary>
    public long NextDue
    {
        get
        {
            if (!_any) return long.MaxValue;
            lock (_gate) return _delayed.TryPeek(out _, out var due) ? due : long.MaxValue;
        }
    }

    public void Set(ulong peer, LinkFault? fault)
    {
        lock (_gate)
        {
            if (fault is null) _faults.Remove(peer);
            else _faults[peer] = fault;
            if (fault?.Seed is { } seed) _random = new Random(seed);
            _any = _faults.Count > 0 || _delayed.Count > 0;
        }
    }

    /// <summary>Whether a datagram from a peer is to be dropped.</summary>
    public bool DropsIncoming(ulong peer)
    {
        lock (_gate) return _faults.TryGetValue(peer, out var fault) && Hits(fault.DropIn);
    }

    /// <summary>Lets the faults happen to a datagram that leaves.</summary>
    /// <param name="peer">Who it is for.</param>
    /// <param name="datagram">Copied if it is delayed.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="now">Microseconds.</param>
    /// <returns>How many times it is to be sent now.</returns>
    public int Leaving(ulong peer, ReadOnlySpan<byte> datagram, SocketAddress to, long now)
    {
        lock (_gate)
        {
            if (!_faults.TryGetValue(peer, out var fault)) return 1;
            if (fault.Tap is { } tap && !tap(datagram.ToArray())) return 0;
            if (Hits(fault.DropOut)) return 0;
            var (copies, atOnce) = (Hits(fault.Duplicate) ? 2 : 1, 0);
            for (var i = 0; i < copies; i++)
            {
                var delay = (long)fault.Delay.TotalMicroseconds;
                if (Hits(fault.Reorder)) delay += _random.NextInt64((long)fault.ReorderBy.TotalMicroseconds + 1);
                if (delay == 0) atOnce++;
                else _delayed.Enqueue(new Delayed(datagram.ToArray(), to), now + delay);
            }
            return atOnce;
        }
    }

    /// <summary>Sends what is due.</summary>
    public void Flush(UdpSocket socket, long now)
    {
        if (!_any) return;
        lock (_gate)
        {
            while (_delayed.TryPeek(out var next, out var due) && due <= now)
            {
                _delayed.Dequeue();
                socket.Send(next.Bytes, next.To);
            }
            _any = _faults.Count > 0 || _delayed.Count > 0;
        }
    }

    private bool Hits(double probability) => probability > 0 && (probability >= 1 || _random.NextDouble() < probability);
}
