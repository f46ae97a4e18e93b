// FaultInjector.cs - what goes wrong, and the healing at the end.
//
// WATCH    memory is lost only where the others still hold a quorum that has its memory: beyond that the group has to stop
//          (protocol.md section 7), and there is nothing to check.
using System.Numerics;

namespace Firecloud.Tests.Simulation;

internal sealed class FaultInjector
{
    private static readonly Faults[] All = [.. Enum.GetValues<Faults>().Where(f => BitOperations.IsPow2((int)f))];

    private readonly Simulation _world;
    private readonly SimRandom _random;
    private readonly Faults[] _kinds;

    public FaultInjector(Simulation world)
    {
        (_world, _random) = (world, world.Random);
        _kinds = [.. All.Where(f => (world.Options.Faults & f) != 0)];
    }

    /// <summary>False when no quorum has its memory any more.</summary>
    public bool CanBeLive { get; private set; } = true;

    public void Begin()
    {
        if (_random.OneIn(3)) _world.Network.SlowTo = _random.Next(Simulation.Members);
        if (_random.OneIn(4)) _world.Network.SlowFrom = _random.Next(Simulation.Members);
        Next();
    }

    public void Strike()
    {
        var node = _world.Nodes[_random.Next(Simulation.Members)];
        switch (_kinds[_random.Next(_kinds.Length)])
        {
            case Faults.CutLinks: CutLinks(); break;
            case Faults.Partition: Partition(); break;
            case Faults.Heal: HealLinks(); break;
            case Faults.Pause: node.PausedUntilMs = _world.NowMs + _random.Next(_random.OneIn(4) ? 2000 : 200); break;
            case Faults.Crash: Crash(node); break;
            case Faults.LoseMemory: LoseMemory(node); break;
            case Faults.WrongReachability: Deceive(_world.Places[_random.Next(_world.Places.Length)]); break;
            case Faults.QuietCut: QuietCut(node); break;
            case Faults.SlowNode: SlowSomebody(); break;
            case Faults.Cancel: if (_world.Workload.AnyUnderWay() is { } call) _world.Workload.Cancel(call); break;
        }
        Next();
    }

    /// <summary>A node that is down comes up.</summary>
    public void Restart(SimNode node)
    {
        if (node.IsUp) return;
        node.Start();
        node.SetView(_world.TrueView(node.Id));
        NoticeLinks();
    }

    /// <summary>A quorum drawn at random becomes healthy, and the others fall silent or become healthy too.</summary>
    public void Heal()
    {
        var votes = _world.Configuration.Votes;
        var voters = _world.Nodes.Where(n => n.HasMemory).Aggregate(0u, (mask, n) => mask | 1u << n.Id);
        CanBeLive = votes.IsQuorum(voters);
        if (!CanBeLive) return;
        var healthy = votes.AllMembers;
        for (var tries = 0; tries < 20 && !_random.OneIn(4); tries++)
        {
            healthy = (uint)_random.Next(16);
            if (votes.IsQuorum(healthy & voters)) break;
            healthy = votes.AllMembers;
        }
        Silence(~healthy & votes.AllMembers);
        _world.Network.BecomeHealthy();
        foreach (var node in _world.Nodes)
        {
            if ((healthy >> node.Id & 1) == 0) continue;
            node.PausedUntilMs = 0;
            if (!node.IsUp) Restart(node);
        }
        _world.Network.ReleaseHeld();
        foreach (var place in _world.Places)
        {
            var well = place.Id >= Simulation.Members || (healthy >> place.Id & 1) != 0;
            _world.Workload.Healthy[place.Id] = well;
            if (well) place.SetView(healthy & voters);
        }
        AskForMore(healthy);
    }

    private void Next()
    {
        if (_world.Options.FaultEvery == 0) return;
        _world.After(1 + _random.Next(2 * _world.Options.FaultEvery), new SimEvent(EventKind.Fault, 0, 0, null, -1));
    }

    private void Silence(uint members)
    {
        var places = _world.Places.Length;
        for (var a = 0; a < places; a++)
        {
            for (var b = 0; b < places; b++)
            {
                var cut = IsOf(a) || IsOf(b);
                _world.Network.Cut(a, b, cut);
            }
        }
        foreach (var node in _world.Nodes)
        {
            if (IsOf(node.Id) && node.IsUp && _random.OneIn(2)) CrashForGood(node);
        }

        bool IsOf(int place) => place < Simulation.Members && (members >> place & 1) != 0;
    }

