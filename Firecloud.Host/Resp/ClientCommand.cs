using System.Globalization;
using System.Net;
using System.Text;

namespace Firecloud.Host.Resp;

/// <summary>CLIENT and what follows it.</summary>
internal static class ClientCommand
{
    private static readonly string[] Names =
        ["GETNAME", "GETREDIR", "HELP", "ID", "INFO", "KILL", "LIST", "NO-EVICT", "NO-TOUCH", "REPLY", "SETINFO", "SETNAME"];

    public static readonly CommandSpec[] All =
    [
        new("CLIENT", -2, CommandFlags.Fast)
        {
            Syntax = "ID | GETNAME | SETNAME name | SETINFO LIB-NAME | LIB-VER text | INFO | LIST [ID id …] | KILL … | REPLY ON | OFF | SKIP | NO-EVICT ON | OFF",
            Group = "connection", Since = "2.4.0", Subcommands = Names,
            Summary = "Says who the connection is, lists and ends others.",
            Differs = "LIST and KILL need the right `admin`, and know this node's clients only. Nothing is ever evicted. "
                + "TRACKING, CACHING, PAUSE, UNPAUSE, UNBLOCK and TRACKINGINFO are not there.",
            Run = call => Task.FromResult(Run(call)),
        },
    ];

    /// <summary>Why a connection can't have this name, or null.</summary>
    public static string? WhyNoName(ReadOnlySpan<byte> name) => IsPlain(name)
        ? null
        : "ERR Client names cannot contain spaces, newlines or special characters.";

    private static Answer Run(CommandCall call)
    {
        var session = call.Session;
        switch (Encoding.UTF8.GetString(call[1]).ToUpperInvariant())
        {
            case "ID" when call.Count == 2: return writer => writer.Integer(session.Id);
            case "GETREDIR" when call.Count == 2: return writer => writer.Integer(-1);
            case "INFO" when call.Count == 2: return writer => writer.Verbatim(session.Line() + "\n");
            case "GETNAME" when call.Count == 2:
                return writer => writer.Bulk(session.Name.Length == 0 ? null : Encoding.UTF8.GetBytes(session.Name));
            case "SETNAME" when call.Count == 3: return SetName(call);
            case "SETINFO" when call.Count == 4: return SetInfo(call);
            case "NO-EVICT" or "NO-TOUCH" when call.Count == 3:
                return call.Is(2, "ON") || call.Is(2, "OFF") ? writer => writer.Ok() : Fail(RespErrors.Syntax);
            case "REPLY" when call.Count == 3: return Reply(call);
            case "LIST": return AdminOnly(call, List);
            case "KILL" when call.Count > 2: return AdminOnly(call, Kill);
            case "HELP" when call.Count == 2: return Help;
            case var name when Names.Contains(name): return Fail(RespErrors.WrongArity($"client|{name.ToLowerInvariant()}"));
            default: return Fail(RespErrors.UnknownSubcommand("CLIENT", call[1]));
        }
    }

    private static Answer SetName(CommandCall call)
    {
        if (WhyNoName(call[2]) is { } wrong) return Fail(wrong);
        call.Session.Name = call.Text(2);
        return writer => writer.Ok();
    }

    private static Answer SetInfo(CommandCall call)
    {
        var isName = call.Is(2, "LIB-NAME");
        if (!isName && !call.Is(2, "LIB-VER")) return Fail($"ERR Unrecognized option '{RespErrors.Shown(call[2])}'");
        if (!IsPlain(call[3])) return Fail($"ERR {call.Text(2).ToLowerInvariant()} cannot contain spaces, newlines or special characters.");
        if (isName) call.Session.Library = call.Text(3);
        else call.Session.LibraryVersion = call.Text(3);
        return writer => writer.Ok();
    }

