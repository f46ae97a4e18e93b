// UdpSocket.cs - one UDP socket: large kernel buffers, no allocation per datagram, and errors of the network (ICMP answers, full
// buffers) are never exceptions to the caller.
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Firecloud.Actors.Transport;

internal sealed class UdpSocket : IDisposable
{
    private const int LevelSocket = 1;          // SOL_SOCKET of Linux
    private const int SendBufferForce = 32;     // SO_SNDBUFFORCE: beyond net.core.wmem_max, needs CAP_NET_ADMIN
    private const int ReceiveBufferForce = 33;  // SO_RCVBUFFORCE

    private const int LevelIp = 0;              // IPPROTO_IP
    private const int MtuDiscover = 10;         // IP_MTU_DISCOVER
    private const int ProbeOnly = 3;            // IP_PMTUDISC_PROBE: set "don't fragment", believe no ICMP, remember nothing

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private volatile bool _closed;
    private long _sendErrors;
    private long _sendCalls;
    private long _receiveCalls;

    /// <summary>Binds.</summary>
    /// <param name="local">Port 0 lets the system pick one.</param>
    /// <param name="receiveBuffer">Wanted kernel buffer, bytes.</param>
    /// <param name="sendBuffer">Wanted kernel buffer, bytes.</param>
    /// <exception cref="SocketException">The port is in use, or the address is not this machine's.</exception>
    public UdpSocket(IPEndPoint local, int receiveBuffer, int sendBuffer)
    {
        try
        {
            Grow(ReceiveBufferForce, SocketOptionName.ReceiveBuffer, receiveBuffer);
            Grow(SendBufferForce, SocketOptionName.SendBuffer, sendBuffer);
            NeverFragments = ForbidFragments();
            if (OperatingSystem.IsWindows()) IgnoreResets();
            _socket.Bind(local);
            TakesMany = LinuxSockets.Work(_socket.SafeHandle);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>What the kernel granted, bytes.</summary>
    public int ReceiveBuffer => _socket.ReceiveBufferSize / Doubled;

    /// <summary>What the kernel granted, bytes.</summary>
    public int SendBuffer => _socket.SendBufferSize / Doubled;

    // Linux adds as much again for its own bookkeeping, and tells the sum (socket(7), SO_RCVBUF).
    private static int Doubled => OperatingSystem.IsLinux() ? 2 : 1;

    /// <summary>Whether the kernel sends datagrams whole or not at all.</summary>
    public bool NeverFragments { get; }

    /// <summary>Whether one system call takes several datagrams.</summary>
    public bool TakesMany { get; }

    public long SendErrors => Interlocked.Read(ref _sendErrors);

    /// <summary>System calls that sent something, or tried to.</summary>
    public long SendCalls => Interlocked.Read(ref _sendCalls);

    /// <summary>System calls that brought something.</summary>
    public long ReceiveCalls => Interlocked.Read(ref _receiveCalls);

    public bool IsClosed => _closed;

    /// <summary>Whether a datagram waits to be read.</summary>
    public bool HasWaiting
    {
        get
        {
            try
            {
                return !_closed && _socket.Available > 0;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    /// <summary>What to do about a receive buffer that the kernel did not grant.</summary>
    /// <param name="granted">Bytes.</param>
    /// <param name="wanted">Bytes.</param>
    public static string TooSmall(int granted, int wanted) =>
        $"The kernel granted a receive buffer of {granted / 1024} KiB, {wanted / 1024} KiB were asked for: under load datagrams will be "
        + $"lost and sent again. Run sysctl -w net.core.rmem_max={wanted} (and write it to /etc/sysctl.d), or lower receive-buffer.";

    /// <summary>Waits for a datagram.</summary>
    /// <param name="buffer">Room for any datagram.</param>
    /// <param name="from">Filled with the source; used again and again.</param>
    /// <returns>Its length; -1 after an error that concerns some earlier datagram, or once the socket is closed.</returns>
    public int Receive(Span<byte> buffer, SocketAddress from)
    {
        try
        {
            var length = _socket.ReceiveFrom(buffer, SocketFlags.None, from);
            _receiveCalls++;  // only the receive thread writes it
            return length;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return -1;
        }
    }

    /// <summary>Waits for a datagram and takes what else is there.</summary>
    /// <returns>How many; -1 after an error that concerns some earlier datagram, or once the socket is closed.</returns>
    public int Receive(ReceiveBatch batch)
    {
        try
        {
            var count = LinuxSockets.Receive(_socket.SafeHandle, batch.Table, batch.Most);
            if (count > 0) _receiveCalls++;
            return count < 0 && Marshal.GetLastPInvokeError() == LinuxSockets.Interrupted ? 0 : count;
        }
        catch (ObjectDisposedException)
        {
            return -1;
        }
    }

    /// <summary>Sends a datagram, or loses it: the layers above can't tell the difference and need not.</summary>
    public void Send(ReadOnlySpan<byte> datagram, SocketAddress to)
    {
        if (_closed) return;
        Interlocked.Increment(ref _sendCalls);
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, to);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Interlocked.Increment(ref _sendErrors);
        }
    }

    /// <summary>Sends datagrams, or loses some of them, and empties the batch.</summary>
    public void Send(SendBatch batch)
    {
        try
        {
            for (var done = 0; done < batch.Count && !_closed;)
            {
                Interlocked.Increment(ref _sendCalls);
                var sent = LinuxSockets.Send(_socket.SafeHandle, batch.Table, done, batch.Count - done);
                if (sent > 0) done += sent;
                else if (Marshal.GetLastPInvokeError() != LinuxSockets.Interrupted)
                {
                    // The first one can't be sent, whatever the reason; that says nothing about the others.
                    Interlocked.Increment(ref _sendErrors);
                    done++;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed by another thread just now.
        }
        finally
        {
            batch.Clear();
        }
    }

    public void Dispose()
    {
        _closed = true;
        _socket.Dispose();
    }

    private void Grow(int forceOption, SocketOptionName option, int wanted)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                _socket.SetRawSocketOption(LevelSocket, forceOption, BitConverter.GetBytes(wanted));
                return;
            }
        }
        catch (SocketException)
        {
            // Not allowed to force: ask for what an ordinary process may have.
        }
        _socket.SetSocketOption(SocketOptionLevel.Socket, option, wanted);
    }

    private bool ForbidFragments()
    {
        try
        {
            if (OperatingSystem.IsLinux()) _socket.SetRawSocketOption(LevelIp, MtuDiscover, BitConverter.GetBytes(ProbeOnly));
            else _socket.DontFragment = true;
            return true;
        }
        catch (Exception e) when (e is SocketException or PlatformNotSupportedException)
        {
            return false;
        }
    }

    // Windows reports an ICMP "port unreachable" as an error of the next receive; SIO_UDP_CONNRESET turns that off.
    private void IgnoreResets() => _socket.IOControl(-1744830452, [0, 0, 0, 0], null);
}