    private void AskForMore(uint healthy)
    {
        for (var key = 0; key < _world.Keys.Length; key++)
        {
            _world.Workload.AskLater(_random.Next(400), AnyHealthy(healthy), key, put: false);
        }
        if (!_world.Options.AsksEveryNode) return;
        // Once the owners have settled. The first put may honestly be unknown: its owner may learn only from it that it was deposed, and
        // a gateway that was restarted knows of no version that is surely older than its own.
        var delay = 3000;
        foreach (var place in _world.Places)
        {
            if (!_world.Workload.Healthy[place.Id]) continue;
            var key = _random.Next(_world.Keys.Length);
            _world.Workload.AskLater(delay += 300, place.Id, key, put: false);
            _world.Workload.AskLater(delay += 300, place.Id, key, put: true, mustBeDone: false);
            _world.Workload.AskLater(delay += 300, place.Id, key, put: true);
        }
    }

    private int AnyHealthy(uint healthy)
    {
        while (true)
        {
            var place = _random.Next(_world.Places.Length);
            if (place >= Simulation.Members || (healthy >> place & 1) != 0) return place;
        }
    }

    private void CutLinks()
    {
        for (var many = 1 + _random.Next(5); many > 0; many--)
        {
            _world.Network.Cut(_random.Next(_world.Places.Length), _random.Next(_world.Places.Length), true);
        }
        NoticeLinks();
    }

    // Every place goes to one of two to four sides at random: every shape comes up, also clients on the small side.
    private void Partition()
    {
        var sides = 2 + _random.Next(3);
        var side = new int[_world.Places.Length];
        for (var i = 0; i < side.Length; i++) side[i] = _random.Next(sides);
        for (var a = 0; a < side.Length; a++)
        {
            for (var b = 0; b < side.Length; b++) _world.Network.Cut(a, b, side[a] != side[b]);
        }
        _world.Network.ReleaseHeld();
        NoticeLinks();
    }

    private void HealLinks()
    {
        for (var a = 0; a < _world.Places.Length; a++)
        {
            for (var b = 0; b < _world.Places.Length; b++) _world.Network.Cut(a, b, false);
        }
        _world.Network.ReleaseHeld();
        NoticeLinks();
    }

    /// <summary>Whoever does not see his links as they are, will after a while.</summary>
    public void NoticeLinks()
    {
        foreach (var place in _world.Places)
        {
            if (place.View == _world.TrueView(place.Id) && place.Suspected == 0) continue;
            var delay = 1 + _random.Next(2 * _world.Options.DetectAfter);
            _world.After(delay, new SimEvent(EventKind.NoticeLinks, place.Id, place.Id, null, -1));
        }
    }

    private void Deceive(ISimPlace place)
    {
        if (!place.IsUp) return;
        var drawn = (uint)_random.Next(16);
        if (_world.Options.Suspects && _random.OneIn(2)) place.SetView(place.View, drawn);
        else place.SetView(drawn);
        _world.After(1 + _random.Next(500), new SimEvent(EventKind.NoticeLinks, place.Id, place.Id, null, -1));
    }

    // The others notice at once that they don't reach a node, and it does not: an owner that believes itself one, in front of
    // clients that still reach it.
    private void QuietCut(SimNode node)
    {
        foreach (var other in _world.Nodes)
        {
            if (other == node) continue;
            _world.Network.Cut(node.Id, other.Id, true);
            _world.Network.Cut(other.Id, node.Id, _random.OneIn(2));
            if (other.IsUp) other.SetView(other.View & ~(1u << node.Id));
        }
        _world.After(200 + _random.Next(800), new SimEvent(EventKind.NoticeLinks, node.Id, node.Id, null, -1));
    }

    private void SlowSomebody()
    {
        _world.Network.SlowTo = _random.Next(-1, Simulation.Members);
        _world.Network.SlowFrom = _random.Next(-1, Simulation.Members);
    }

    private void Crash(SimNode node)
    {
        if (!node.IsUp) return;
        CrashForGood(node);
        ComeBack(node);
    }

    private void CrashForGood(SimNode node)
    {
        node.Crash();
        _world.Workload.Forget(node.Id);
        NoticeLinks();
    }

    private void LoseMemory(SimNode node)
    {
        var rest = _world.Nodes.Where(n => n != node && n.HasMemory).Aggregate(0u, (mask, n) => mask | 1u << n.Id);
        if (!_world.Configuration.Votes.IsQuorum(rest)) return;
        var wasUp = node.IsUp;
        node.LoseMemory();
        _world.Workload.Forget(node.Id);
        NoticeLinks();
        if (wasUp) ComeBack(node);
    }

    private void ComeBack(SimNode node) => _world.After(
        _random.Next(_random.OneIn(3) ? 1000 : 50), new SimEvent(EventKind.Restart, node.Id, node.Id, null, node.Life));
}
