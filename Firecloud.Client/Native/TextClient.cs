// TextClient.cs - gets and puts by text datagrams (docs/kv739.md), at most once, at any of several servers.
//
// A call sends one text from one socket to one server after the other until one says OK. Every server keeps to "an id of one
// client address is one request", so the call is applied at most once whichever of them it reaches.
using System.Collections.Concurrent;
using System.Diagnostics;

namespace Firecloud.Client.Native;

/// <summary>What one kv739_init set up. Safe for any number of threads.</summary>
internal sealed class TextClient : IDisposable
{
    /// <summary>Most servers of one list.</summary>
    public const int MaxServers = 64;

    // More threads than that at once open a socket for each call beyond it.
    private const int MaxIdle = 256;

    // Consecutive ids from a random start: no two calls of this process share one, and a later process that is given the same
    // port starts elsewhere.
    private static ulong _lastId = RandomId();

    private readonly Server[] _servers;
    private readonly ConcurrentStack<Channel> _idle = new();
    private volatile bool _disposed;
    private volatile int _preferred;

    private TextClient(Server[] servers) => _servers = servers;

    /// <summary>How long a call goes on asking, milliseconds. A node that can't say for 3 s says FL: 5 s are enough to hear it.</summary>
    public int PatienceMs { get; set; } = 5000;

    /// <summary>Reads a list of servers.</summary>
    /// <param name="names">1 to 64 times "host:port"; no address twice.</param>
    /// <returns>Null where the list is not of that form, or a host is not known.</returns>
    public static TextClient? TryCreate(IReadOnlyList<byte[]> names)
    {
        if (names.Count is 0 or > MaxServers) return null;
        var servers = new Server[names.Count];
        for (var i = 0; i < servers.Length; i++)
        {
            if (Server.TryCreate(names[i]) is not { } server) return null;
            if (servers[..i].Any(s => s.EndPoint.Equals(server.EndPoint))) return null;
            servers[i] = server;
        }
        return new TextClient(servers);
    }

    /// <summary>Time between the attempts of one call: 8, 13, 50 ms as the original, then 100, 200, 400, 400 …</summary>
    /// <param name="attempt">From 0.</param>
    /// <returns>Milliseconds to wait for an answer before the next server is asked.</returns>
    public static int WaitMs(int attempt) => attempt switch { 0 => 8, 1 => 13, 2 => 50, 3 => 100, 4 => 200, _ => 400 };

    /// <summary>Marks a server as out of reach, or takes the mark away.</summary>
    /// <param name="name">As in the list; another name is ignored.</param>
    /// <param name="failed">Out of reach.</param>
    public void Mark(ReadOnlySpan<byte> name, bool failed)
    {
        foreach (var server in _servers)
        {
            if (server.IsNamed(name)) server.Failed = failed;
        }
    }

    /// <summary>The value of a key.</summary>
    /// <param name="key">See <see cref="Texts.IsKey"/>.</param>
    /// <param name="value">Room for 2,048 bytes; written only where there is a value.</param>
    /// <returns>Its bytes, 0 where there is none; -1 where nobody said.</returns>
    public int Get(ReadOnlySpan<byte> key, Span<byte> value)
    {
        if (!Texts.IsKey(key) || !AnyInReach()) return -1;
        var channel = Take();
        var id = Interlocked.Increment(ref _lastId);
        return RunAndReturn(channel, Texts.WriteGet(channel.Request, key, id), id, value);
    }

    /// <summary>Puts a value.</summary>
    /// <param name="key">See <see cref="Texts.IsKey"/>.</param>
    /// <param name="value">See <see cref="Texts.IsValue"/>.</param>
    /// <param name="old">Room for 2,048 bytes; written only where there was a value. May be where the value is.</param>
    /// <returns>Bytes of the value before, 0 where there was none; -1 where nobody said: it may be put, or be put later.</returns>
    public int Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, Span<byte> old)
    {
        if (!Texts.IsKey(key) || !Texts.IsValue(value) || !AnyInReach()) return -1;
        var channel = Take();
        var id = Interlocked.Increment(ref _lastId);
        return RunAndReturn(channel, Texts.WritePut(channel.Request, key, value, id), id, old);
    }

    /// <summary>Closes the sockets; calls under way end as they would.</summary>
    public void Dispose()
    {
        _disposed = true;
        while (_idle.TryPop(out var channel)) channel.Dispose();
    }

    private static ulong RandomId()
    {
        Span<byte> random = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(random);  // the library has no need of a cryptographic one
        return BitConverter.ToUInt64(random) ^ BitConverter.ToUInt64(random[8..]);
    }

    private bool AnyInReach() => Array.Exists(_servers, s => !s.Failed);

    private Channel Take() => _idle.TryPop(out var channel) ? channel : new Channel(_servers);

    private int RunAndReturn(Channel channel, int length, ulong id, Span<byte> value)
    {
        try
        {
            return Run(channel, length, id, value);
        }
        finally
        {
            if (channel.Broken || _idle.Count >= MaxIdle) channel.Dispose();
            else _idle.Push(channel);
            if (_disposed) Dispose();
        }
    }

    private int Run(Channel channel, int length, ulong id, Span<byte> value)
    {
        var begin = Stopwatch.GetTimestamp();
        var saidNo = 0UL;  // a bit for each server that said FL
        var server = _preferred + _servers.Length - 1;
        for (var attempt = 0; TryNext(ref server, saidNo); attempt++)
        {
            var left = PatienceMs - Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            if (left <= 0) return -1;
            channel.Send(length, _servers[server]);
            var sent = Stopwatch.GetTimestamp();
            var wait = TimeSpan.FromMilliseconds(Math.Min(left, WaitMs(attempt)));
            if (Await(channel, id, sent, wait, ref saidNo, value) is { } bytes) return bytes;
        }
        return -1;
    }

    // A server that said FL is not asked again. What it said is not the last word: another one may be able to, or under way with
    // the same request.
    private bool TryNext(ref int server, ulong saidNo)
    {
        for (var i = 1; i <= _servers.Length; i++)
        {
            var next = (server + i) % _servers.Length;
            if (_servers[next].Failed || (saidNo >> next & 1) != 0) continue;
            server = next;
            return true;
        }
        return false;
    }

    // What the call returns, or null to go on with the next server: nothing came in time, or one more FL.
    private int? Await(Channel channel, ulong id, long sent, TimeSpan wait, ref ulong saidNo, Span<byte> value)
    {
        while (wait - Stopwatch.GetElapsedTime(sent) is var rest && rest > TimeSpan.Zero)
        {
            if (!channel.TryReceive(rest, out var datagram)) return null;
            var from = Array.FindIndex(_servers, s => s.Address.Equals(channel.From));
            if (from < 0 || _servers[from].Failed) continue;
            switch (Texts.Read(datagram, id, out var found))
            {
                case AnswerKind.Done:
                    _preferred = from;
                    // Other interfaces may put a NUL, which no C string can hold.
                    if (found.Contains((byte)0)) return -1;
                    found.CopyTo(value);
                    return found.Length;
                case AnswerKind.Failed:
                    saidNo |= 1UL << from;
                    return null;
                default:
                    continue;
            }
        }
        return null;
    }
}
