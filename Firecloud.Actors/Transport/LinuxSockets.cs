// LinuxSockets.cs - several datagrams per system call: sendmmsg(2) and recvmmsg(2). Laid out as 64-bit Linux has it; elsewhere, or where
// a sandbox forbids the calls, UdpSocket sends and receives one by one.
// WATCH   the kernel keeps what it is given only during a call, but writes to it: tables and buffers are pinned arrays.
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Firecloud.Actors.Transport;

internal static class LinuxSockets
{
    /// <summary>EINTR: nothing happened, call again.</summary>
    public const int Interrupted = 4;

    private const int DontWait = 0x40;       // MSG_DONTWAIT
    private const int WaitForOne = 0x10000;  // MSG_WAITFORONE: wait for the first datagram, take what else is there

    /// <summary>Whether both calls work here on a socket.</summary>
    public static bool Work(SafeSocketHandle socket)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess || !BitConverter.IsLittleEndian) return false;
        try
        {
            // No datagram at all is allowed, and done.
            return SendMany(socket, 0, 0, DontWait) == 0 && ReceiveMany(socket, 0, 0, DontWait, 0) == 0;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Sends datagrams in order up to the first one that fails.</summary>
    /// <param name="socket">A UDP socket; waits for room in its buffer.</param>
    /// <param name="table">What to send.</param>
    /// <param name="first">Where to begin.</param>
    /// <param name="count">How many, at least 1.</param>
    /// <returns>How many were sent; -1 when the first one failed.</returns>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Send(SafeSocketHandle socket, DatagramTable table, int first, int count) =>
        SendMany(socket, table.At(first), (uint)count, 0);

    /// <summary>Waits for a datagram and takes what else is there.</summary>
    /// <returns>How many came; -1 for an error.</returns>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Receive(SafeSocketHandle socket, DatagramTable table, int count) =>
        ReceiveMany(socket, table.At(0), (uint)count, WaitForOne, 0);

    // LibraryImport would need unsafe code, which this project does without.
    [DllImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    private static extern int SendMany(SafeSocketHandle socket, nint messages, uint count, int flags);

    [DllImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    private static extern int ReceiveMany(SafeSocketHandle socket, nint messages, uint count, int flags, nint timeout);
}

/// <summary>Where the kernel finds datagrams and their addresses, or puts them: an array of mmsghdr and what it points to.</summary>
internal sealed class DatagramTable
{
    private const int AddressSize = 16;  // sockaddr_in

    // struct msghdr and the length that makes it a mmsghdr: 64 bytes.
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Message
    {
        [FieldOffset(0)] public nint Address;
        [FieldOffset(8)] public uint AddressLength;
        [FieldOffset(16)] public nint Pieces;
        [FieldOffset(24)] public nint PieceCount;
        [FieldOffset(56)] public uint Length;
    }

    // struct iovec
    [StructLayout(LayoutKind.Explicit, Size = 16)]
    private struct Piece
    {
        [FieldOffset(0)] public nint Start;
        [FieldOffset(8)] public nint Length;
    }

    private readonly Message[] _messages;
    private readonly Piece[] _pieces;
    private readonly byte[] _addresses;
    private readonly byte[] _buffer;

    /// <param name="count">Datagrams, at least 1.</param>
    /// <param name="bytes">For all of them together.</param>
    public DatagramTable(int count, int bytes)
    {
        _messages = GC.AllocateArray<Message>(count, pinned: true);
        _pieces = GC.AllocateArray<Piece>(count, pinned: true);
        _addresses = GC.AllocateArray<byte>(count * AddressSize, pinned: true);
        _buffer = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
        for (var i = 0; i < count; i++)
        {
            _messages[i].Address = Marshal.UnsafeAddrOfPinnedArrayElement(_addresses, i * AddressSize);
            _messages[i].AddressLength = AddressSize;
            _messages[i].Pieces = Marshal.UnsafeAddrOfPinnedArrayElement(_pieces, i);
            _messages[i].PieceCount = 1;
        }
    }

    public int Bytes => _buffer.Length;

    /// <summary>Says where a datagram is.</summary>
    /// <param name="index">Which one.</param>
    /// <param name="start">Its place in the buffer.</param>
    /// <param name="length">Its bytes, or those that there is room for.</param>
    /// <returns>Its bytes.</returns>
    public Span<byte> Place(int index, int start, int length)
    {
        var room = _buffer.AsSpan(start, length);
        _pieces[index].Start = Marshal.UnsafeAddrOfPinnedArrayElement(_buffer, start);
        _pieces[index].Length = length;
        return room;
    }

    /// <summary>Says where a datagram goes.</summary>
    public void To(int index, SocketAddress to) => to.Buffer.Span[..AddressSize].CopyTo(_addresses.AsSpan(index * AddressSize));

    /// <summary>Tells where a received datagram came from.</summary>
    public void From(int index, SocketAddress from)
    {
        _addresses.AsSpan(index * AddressSize, AddressSize).CopyTo(from.Buffer.Span);
        _messages[index].AddressLength = AddressSize;
    }

    /// <summary>Bytes of a received datagram.</summary>
    public int LengthOf(int index) => (int)_messages[index].Length;

    internal nint At(int index) => Marshal.UnsafeAddrOfPinnedArrayElement(_messages, index);
}
