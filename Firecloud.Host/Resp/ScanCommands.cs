using System.Buffers.Text;
using System.Globalization;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Commands over all keys.</summary>
internal static class ScanCommands
{
    private const string Group = "generic";
    private const int DefaultCount = 10;
    private const int MaxCount = 10_000;
    private const int RoundsPerCall = 4;
    private const int DeletesAtOnce = 256;
    private const string EachKey = "Each key was there at some moment between call and answer, by the word of a quorum; not all at one moment.";

    public static readonly CommandSpec[] All =
    [
        new("SCAN", -2, CommandFlags.ReadOnly)
        {
            Syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type]", Group = Group, Since = "2.8.0", Summary = "Keys, part by part.",
            Atomicity = "A key that is there from the first call to the last is found, exactly once; one that is not there at any of these moments is not found. "
                + "The server keeps nothing between two calls: any node goes on with a cursor, for ever.",
            Differs = "Redis may find a key twice. COUNT is at most 10000, and keys that hash alike come together.", Run = call => Guard(ScanAsync(call)),
        },
        new("KEYS", 2, CommandFlags.ReadOnly)
        {
            Syntax = "pattern", Group = Group, Summary = "All keys that match. Reads every key of every member: use SCAN where there are many.",
            Atomicity = EachKey, Differs = "At Redis all are of one moment. More than `max-output` bytes of keys are refused.", Run = call => Guard(KeysAsync(call)),
        },
        new("RANDOMKEY", 1, CommandFlags.ReadOnly)
        {
            Group = Group, Summary = "Some key, or null where there is none.", Atomicity = EachKey,
            Differs = "Keys behind large gaps in the order of hashes come more often.", Run = call => Guard(RandomAsync(call)),
        },
        new("FLUSHALL", -1, CommandFlags.Write | CommandFlags.Admin)
        {
            Syntax = "[ASYNC | SYNC]", Group = "server", Summary = "Deletes every key, one after the other, if `firecloud.resp.allow-flushall = on`.",
            Atomicity = "Each key by itself. A key that is written meanwhile may stay.", Differs = "Refused unless a setting allows it. At Redis it is one step.",
            Run = call => Guard(FlushAsync(call)),
        },
        new("FLUSHDB", -1, CommandFlags.Write | CommandFlags.Admin)
        {
            Syntax = "[ASYNC | SYNC]", Group = "server", Summary = "The same as FLUSHALL.", Atomicity = "Each key by itself.",
            Differs = "Refused unless a setting allows it. At Redis it is one step.", Run = call => Guard(FlushAsync(call)),
        },
    ];

    private static async Task<Answer> Guard(Task<Answer> run)
    {
        try
        {
            return await run;
        }
        catch (KeyScanException e)
        {
            return Fail(e.Message);
        }
    }

    private static async Task<Answer> ScanAsync(CommandCall call)
    {
        if (!Utf8Parser.TryParse(call[1], out ulong cursor, out var used) || used != call[1].Length) return Fail("ERR invalid cursor");
        var (pattern, count, wantsStrings) = (default(byte[]), (long)DefaultCount, true);
        for (var i = 2; i < call.Count; i += 2)
        {
            if (i + 1 == call.Count) return Fail(RespErrors.Syntax);
            if (call.Is(i, "MATCH"))
            {
                pattern = call[i + 1];
            }
            else if (call.Is(i, "COUNT"))
            {
                if (!call.TryInteger(i + 1, out count)) return Fail(RespErrors.NotAnInteger);
                if (count < 1) return Fail(RespErrors.Syntax);
            }
            else if (call.Is(i, "TYPE"))
            {
                wantsStrings = call.Is(i + 1, "string");
            }
            else
            {
                return Fail(RespErrors.Syntax);
            }
        }
        var filter = Filter(call, pattern);
        var from = cursor > long.MaxValue ? long.MaxValue : (long)cursor;
        var page = await new KeyScan(call.Server.Node).ReadAsync(
            from, (int)Math.Min(count, MaxCount), RoundsPerCall, k => wantsStrings && filter(k), call.Server.Stopping);
        return writer =>
        {
            writer.Array(2);
            writer.Bulk(page.Cursor.ToString(CultureInfo.InvariantCulture));
            Write(writer, page.Keys);
        };
    }

    private static async Task<Answer> KeysAsync(CommandCall call)
    {
        var (scan, filter, found, bytes, most) = (new KeyScan(call.Server.Node), Filter(call, call[1]), new List<Key>(), 0L, call.Server.Settings.MaxOutputBytes);
        for (var cursor = 0L; ;)
        {
            var page = await scan.ReadAsync(cursor, MaxCount, RoundsPerCall, filter, call.Server.Stopping);
            found.AddRange(page.Keys);
            bytes += page.Keys.Sum(k => (long)k.Length + RespParser.ArgumentCost);
            if (bytes > most) return Fail($"ERR KEYS finds more than {most} bytes of keys (firecloud.resp.max-output). Use SCAN.");
            cursor = page.Cursor;
            if (cursor == 0) return writer => Write(writer, found);
        }
    }

    private static async Task<Answer> RandomAsync(CommandCall call)
    {
        var (scan, filter) = (new KeyScan(call.Server.Node), Filter(call, null));
        var start = Random.Shared.NextInt64(KeyScan.Places(call.Server.Node));
        for (var (cursor, wrapped) = (start, false); ;)
        {
            var page = await scan.ReadAsync(cursor, 1, RoundsPerCall, filter, call.Server.Stopping);
            if (page.Keys.Count > 0)
            {
                var key = page.Keys[Random.Shared.Next(page.Keys.Count)];
                return writer => writer.Bulk(key.Span);
            }
            if (wrapped && (page.Cursor == 0 || page.Cursor > start)) return writer => writer.Null();
            wrapped |= page.Cursor == 0;
            cursor = page.Cursor;
        }
    }

    private static async Task<Answer> FlushAsync(CommandCall call)
    {
        if (call.Count > 2 || (call.Count == 2 && !call.Is(1, "ASYNC") && !call.Is(1, "SYNC"))) return Fail(RespErrors.Syntax);
        if (!call.Server.Settings.AllowsFlush)
        {
            return Fail($"ERR {call.Spec.Name} is off. Set firecloud.resp.allow-flushall = on at this node, or delete keys by SCAN and DEL.");
        }
        var (scan, node, filter) = (new KeyScan(call.Server.Node), call.Server.Node, Filter(call, null));
        for (var cursor = 0L; ;)
        {
            var page = await scan.ReadAsync(cursor, MaxCount, RoundsPerCall, filter, call.Server.Stopping);
            foreach (var part in page.Keys.Chunk(DeletesAtOnce))
            {
                var deletes = part.Select(key => new PendingCall(key, Operation.Delete(), node.Settings.RequestTimeoutMs)).ToArray();
                node.Submit(deletes);
                foreach (var delete in deletes)
                {
                    var result = await delete.Task.WaitAsync(call.Server.Stopping);
                    if (result.Kind != ResultKind.Done) return Fail($"{RespErrors.Of(call.Spec.Name, result)} Other keys may be deleted already; the same again is harmless.");
                }
            }
            cursor = page.Cursor;
            if (cursor == 0) return writer => writer.Ok();
        }
    }

    // A user with prefixes sees its own keys only.
    private static Predicate<Key> Filter(CommandCall call, byte[]? pattern)
    {
        var user = call.Session.User!;
        return key => user.MayName(key.Bytes) && (pattern is null || Glob.Matches(pattern, key.Span));
    }

    private static void Write(RespWriter writer, IReadOnlyList<Key> keys)
    {
        writer.Array(keys.Count);
        foreach (var key in keys) writer.Bulk(key.Span);
    }

    private static Answer Fail(string error) => writer => writer.Error(error);
}
