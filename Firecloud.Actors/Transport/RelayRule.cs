// RelayRule.cs - whether a datagram for somebody else is passed on, and to whom. It can't be read here and isn't tried to.
//
// WATCH    only members send through members: the source must be a member's address, origin and destination members. Each relay
//          lowers what is left of the way (RoutePath.cs), so nothing is passed on more than twice.
namespace Firecloud.Actors.Transport;

internal enum RelayVerdict
{
    Forward,
    Refused,
    OverRate,
}

/// <summary>Decides for one member; one thread.</summary>
/// <param name="self">This member's number.</param>
/// <param name="rate">Bytes per second that are passed on; a tenth of it at once.</param>
internal sealed class RelayRule(int self, long rate)
{
    private const long Micros = 1_000_000;

    private readonly long _burst = rate == 0 ? 0 : Math.Max(rate / 10, DatagramHeader.MaxDatagram);
    private long _tokens = rate == 0 ? 0 : Math.Max(rate / 10, DatagramHeader.MaxDatagram);
    private long _filledAt = long.MinValue;

    /// <summary>Who gets a datagram next.</summary>
    /// <param name="hops">The hops byte; not <see cref="RoutePath.Arrived"/>.</param>
    /// <param name="destination">Member number.</param>
    public static int Next(byte hops, int destination) => hops == RoutePath.LastRelay ? destination : hops - RoutePath.ToRelay;

    /// <summary>The hops byte that it gets.</summary>
    public static byte HopsAfter(byte hops) => hops == RoutePath.LastRelay ? RoutePath.Arrived : RoutePath.LastRelay;

    /// <summary>Judges a datagram whose destination is another member.</summary>
    /// <param name="kind">The header's kind.</param>
    /// <param name="hops">The header's hops.</param>
    /// <param name="source">Member whose address it came from; -1 for none.</param>
    /// <param name="origin">Member that made it; -1 for none.</param>
    /// <param name="destination">Member that it is for; -1 for none.</param>
    /// <param name="members">Number of members.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="now">Microseconds.</param>
    public RelayVerdict Judge(DatagramKind kind, byte hops, int source, int origin, int destination, int members, int length, long now)
    {
        if (kind == DatagramKind.Probe || hops == RoutePath.Arrived) return RelayVerdict.Refused;
        if (source < 0 || origin < 0 || destination < 0 || source == self || origin == self || destination == self)
        {
            return RelayVerdict.Refused;
        }
        var next = Next(hops, destination);
        if (next >= members || next == self || next == source || next == origin || origin == destination) return RelayVerdict.Refused;
        return TryTake(length, now) ? RelayVerdict.Forward : RelayVerdict.OverRate;
    }

    private bool TryTake(int bytes, long now)
    {
        var passed = _filledAt == long.MinValue ? 0 : Math.Clamp(now - _filledAt, 0, Micros);
        var earned = passed * rate / Micros;
        if (earned > 0 || _filledAt == long.MinValue) _filledAt = now;
        _tokens = Math.Min(_burst, _tokens + earned);
        if (_tokens < bytes) return false;
        _tokens -= bytes;
        return true;
    }
}
