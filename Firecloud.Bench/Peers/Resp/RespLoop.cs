using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Firecloud.Bench.Peers.Resp;

/// <summary>
/// One thread that serves all connections by epoll(7), as redis-benchmark does: the client takes as little as possible of the cores that
/// the servers need too. Linux only.
/// </summary>
internal sealed class RespLoop : IDisposable
{
    private const int Add = 1;
    private const int Change = 3;
    private const int WakeMs = 100;
    private const int MostEvents = 512;
    private const uint In = 0x001;
    private const uint Out = 0x004;

    // struct epoll_event is packed on x86-64 alone.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int _epoll = Create(0);
    private readonly ConcurrentDictionary<int, RespConnection> _connections = [];
    private readonly Thread _thread;
    private volatile bool _stopped;

    public RespLoop()
    {
        if (_epoll < 0) throw new Win32Exception();
        _thread = new Thread(Run) { IsBackground = true, Name = "resp" };
        _thread.Start();
    }

    /// <summary>True on the loop's own thread.</summary>
    public bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

    public void Register(RespConnection connection)
    {
        _connections[connection.Handle] = connection;
        Set(Add, connection, In);
    }

    public void Forget(RespConnection connection) => _connections.TryRemove(connection.Handle, out _);

    /// <summary>Asks to be told when there is room to send again, or not any more.</summary>
    public void WantRoom(RespConnection connection, bool want) => Set(Change, connection, want ? In | Out : In);

    public void Dispose()
    {
        if (_stopped) return;
        _stopped = true;
        _thread.Join();
        _ = Close(_epoll);
    }

    private void Run()
    {
        var events = new byte[MostEvents * EventSize];
        while (!_stopped)
        {
            var count = Wait(_epoll, events, MostEvents, WakeMs);
            for (var i = 0; i < count; i++)
            {
                var one = events.AsSpan(i * EventSize, EventSize);
                var handle = BinaryPrimitives.ReadInt32LittleEndian(one[(EventSize - 8)..]);
                if (_connections.TryGetValue(handle, out var connection)) connection.Ready(BinaryPrimitives.ReadUInt32LittleEndian(one));
            }
        }
    }

    private void Set(int what, RespConnection connection, uint events)
    {
        Span<byte> bytes = stackalloc byte[16];
        var one = bytes[..EventSize];
        BinaryPrimitives.WriteUInt32LittleEndian(one, events);
        BinaryPrimitives.WriteInt64LittleEndian(one[(EventSize - 8)..], connection.Handle);
        if (Control(_epoll, what, connection.Handle, ref MemoryMarshal.GetReference(bytes)) < 0) throw new Win32Exception();
    }

    // LibraryImport would need unsafe code, which this project does without.
    [DllImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static extern int Create(int flags);

    [DllImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static extern int Control(int epoll, int what, int handle, ref byte one);

    [DllImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static extern int Wait(int epoll, [Out] byte[] events, int count, int timeoutMs);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int handle);
}
