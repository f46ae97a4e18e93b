using System.Net;
using System.Net.Sockets;

namespace Firecloud.Client.Native;

/// <summary>A socket and its buffers, for one call at a time.</summary>
/// <remarks>
/// An id of one client address is one request, so all attempts of a call must come from one address. The socket is bound to it:
/// else a machine with several addresses would show each server the one that is nearest.
/// </remarks>
internal sealed class Channel : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
    private readonly byte[] _received = new byte[Texts.MaxRequest];

    /// <exception cref="SocketException">No way leads to any server, or the system has no socket left.</exception>
    public Channel(IEnumerable<Server> servers)
    {
        try
        {
            _socket.Bind(new IPEndPoint(OwnAddress(servers), 0));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Where a request is built.</summary>
    public byte[] Request { get; } = new byte[Texts.MaxRequest];

    /// <summary>Where the last datagram came from.</summary>
    public SocketAddress From { get; } = new(AddressFamily.InterNetwork);

    /// <summary>The system refused to send: the address of this machine may have changed.</summary>
    public bool Broken { get; private set; }

    public void Send(int length, Server to)
    {
        try
        {
            _socket.SendTo(Request.AsSpan(0, length), SocketFlags.None, to.Address);
        }
        catch (SocketException)
        {
            // As a datagram that was lost on the way: the next server is asked after the usual wait.
            Broken = true;
        }
    }

    /// <summary>Waits for a datagram.</summary>
    /// <param name="patience">Above 0; the system counts in milliseconds, so it may be one longer.</param>
    /// <param name="datagram">What came; empty for an error that the kernel passed on.</param>
    /// <returns>False when nothing came in time.</returns>
    public bool TryReceive(TimeSpan patience, out ReadOnlySpan<byte> datagram)
    {
        datagram = default;
        if (!_socket.Poll(TimeSpan.FromMilliseconds(Math.Ceiling(patience.TotalMilliseconds)), SelectMode.SelectRead)) return false;
        try
        {
            datagram = _received.AsSpan(0, _socket.ReceiveFrom(_received, SocketFlags.None, From));
        }
        catch (SocketException)
        {
        }
        return true;
    }

    public void Dispose() => _socket.Dispose();

    // The address that the system would show the first server; of servers on this machine and elsewhere, the first elsewhere.
    private static IPAddress OwnAddress(IEnumerable<Server> servers)
    {
        var error = new SocketException((int)SocketError.NetworkUnreachable);
        foreach (var server in servers.OrderBy(s => IPAddress.IsLoopback(s.EndPoint.Address)))
        {
            try
            {
                using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                probe.Connect(server.EndPoint);  // sends nothing
                return ((IPEndPoint)probe.LocalEndPoint!).Address;
            }
            catch (SocketException e)
            {
                error = e;
            }
        }
        throw error;
    }
}