    private static Answer Reply(CommandCall call)
    {
        var session = call.Session;
        if (call.Is(2, "ON")) session.WantsReplies = true;
        else if (call.Is(2, "OFF")) session.WantsReplies = false;
        else if (!call.Is(2, "SKIP")) return Fail(RespErrors.Syntax);
        else if (session.WantsReplies) session.Skip = 2;   // this answer and the next
        return writer => writer.Ok();
    }

    private static Answer AdminOnly(CommandCall call, Func<CommandCall, Answer> run) =>
        call.Session.User is { IsAdmin: true } ? run(call) : Fail(CommandRules.NoPermission(call.Session.User!, "client|" + call.Text(1).ToLowerInvariant()));

    private static Answer List(CommandCall call)
    {
        var clients = call.Server.Clients;
        if (call.Count > 2)
        {
            if (call.Is(2, "TYPE") && call.Count == 4)
            {
                if (!call.Is(3, "normal")) clients = [];
            }
            else if (call.Is(2, "ID") && call.Count > 3)
            {
                var ids = new HashSet<long>();
                for (var i = 3; i < call.Count; i++)
                {
                    if (!call.TryInteger(i, out var id)) return Fail("ERR Invalid client ID");
                    ids.Add(id);
                }
                clients = clients.Where(c => ids.Contains(c.Session.Id));
            }
            else
            {
                return Fail(RespErrors.Syntax);
            }
        }
        var text = string.Concat(clients.Select(c => c.Session.Line() + "\n"));
        return writer => writer.Verbatim(text);
    }

    // KILL addr, or KILL with filters that all have to hold.
    private static Answer Kill(CommandCall call)
    {
        if (call.Count == 3)
        {
            var one = call.Server.Clients.FirstOrDefault(c => $"{c.Session.From}" == call.Text(2));
            if (one is null) return Fail("ERR No such client");
            End(call, one);
            return writer => writer.Ok();
        }
        if (call.Count % 2 != 0) return Fail(RespErrors.Syntax);
        var (filters, skipsMe) = (new List<Func<RespSession, bool>>(), true);
        for (var i = 2; i < call.Count; i += 2)
        {
            var text = call.Text(i + 1);
            switch (call.Text(i).ToUpperInvariant())
            {
                case "ID":
                    if (!call.TryInteger(i + 1, out var id) || id < 1) return Fail("ERR client-id should be greater than 0");
                    filters.Add(s => s.Id == id);
                    break;
                case "ADDR": filters.Add(s => Is(s.From, text)); break;
                case "LADDR": filters.Add(s => Is(s.At, text)); break;
                case "USER" when !call.Server.Users.Has(text): return Fail($"ERR No such user '{RespErrors.Shown(call[i + 1])}'");
                case "USER": filters.Add(s => s.User?.Name == text); break;
                case "TYPE": filters.Add(_ => text.Equals("normal", StringComparison.OrdinalIgnoreCase)); break;
                case "SKIPME" when call.Is(i + 1, "yes") || call.Is(i + 1, "no"): skipsMe = call.Is(i + 1, "yes"); break;
                default: return Fail(RespErrors.Syntax);
            }
        }
        var ended = call.Server.Clients.Where(c => (!skipsMe || c != call.Connection) && filters.TrueForAll(f => f(c.Session))).ToList();
        foreach (var client in ended) End(call, client);
        return writer => writer.Integer(ended.Count);
    }

    private static void End(CommandCall call, RespConnection client)
    {
        if (client == call.Connection) client.Close();
        else client.Abort("CLIENT KILL");
    }

    private static bool Is(EndPoint? address, string text) => string.Create(CultureInfo.InvariantCulture, $"{address}") == text;

    private static void Help(RespWriter writer)
    {
        writer.Array(Names.Length);
        foreach (var name in Names) writer.Simple("CLIENT " + name);
    }

    private static bool IsPlain(ReadOnlySpan<byte> text) => text.IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0;

    private static Answer Fail(string error) => writer => writer.Error(error);
}
