// Batches.cs - datagrams that leave, or came, in one system call.
using System.Net;

namespace Firecloud.Actors.Transport;

/// <summary>Datagrams that leave together. One per thread; whoever fills it sends it before doing anything that waits.</summary>
internal sealed class SendBatch
{
    /// <summary>Most datagrams per call.</summary>
    public const int Most = 64;

    // Room for the largest datagram several times, and for sixteen of those to this machine itself.
    private const int Bytes = 256 * 1024;

    private readonly DatagramTable _table = new(Most, Bytes);
    private int _used;

    /// <summary>Whose datagrams it takes; null while nobody fills it.</summary>
    public UdpNode? Owner { get; set; }

    public int Count { get; private set; }

    public DatagramTable Table => _table;

    /// <summary>Copies a datagram into it.</summary>
    /// <returns>False when there is no room: send first.</returns>
    public bool TryAdd(ReadOnlySpan<byte> datagram, SocketAddress to)
    {
        if (Count == Most || datagram.Length > Bytes - _used) return false;
        datagram.CopyTo(_table.Place(Count, _used, datagram.Length));
        _table.To(Count, to);
        _used += datagram.Length;
        Count++;
        return true;
    }

    public void Clear() => (Count, _used) = (0, 0);
}

/// <summary>Datagrams that came together.</summary>
internal sealed class ReceiveBatch
{
    /// <summary>Room for any datagram.</summary>
    private const int Room = 65_536;

    private readonly DatagramTable _table;

    /// <param name="most">Datagrams per call, 1 to <see cref="SendBatch.Most"/>.</param>
    public ReceiveBatch(int most)
    {
        Most = most;
        _table = new DatagramTable(most, most * Room);
        for (var i = 0; i < most; i++) _table.Place(i, i * Room, Room);
    }

    public int Most { get; }

    public DatagramTable Table => _table;

    /// <summary>One of those that the last call brought.</summary>
    /// <param name="index">Which one.</param>
    /// <param name="from">Filled with the source.</param>
    /// <returns>Its bytes, good until the next call.</returns>
    public Span<byte> Take(int index, SocketAddress from)
    {
        _table.From(index, from);
        return _table.Place(index, index * Room, Room)[.._table.LengthOf(index)];
    }
}
