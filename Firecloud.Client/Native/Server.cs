using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Firecloud.Client.Native;

/// <summary>One server of the list that kv739_init was given.</summary>
internal sealed class Server
{
    /// <summary>Longest name, bytes: a host name of 255, a colon and a port.</summary>
    public const int MaxName = 255 + 1 + 5;

    private readonly byte[] _name;
    private volatile bool _failed;

    private Server(byte[] name, IPEndPoint endPoint) => (_name, Address, EndPoint) = (name, endPoint.Serialize(), endPoint);

    public IPEndPoint EndPoint { get; }

    /// <summary>The same address as sockets take and give it.</summary>
    public SocketAddress Address { get; }

    /// <summary>To be treated as out of reach.</summary>
    public bool Failed
    {
        get => _failed;
        set => _failed = value;
    }

    /// <summary>Reads "host:port" and looks a host's name up.</summary>
    /// <param name="name">Host: an IPv4 address or a name that has one. Port: 1 to 65535.</param>
    /// <returns>Null where it is not of that form, or the host is not known.</returns>
    public static Server? TryCreate(ReadOnlySpan<byte> name)
    {
        var colon = name.LastIndexOf((byte)':');
        if (colon <= 0 || name.Length > MaxName) return null;
        var digits = name[(colon + 1)..];
        var isPort = Utf8Parser.TryParse(digits, out ushort port, out var used) && used == digits.Length && port > 0;
        if (!isPort || FindHost(Encoding.UTF8.GetString(name[..colon])) is not { } host) return null;
        return new Server(name.ToArray(), new IPEndPoint(host, port));
    }

    public bool IsNamed(ReadOnlySpan<byte> name) => name.SequenceEqual(_name);

    // The first IPv4 address: nodes speak no IPv6.
    private static IPAddress? FindHost(string host)
    {
        try
        {
            if (!IPAddress.TryParse(host, out var address)) address = Dns.GetHostAddresses(host, AddressFamily.InterNetwork).FirstOrDefault();
            return address is { AddressFamily: AddressFamily.InterNetwork } && IsOneHost(address.GetAddressBytes()[0]) ? address : null;
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return null;
        }
    }

    // Not 0.0.0.0/8 (this host, RFC 1122), not multicast or reserved (224.0.0.0 and above, RFC 1112).
    private static bool IsOneHost(byte first) => first is > 0 and < 224;
}
