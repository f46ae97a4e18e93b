// LinkStates.cs - which directed links work: u to v does if and only if v reports hearing u. "I hear you" is never taken for
// "you hear me". Without I/O or clocks.
//
// WATCH    a report counts only while it is young: not refreshed for the expiry, it says nothing any more. Of one process only
//          later reports are taken; of two processes the later one's, and an earlier one's only when the later fell silent.
namespace Firecloud.Actors.Transport;

/// <summary>Times in microseconds.</summary>
/// <param name="Interval">Between two probes to the same member.</param>
/// <param name="HearingWindow">Silence after which a member is not heard any more.</param>
/// <param name="HoldDown">How long a link that was broken must work before a route that works is left for it.</param>
internal sealed record RouteSettings(long Interval, long HearingWindow, long HoldDown)
{
    /// <summary>Age at which a report says nothing any more: it may have been passed on twice, and one probe lost each time.</summary>
    public long Expiry => 2 * HearingWindow;
}

internal sealed class LinkStates
{
    private const long Down = long.MinValue;
    private const long Never = long.MinValue / 2;

    private readonly int _self;
    private readonly RouteSettings _settings;
    private readonly long[] _heardAt;
    private readonly LinkReport[] _reports;
    private readonly long[] _upSince;   // [from * count + to]
    private readonly bool[] _wasUp;
    private readonly long[] _knownSince;

    public LinkStates(int self, int count, RouteSettings settings)
    {
        (_self, Count, _settings) = (self, count, settings);
        _heardAt = new long[count];
        _reports = new LinkReport[count];
        _upSince = new long[count * count];
        _wasUp = new bool[count * count];
        _knownSince = new long[count];
        Array.Fill(_heardAt, Never);
        Array.Fill(_knownSince, Never);
        Array.Fill(_upSince, Down);
        Array.Fill(_reports, new LinkReport(0, -1, 0, Never));
    }

    public int Count { get; }

    /// <summary>Members heard directly, a bit each.</summary>
    public uint Heard { get; private set; }

    public bool IsUp(int from, int to) => _upSince[(from * Count) + to] != Down;

    /// <summary>Up, and steadily so since hold-down ago or since it was first seen.</summary>
    public bool IsSteady(int from, int to, long now) => IsUp(from, to) && now - _upSince[(from * Count) + to] >= _settings.HoldDown;

    /// <summary>Whether a member's report is young enough to count.</summary>
    public bool IsKnown(int member) => _knownSince[member] != Never;

    /// <summary>Since when without a break, microseconds.</summary>
    public long KnownSince(int member) => _knownSince[member];

    public LinkReport ReportOf(int member) => _reports[member];

    /// <summary>A datagram that came directly from a member, and is no copy of an older one. Any thread.</summary>
    public void OnHeard(int member, long now) => Volatile.Write(ref _heardAt[member], now);

    /// <summary>This process was stopped: silence in that time means nothing.</summary>
    public void Excuse(long micros)
    {
        for (var member = 0; member < Count; member++)
        {
            if (_heardAt[member] != Never) _heardAt[member] += micros;
            _reports[member] = _reports[member] with { BornAt = _reports[member].BornAt + micros };
        }
    }

    /// <summary>Takes a report if it is newer than what is known of its member.</summary>
    /// <returns>Whether it was.</returns>
    public bool Take(int member, in LinkReport report, long now)
    {
        var known = _reports[member];
        if (member == _self || now - report.BornAt >= _settings.Expiry) return false;
        var sameBoot = report.Boot == known.Boot;
        if (sameBoot ? report.Sequence <= known.Sequence : report.Boot < known.Boot && IsKnown(member)) return false;
        if (!sameBoot)
        {
            // A new process: that it hears somebody for the first time is no recovery of a broken link.
            for (var from = 0; from < Count; from++) _wasUp[(from * Count) + member] = false;
        }
        if (!sameBoot || !IsKnown(member)) _knownSince[member] = now;
        _reports[member] = report;
        return true;
    }

    /// <summary>Lets time pass, and works out the links anew.</summary>
    /// <param name="now">Microseconds.</param>
    /// <param name="datagramsWait">Datagrams wait to be read: they may hold the sign of life that is missing.</param>
    /// <returns>Whether any link changed.</returns>
    public bool Refresh(long now, bool datagramsWait)
    {
        var heard = 0u;
        for (var member = 0; member < Count; member++)
        {
            // Patience keeps a member; it does not bring one back.
            var patient = datagramsWait && (Heard >> member & 1) != 0;
            var window = patient ? 2 * _settings.HearingWindow : _settings.HearingWindow;
            if (member != _self && now - Volatile.Read(ref _heardAt[member]) < window) heard |= 1u << member;
        }
        Heard = heard;
        var changed = Apply(_self, heard, now);
        for (var member = 0; member < Count; member++)
        {
            if (member == _self) continue;
            if (now - _reports[member].BornAt >= _settings.Expiry) _knownSince[member] = Never;
            changed |= Apply(member, IsKnown(member) ? _reports[member].Hears : 0, now);
        }
        return changed;
    }

    /// <summary>When the next silence would count, microseconds.</summary>
    public long NextExpiry()
    {
        var next = long.MaxValue;
        for (var member = 0; member < Count; member++)
        {
            if ((Heard >> member & 1) != 0) next = Math.Min(next, Volatile.Read(ref _heardAt[member]) + _settings.HearingWindow);
            if (IsKnown(member)) next = Math.Min(next, _reports[member].BornAt + _settings.Expiry);
        }
        return next;
    }

    private bool Apply(int to, uint hears, long now)
    {
        var changed = false;
        for (var from = 0; from < Count; from++)
        {
            var at = (from * Count) + to;
            var up = from != to && (hears >> from & 1) != 0;
            if (up == (_upSince[at] != Down)) continue;
            changed = true;
            _upSince[at] = !up ? Down : _wasUp[at] ? now : now - _settings.HoldDown;
            _wasUp[at] |= up;
        }
        return changed;
    }
}
