// Router.cs - the routes of one member to all others, from who hears whom. Without I/O, locks or clocks: the owner (UdpNode in
// production, a mesh in the tests) locks, passes time in and carries probes.
//
// INPUTS   OnTimer, OnProbe, OnHeard. Time is microseconds of one monotonic clock.
// OUTPUTS  OnTimer says when probes are to be sent, WriteProbe what is in them; Table is what senders use; TryTakeChange for
//          people. Deadline says when OnTimer must run.
// FLOODING every probe carries all reports that its sender knows, so they reach everybody whom any chain of links leads to. What
//          changes a link is passed on at once.
// CHOICE   the shortest path of links that work, lower numbers first. A path that works is kept until a shorter one was steady
//          for hold-down; one that broke is left at once, for a steady path if there is one.
namespace Firecloud.Actors.Transport;

internal sealed class Router
{
    private readonly int _self;
    private readonly int _count;
    private readonly RouteSettings _settings;
    private readonly ulong _boot;
    private readonly Random _random;
    private readonly LinkStates _links;
    private readonly RoutePath[] _routes;
    private readonly RoutePath[] _told;
    private readonly Queue<RouteChange> _changes = new();
    private volatile RouteTable _table;
    private long _sequence;
    private long _probeAt;
    private long _probedAt;
    private int _turn;

    /// <summary>Knows nobody yet; the first probe is due at once.</summary>
    /// <param name="self">This member's number.</param>
    /// <param name="count">Members, 1 to <see cref="ProbePayload.MaxMembers"/>.</param>
    /// <param name="settings">Times.</param>
    /// <param name="boot">This process; greater than that of an earlier one as far as the clock allows.</param>
    /// <param name="random">Spreads probes.</param>
    /// <param name="now">Microseconds.</param>
    public Router(int self, int count, RouteSettings settings, ulong boot, Random random, long now)
    {
        Invariant.That(count is > 0 and <= ProbePayload.MaxMembers && self >= 0 && self < count);
        (_self, _count, _settings, _boot, _random) = (self, count, settings, boot, random);
        _links = new LinkStates(self, count, settings);
        _routes = new RoutePath[count];
        _told = new RoutePath[count];
        Array.Fill(_routes, RoutePath.None);
        Array.Fill(_told, RoutePath.Direct);
        (_probeAt, _probedAt) = (now, now - settings.Interval);
        _table = NewTable();
        Deadline = now;
    }

    /// <summary>When <see cref="OnTimer"/> must run next, microseconds.</summary>
    public long Deadline { get; private set; }

    /// <summary>Number of the last round of probes.</summary>
    public long Sequence => _sequence;

    /// <summary>What senders use; readable from any thread.</summary>
    public RouteTable Table => _table;

    /// <summary>A datagram that came directly from a member and is no copy. Any thread.</summary>
    public void OnHeard(int member, long now) => _links.OnHeard(member, now);

    /// <summary>Does what is due.</summary>
    /// <param name="now">Microseconds.</param>
    /// <param name="excuse">How long this process was stopped, microseconds; 0 normally.</param>
    /// <param name="datagramsWait">Datagrams wait in the socket.</param>
    /// <returns>Whether a probe is to be sent to every other member now.</returns>
    public bool OnTimer(long now, long excuse = 0, bool datagramsWait = false)
    {
        if (excuse > 0) _links.Excuse(excuse);
        if (_links.Refresh(now, datagramsWait)) Hurry(now);
        _turn++;
        Choose(now);
        var probe = now >= _probeAt;
        if (probe)
        {
            // An eighth less or more, so that members that started together don't go on in step.
            var spread = _settings.Interval / 8;
            (_probedAt, _probeAt) = (now, now + _settings.Interval + _random.NextInt64(-spread, spread + 1));
            _sequence++;
        }
        Rearm(now);
        return probe;
    }

    /// <summary>The payload of a probe, the same for everybody.</summary>
    /// <param name="to">Room for <see cref="ProbePayload.MaxSize"/> bytes.</param>
    /// <param name="now">Microseconds.</param>
    /// <returns>Its length.</returns>
    public int WriteProbe(Span<byte> to, long now)
    {
        to[0] = 0;
        ProbePayload.Add(to, _self, new LinkReport(_boot, _sequence, _links.Heard, now), now);
        for (var member = 0; member < _count; member++)
        {
            if (member != _self && _links.IsKnown(member)) ProbePayload.Add(to, member, _links.ReportOf(member), now);
        }
        return ProbePayload.Length(to);
    }

    /// <summary>A probe that came directly from a member.</summary>
    /// <param name="sender">Who, by its address.</param>
    /// <param name="payload">What it says.</param>
    /// <param name="now">Microseconds.</param>
    /// <returns>False when it makes no sense.</returns>
    public bool OnProbe(int sender, ReadOnlySpan<byte> payload, long now)
    {
        if (!ProbePayload.IsValid(payload, sender, _count)) return false;
        // The sender's own report must be new: a copy of an older probe, sent again by whomever, proves no hearing.
        if (!_links.Take(sender, ProbePayload.At(payload, 0, now).Report, now)) return true;
        _links.OnHeard(sender, now);
        for (var i = 1; i < payload[0]; i++)
        {
            var (member, report) = ProbePayload.At(payload, i, now);
            _links.Take(member, report, now);
        }
        if (!_links.Refresh(now, datagramsWait: true)) return true;
        Hurry(now);
        Choose(now);
        Rearm(now);
        return true;
    }

