// SimNetwork.cs - the links between nodes and clients: each direction can be cut, lose, repeat, delay and reorder.
//
// Places 0 to 3 are the nodes, the others clients. A message that is under way when its link is cut still arrives.
// WATCH    two things never happen, because no transport between two actors does them and "at most once" begins there (protocol.md
//          section 6): a reply to a gateway is not repeated (attempt 1 relies on one reply for each time it was sent), and a repeated
//          request does not reach two incarnations of a coordinator (the second one would say "not run" of what the first has run).
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Tests.Simulation;

/// <summary>A message under way.</summary>
/// <param name="From">The sender's place.</param>
/// <param name="To">The receiver's place.</param>
/// <param name="Message">One of the messages that Wire/Codec knows.</param>
internal sealed record Packet(int From, int To, object Message)
{
    /// <summary>It reaches whoever is there when it comes.</summary>
    public const int AnyLife = -1;

    public override string ToString() => $"{From}->{To} {PacketText.Of(Message)}";
}

internal sealed class SimNetwork(Simulation world, SimOptions options, int places)
{
    private readonly bool[,] _cut = new bool[places, places];
    private readonly long[,] _lastDue = new long[places, places];
    private readonly List<Packet> _held = [];
    private readonly Codec? _codec = options.ThroughCodec ? new Codec(Simulation.Members, options.Shards) : null;
    private bool _healthy;

    public int SlowTo { get; set; } = -1;
    public int SlowFrom { get; set; } = -1;
    public long Sent { get; private set; }

    /// <summary>Where a script wants packets to wait until it delivers or loses them.</summary>
    public List<Packet>? Manual { get; set; }

    public bool IsUp(int from, int to) => !_cut[from, to];

    public bool IsUpBothWays(int a, int b) => !_cut[a, b] && !_cut[b, a];

    public void Cut(int from, int to, bool cut) => _cut[from, to] = cut && from != to;

    /// <summary>Delivers what was held on links that are up again.</summary>
    public void ReleaseHeld()
    {
        for (var i = _held.Count - 1; i >= 0; i--)
        {
            if (!IsUp(_held[i].From, _held[i].To)) continue;
            Enqueue(_held[i]);
            _held.RemoveAt(i);
        }
    }

    /// <summary>From here on nothing is lost, repeated or delayed for long.</summary>
    public void BecomeHealthy()
    {
        (_healthy, SlowTo, SlowFrom) = (true, -1, -1);
        Array.Clear(_lastDue);
    }

    public void Send(int from, int to, object message)
    {
        Sent++;
        if (_codec is not null && from != to) message = _codec.Decode(Codec.Encode(message));
        var packet = new Packet(from, to, message);
        if (Manual is not null)
        {
            Manual.Add(packet);
            return;
        }
        var r = world.Random;
        if (from == to)
        {
            // A mailbox in the same process: nothing is lost but by a crash.
            world.DeliverAfter(options.LocalDelay == 0 ? 0 : r.Next(options.LocalDelay + 1), packet, world.Places[to].Life);
            return;
        }
        if (_cut[from, to])
        {
            if (options.CutLinksHold && r.OneIn(2)) _held.Add(packet);
            return;
        }
        if (!_healthy && r.Chance(options.Loss)) return;
        var twice = !_healthy && message is not ReplyBatch && r.Chance(options.Duplicates);
        // A transport's session is between two incarnations: what comes twice comes to one of them (see the head of this file).
        var life = twice && message is RequestBatch ? world.Places[to].Life : Packet.AnyLife;
        Enqueue(packet, life);
        if (twice) Enqueue(packet, life);
    }

    private void Enqueue(Packet packet, int life = Packet.AnyLife)
    {
        var (from, to) = (packet.From, packet.To);
        var delay = Delay(from, to);
        if (options.Fifo || _healthy)
        {
            var due = _lastDue[from, to] = Math.Max(_lastDue[from, to], world.NowMs + delay);
            delay = due - world.NowMs;
        }
        world.DeliverAfter(delay, packet, life);
    }

    private long Delay(int from, int to)
    {
        var r = world.Random;
        if (_healthy) return 1 + r.Next(3);
        var delay = 1L + r.Next(options.Delay);
        if (to == SlowTo || from == SlowFrom) delay *= 12;
        if (r.Chance(options.Late)) delay += r.Next(options.LateBy);
        return delay;
    }
}
