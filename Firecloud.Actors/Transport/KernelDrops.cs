// KernelDrops.cs - datagrams that the kernel dropped before this process could read them, because the socket's receive buffer was
// full. .NET can't read SO_RXQ_OVFL, but Linux lists every UDP socket with its drops in /proc/net/udp (proc_net_udp(5)): columns
// sl, local_address, rem_address, st, tx_queue:rx_queue, tr:tm->when, retrnsmt, uid, timeout, inode, ref, pointer, drops.
using System.Globalization;
using System.Net;

namespace Firecloud.Actors.Transport;

/// <param name="local">The socket's own address.</param>
/// <param name="file">For tests; the kernel's table otherwise.</param>
internal sealed class KernelDrops(IPEndPoint local, string file = "/proc/net/udp")
{
    /// <summary>How often the table is looked at, microseconds: it costs some 10 microseconds plus 1 per socket.</summary>
    public const long LookEach = 10_000_000;

    private const int LocalAddress = 1;
    private const int Drops = 12;

    private readonly string _local = Hex(local);
    private long _lookAt;
    private long _reported;

    /// <summary>Datagrams dropped since the socket was opened; -1 where the kernel does not tell.</summary>
    public long Read()
    {
        try
        {
            foreach (var line in File.ReadLines(file))
            {
                if (line.Contains(_local, StringComparison.Ordinal) && Parse(line, _local) is { } drops) return drops;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or a sandbox without /proc.
        }
        return -1;
    }

    /// <summary>How many more were dropped since this last said so: at most once per <see cref="LookEach"/>.</summary>
    /// <param name="now">Microseconds.</param>
    /// <returns>0 when none were, when it is too soon, or when the kernel does not tell.</returns>
    public long NewSince(long now)
    {
        if (now < _lookAt) return 0;
        _lookAt = now + LookEach;
        var fresh = Math.Max(0, Read() - _reported);
        _reported += fresh;
        return fresh;
    }

    /// <summary>Reads one line of the table.</summary>
    /// <returns>Null when it is not about this socket or not to be understood.</returns>
    private static long? Parse(string line, string local)
    {
        var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (columns.Length <= Drops || columns[LocalAddress] != local) return null;
        return long.TryParse(columns[Drops], NumberStyles.None, CultureInfo.InvariantCulture, out var drops) ? drops : null;
    }

    // The address as the kernel keeps it, read as a number of this machine's byte order; the port as a plain number.
    private static string Hex(IPEndPoint point) => string.Create(CultureInfo.InvariantCulture,
        $"{BitConverter.ToUInt32(point.Address.MapToIPv4().GetAddressBytes()):X8}:{point.Port:X4}");
}