    /// <summary>The next change of a route that people should know of.</summary>
    public bool TryTakeChange(out RouteChange change) => _changes.TryDequeue(out change);

    // Ten per interval at most, however the links flap.
    private void Hurry(long now) => _probeAt = Math.Min(_probeAt, Math.Max(now, _probedAt + (_settings.Interval / 10)));

    private void Rearm(long now) => Deadline = Math.Max(now + 1, Math.Min(_probeAt, _links.NextExpiry()));

    private void Choose(long now)
    {
        for (var member = 0; member < _count; member++)
        {
            if (member != _self) _routes[member] = RouteTo(member, now);
        }
        Publish();
        for (var member = 0; member < _count; member++)
        {
            // That there is no route at all is not told here: the session tells that the peer is dead.
            if (member == _self || !_routes[member].IsKnown || _routes[member] == _told[member]) continue;
            _told[member] = _routes[member];
            _changes.Enqueue(new RouteChange(member, _routes[member]));
        }
    }

    private RoutePath RouteTo(int member, long now)
    {
        var current = _routes[member];
        var steady = Shortest(member, now, onlySteady: true, notBy: -1);
        if (current.IsKnown && Works(current, member, now, onlySteady: false))
        {
            return steady.IsKnown && steady.Links < current.Links ? steady : current;
        }
        var best = steady.IsKnown ? steady : Shortest(member, now, onlySteady: false, notBy: -1);
        // A member that has just come has not heard everybody yet: give the direct way time to be heard first.
        var early = !current.IsKnown && best.HasRelays && now - _links.KnownSince(member) < 2 * _settings.Interval;
        return early ? RoutePath.None : best;
    }

    private RoutePath Shortest(int to, long now, bool onlySteady, int notBy)
    {
        if (to != notBy && Works(RoutePath.Direct, to, now, onlySteady)) return RoutePath.Direct;
        for (var relay = 0; relay < _count; relay++)
        {
            if (relay != notBy && Works(RoutePath.By(relay), to, now, onlySteady)) return RoutePath.By(relay);
        }
        for (var first = 0; first < _count; first++)
        {
            if (first == notBy || first == to || !LinkWorks(_self, first, now, onlySteady)) continue;
            for (var second = 0; second < _count; second++)
            {
                if (Works(RoutePath.By(first, second), to, now, onlySteady)) return RoutePath.By(first, second);
            }
        }
        return RoutePath.None;
    }

    private bool Works(RoutePath path, int to, long now, bool onlySteady)
    {
        if (path.First < 0) return LinkWorks(_self, to, now, onlySteady);
        if (path.First == to || path.First == _self || !LinkWorks(_self, path.First, now, onlySteady)) return false;
        if (path.Second < 0) return LinkWorks(path.First, to, now, onlySteady);
        if (path.Second == to || path.Second == _self || path.Second == path.First) return false;
        return LinkWorks(path.First, path.Second, now, onlySteady) && LinkWorks(path.Second, to, now, onlySteady);
    }

    private bool LinkWorks(int from, int to, long now, bool steady) =>
        steady ? _links.IsSteady(from, to, now) : _links.IsUp(from, to);

    // Another way for what seems lost: known to work, else plausible, else any. Guesses take turns.
    private RoutePath SecondTo(int member, out bool guess)
    {
        guess = false;
        var notBy = _routes[member].FirstHop(member);
        var known = Shortest(member, 0, onlySteady: false, notBy);
        if (known.IsKnown) return known;
        guess = true;
        var (best, bestRank) = (RoutePath.None, 0);
        for (var i = 0; i < _count; i++)
        {
            var relay = (i + _turn) % _count;
            if (relay == member || relay == _self || relay == notBy) continue;
            var rank = 1 + (IsHeard(relay) ? 1 : 0) + (_links.IsUp(relay, member) || _links.IsUp(member, relay) ? 1 : 0);
            if (rank > bestRank) (best, bestRank) = (RoutePath.By(relay), rank);
        }
        // Going by a relay though the direct way is not known to work: with nobody else left it is still worth a datagram.
        return best.IsKnown || notBy == member ? best : RoutePath.Direct;
    }

    private bool IsHeard(int member) => (_links.Heard >> member & 1) != 0;

    private void Publish()
    {
        var table = _table;
        var same = table.Heard == _links.Heard;
        for (var member = 0; same && member < _count; member++)
        {
            same = member == _self || (table.Routes[member] == _routes[member] && table.Seconds[member] == SecondTo(member, out var guess)
                && guess == ((table.Guessed >> member & 1) != 0));
        }
        if (!same) _table = NewTable();
    }

    private RouteTable NewTable()
    {
        var (seconds, guessed) = (new RoutePath[_count], 0u);
        for (var member = 0; member < _count; member++)
        {
            var guess = false;
            seconds[member] = member == _self ? RoutePath.None : SecondTo(member, out guess);
            if (guess) guessed |= 1u << member;
        }
        return new RouteTable(_self, [.. _routes], seconds, guessed, _links.Heard);
    }
}
