// Members.cs - the members of the cluster as the transport knows them: number, name, address. Clients have no number.
//
// IDS      the header's ids are the number and, above it, 11 bits of a hash of the whole list: nodes with other lists see each
//          other's ids as those of strangers, so that they talk directly or not at all, but never to the wrong one.
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Firecloud.Actors.Transport;

internal sealed class Members
{
    private const int NumberBits = 5;

    private sealed record Place(IPEndPoint EndPoint, SocketAddress Target, ulong Key);

    private readonly Place?[] _places;
    private readonly int _list;

    private Members(IReadOnlyList<string> names, int self)
    {
        (Names, Self) = (names, self);
        _places = new Place?[names.Count];
        var hash = 0UL;
        foreach (var name in names)
        {
            foreach (var letter in Encoding.UTF8.GetBytes(name + ";")) hash = Hello.Mix(hash ^ letter);
        }
        _list = (int)(hash & 0x7FF);
    }

    /// <summary>"host:port" by number.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>This node's number.</summary>
    public int Self { get; }

    public int Count => Names.Count;

    /// <summary>The list, if this node is in it.</summary>
    /// <param name="names">"host:port" in lower case, in the same order on every member.</param>
    /// <param name="self">This node's.</param>
    /// <returns>Null for a node that is no member.</returns>
    public static Members? Of(IReadOnlyList<string> names, string self)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == self) return new Members(names, i);
        }
        return null;
    }

    /// <summary>What the header says for a member.</summary>
    public ushort IdOf(int number) => number < 0 ? DatagramHeader.Unnumbered : (ushort)(_list << NumberBits | number);

    /// <summary>The member of an id of the header.</summary>
    /// <returns>-1 for an id of a stranger or of another list.</returns>
    public int ById(ushort id)
    {
        var number = id & ((1 << NumberBits) - 1);
        return id >> NumberBits == _list && number < Count ? number : -1;
    }

    /// <summary>The member of an address (UdpNode.KeyOf).</summary>
    /// <returns>-1 for none.</returns>
    public int ByKey(ulong key)
    {
        for (var i = 0; i < _places.Length; i++)
        {
            if (Volatile.Read(ref _places[i]) is { } place && place.Key == key) return i;
        }
        return -1;
    }

    /// <summary>Where a member listens.</summary>
    /// <returns>False while its name is not resolved.</returns>
    public bool TryGet(int number, out IPEndPoint endPoint, out SocketAddress target, out ulong key)
    {
        var place = Volatile.Read(ref _places[number]);
        (endPoint, target, key) = place is null ? (null!, null!, 0) : (place.EndPoint, place.Target, place.Key);
        return place is not null;
    }

    public void Set(int number, IPAddress address)
    {
        var colon = Names[number].LastIndexOf(':');
        var endPoint = new IPEndPoint(address, int.Parse(Names[number].AsSpan(colon + 1), provider: null));
        if (Volatile.Read(ref _places[number])?.EndPoint.Equals(endPoint) == true) return;
        var target = endPoint.Serialize();
        Volatile.Write(ref _places[number], new Place(endPoint, target, UdpNode.KeyOf(target)));
    }

    /// <summary>Looks up the names of members that are not known, or not heard.</summary>
    /// <param name="heard">Members heard, a bit each.</param>
    public async Task ResolveAsync(uint heard)
    {
        for (var i = 0; i < Count; i++)
        {
            if ((heard >> i & 1) != 0) continue;
            var host = Names[i][..Names[i].LastIndexOf(':')];
            if (IPAddress.TryParse(host, out var literal))
            {
                if (literal.AddressFamily == AddressFamily.InterNetwork) Set(i, literal);
                continue;
            }
            try
            {
                var found = await Dns.GetHostAddressesAsync(host, AddressFamily.InterNetwork).ConfigureAwait(false);
                if (found.Length > 0) Set(i, found[0]);
            }
            catch (SocketException)
            {
                // Not known now: asked again later.
            }
        }
    }
}
