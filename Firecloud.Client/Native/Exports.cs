// Exports.cs - the functions of lib739kv.h. What the header says of each is not said again here.
using System.Runtime.InteropServices;

namespace Firecloud.Client.Native;

/// <summary>C's way in. No exception leaves it: what fails returns -1.</summary>
internal static unsafe class Exports
{
    private static TextClient? _client;

    [UnmanagedCallersOnly(EntryPoint = "kv739_init")]
    public static int Init(byte** servers)
    {
        try
        {
            if (servers == null || ReadList(servers) is not { } names || TextClient.TryCreate(names) is not { } client) return -1;
            Interlocked.Exchange(ref _client, client)?.Dispose();
            return 0;
        }
        catch (Exception)
        {
            return -1;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "kv739_fail")]
    public static void Fail(byte* server) => Mark(server, failed: true);

    [UnmanagedCallersOnly(EntryPoint = "kv739_recover")]
    public static void Recover(byte* server) => Mark(server, failed: false);

    [UnmanagedCallersOnly(EntryPoint = "kv739_get")]
    public static int Get(byte* key, byte* value)
    {
        try
        {
            if (Volatile.Read(ref _client) is not { } client || value == null) return -1;
            return TryRead(key, Texts.MaxKey, out var bytes) ? Finish(client.Get(bytes, Buffer(value)), value) : -1;
        }
        catch (Exception)
        {
            return -1;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "kv739_put")]
    public static int Put(byte* key, byte* value, byte* oldValue)
    {
        try
        {
            if (Volatile.Read(ref _client) is not { } client || oldValue == null) return -1;
            if (!TryRead(key, Texts.MaxKey, out var name) || !TryRead(value, Texts.MaxValue, out var bytes)) return -1;
            return Finish(client.Put(name, bytes, Buffer(oldValue)), oldValue);
        }
        catch (Exception)
        {
            return -1;
        }
    }

    private static void Mark(byte* server, bool failed)
    {
        try
        {
            if (TryRead(server, Server.MaxName, out var name)) Volatile.Read(ref _client)?.Mark(name, failed);
        }
        catch (Exception)
        {
            // There is nobody to tell: the function returns nothing.
        }
    }

    // The caller's buffer has one byte more, for the NUL.
    private static Span<byte> Buffer(byte* value) => new(value, Texts.MaxValue);

    private static int Finish(int length, byte* value)
    {
        if (length < 0) return -1;
        value[length] = 0;
        return length > 0 ? 0 : 1;
    }

    private static List<byte[]>? ReadList(byte** servers)
    {
        var names = new List<byte[]>();
        for (; *servers != null && **servers != 0; servers++)
        {
            if (names.Count == TextClient.MaxServers || !TryRead(*servers, Server.MaxName, out var name)) return null;
            names.Add(name.ToArray());
        }
        return names;
    }

    // Reads a C string, and no byte behind its end or its limit.
    private static bool TryRead(byte* text, int most, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (text == null) return false;
        var length = 0;
        while (text[length] != 0)
        {
            if (++length > most) return false;
        }
        bytes = new ReadOnlySpan<byte>(text, length);
        return true;
    }
}
