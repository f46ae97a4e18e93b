// RoutePath.cs - which relays a datagram passes, and the table of them that senders read without a lock.
//
// SOURCE ROUTES  the sender names every relay: in the header's hops byte and by sending to the first one. So no two tables need to
//                agree: no loop can come from different views, from hold-down on one side, or from a change half way through.
//                The byte holds one relay besides the first, so a path has two relays at most whatever anybody writes into it.
namespace Firecloud.Actors.Transport;

/// <summary>The relays from this node to some member: none, one or two.</summary>
/// <param name="First">Number of the first relay; negative for none.</param>
/// <param name="Second">Number of the second one; negative for none.</param>
internal readonly record struct RoutePath(sbyte First, sbyte Second)
{
    /// <summary>In the hops byte: whoever gets this is the destination.</summary>
    public const byte Arrived = 0;

    /// <summary>In the hops byte: pass it on to the destination.</summary>
    public const byte LastRelay = 1;

    /// <summary>In the hops byte: pass it on to the member of this number less this, which is the last relay.</summary>
    public const byte ToRelay = 2;

    public static RoutePath Direct => new(-1, -1);

    /// <summary>No path is known.</summary>
    public static RoutePath None => new(-2, -2);

    public bool IsKnown => First != -2;

    public bool HasRelays => First >= 0;

    /// <summary>Links on the way, 1 to 3.</summary>
    public int Links => First < 0 ? 1 : Second < 0 ? 2 : 3;

    /// <summary>The hops byte for the first one who gets the datagram.</summary>
    public byte Hops => First < 0 ? Arrived : Second < 0 ? LastRelay : (byte)(Second + ToRelay);

    public static RoutePath By(int relay) => new((sbyte)relay, -1);

    public static RoutePath By(int first, int second) => new((sbyte)first, (sbyte)second);

    /// <summary>Who gets the datagram first.</summary>
    public int FirstHop(int destination) => First < 0 ? destination : First;
}

/// <summary>Route by member; never changed once published.</summary>
/// <param name="Self">This member.</param>
/// <param name="Routes">Where datagrams go; <see cref="RoutePath.None"/> where no path is known: they go directly, in hope.</param>
/// <param name="Seconds">Another path with another first hop, for datagrams that seem lost; a guess where none is known.</param>
/// <param name="Guessed">Of which members the second path is a guess, a bit each.</param>
/// <param name="Heard">Members whose datagrams arrive here directly, a bit each.</param>
internal sealed record RouteTable(int Self, RoutePath[] Routes, RoutePath[] Seconds, uint Guessed, uint Heard)
{
    /// <summary>Most paths that one datagram takes.</summary>
    public const int MaxPaths = 5;

    /// <summary>Longest datagram that goes over all of them, bytes: copies of more would make an overload worse.</summary>
    private const int LongestOnAll = 4_096;

    public bool Hears(int member) => (Heard >> member & 1) != 0;

    /// <summary>The paths of a datagram, none twice.</summary>
    /// <param name="to">Room for <see cref="MaxPaths"/>.</param>
    /// <param name="member">Who it is for.</param>
    /// <param name="way">How it is to go.</param>
    /// <param name="length">Its bytes: only what is small goes over all paths.</param>
    /// <param name="echo">Member by which it is to go too; -1 for none.</param>
    /// <returns>How many; at least one.</returns>
    public int PathsFor(Span<RoutePath> to, int member, SentWay way, int length, int echo)
    {
        var (route, second) = (Routes[member], Seconds[member]);
        if (!second.IsKnown) second = route;
        var onlySecond = way == SentWay.Second && second != route && (Guessed >> member & 1) == 0;
        to[0] = onlySecond ? second : route;
        var count = 1;
        if (way is SentWay.Both or SentWay.All or SentWay.Second) Add(to, ref count, second);
        if (onlySecond) count = 1;
        if (echo >= 0 && echo != member) Add(to, ref count, RoutePath.By(echo));
        if (way == SentWay.All && length <= LongestOnAll) AddAll(to, ref count, member);
        return count;
    }

    // By one relay first. Of four members these are all paths there are.
    private void AddAll(Span<RoutePath> to, ref int count, int member)
    {
        Add(to, ref count, RoutePath.Direct);
        for (var first = 0; first < Routes.Length; first++)
        {
            if (first != member && first != Self) Add(to, ref count, RoutePath.By(first));
        }
        for (var first = 0; first < Routes.Length; first++)
        {
            if (first == member || first == Self) continue;
            for (var second = 0; second < Routes.Length; second++)
            {
                if (second != member && second != Self && second != first) Add(to, ref count, RoutePath.By(first, second));
            }
        }
    }

    private static void Add(Span<RoutePath> to, ref int count, RoutePath path)
    {
        if (count < to.Length && !to[..count].Contains(path)) to[count++] = path;
    }
}

/// <summary>The route to a member has changed.</summary>
internal readonly record struct RouteChange(int Member, RoutePath Path);
