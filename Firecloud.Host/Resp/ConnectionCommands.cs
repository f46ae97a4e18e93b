namespace Firecloud.Host.Resp;

/// <summary>Commands about the connection itself.</summary>
internal static class ConnectionCommands
{
    private const CommandFlags Open = CommandFlags.NoAuth | CommandFlags.Fast;
    private const string Group = "connection";

    public static readonly CommandSpec[] All =
    [
        new("HELLO", -1, Open)
        {
            Syntax = "[2 | 3 [AUTH user password] [SETNAME name]]", Group = Group, Since = "6.0.0",
            Summary = "Chooses the protocol's version; logs in; names the connection.", Run = HelloAsync,
        },
        new("AUTH", -2, Open)
        {
            Syntax = "[user] password", Group = Group, Summary = "Logs in. Without a name the user is `default`.", Run = AuthAsync,
        },
        new("PING", -1, CommandFlags.Fast)
        {
            Syntax = "[message]", Group = Group, Summary = "Answers PONG, or the message. Says nothing of the cluster.", Plan = Ping,
        },
        new("ECHO", 2, CommandFlags.Fast)
        {
            Syntax = "message", Group = Group, Summary = "Answers the message.", Plan = call => writer => writer.Bulk(call[1].AsSpan()),
        },
        new("QUIT", -1, Open) { Group = Group, Summary = "Ends the connection.", Run = Quit },
        new("RESET", 1, Open)
        {
            Group = Group, Since = "6.2.0", Summary = "Makes the connection as it was when it began: RESP2, no name, logged out.", Run = Reset,
        },
        new("SELECT", 2, CommandFlags.Fast)
        {
            Syntax = "0", Group = Group, Summary = "There is one database, 0.", Differs = "Redis has 16 databases; Firecloud has one.", Plan = Select,
        },
    ];

    private static async Task<Answer> HelloAsync(CommandCall call)
    {
        var (session, version) = (call.Session, (long)call.Session.Protocol);
        if (call.Count > 1 && !call.TryInteger(1, out version)) return Fail("ERR Protocol version is not an integer or out of range");
        if (version is < 2 or > 3) return Fail("NOPROTO unsupported protocol version");
        var (name, user) = (default(string), session.User);
        for (var i = 2; i < call.Count; i++)
        {
            if (call.Is(i, "AUTH") && i + 2 < call.Count)
            {
                user = await LogInAsync(call, call.Text(i + 1), call[i + 2]);
                if (user is null) return Fail(RespErrors.WrongPassword);
                i += 2;
            }
            else if (call.Is(i, "SETNAME") && i + 1 < call.Count)
            {
                if (ClientCommand.WhyNoName(call[i + 1]) is { } wrong) return Fail(wrong);
                name = call.Text(++i);
            }
            else
            {
                return Fail($"ERR Syntax error in HELLO option '{RespErrors.Shown(call[i])}'");
            }
        }
        if (user is null)
        {
            return Fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
                + "option can be used to authenticate the client and select the RESP protocol version at the same time");
        }
        (session.User, session.Protocol, session.Name) = (user, (int)version, name ?? session.Name);
        return writer => WriteHello(writer, session);
    }

    private static void WriteHello(RespWriter writer, RespSession session)
    {
        writer.Protocol = session.Protocol;
        writer.Map(7);
        writer.Bulk("server");
        writer.Bulk("redis");
        writer.Bulk("version");
        writer.Bulk(ServerCommands.RedisVersion);
        writer.Bulk("proto");
        writer.Integer(session.Protocol);
        writer.Bulk("id");
        writer.Integer(session.Id);
        writer.Bulk("mode");
        writer.Bulk("standalone");
        writer.Bulk("role");
        writer.Bulk("master");
        writer.Bulk("modules");
        writer.Array(0);
    }

    private static async Task<Answer> AuthAsync(CommandCall call)
    {
        if (call.Count > 3) return Fail(RespErrors.Syntax);
        if (!call.Server.Users.Any && call.Count == 2)
        {
            return Fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?");
        }
        var user = await LogInAsync(call, call.Count == 3 ? call.Text(1) : "default", call[^1]);
        if (user is null) return Fail(RespErrors.WrongPassword);
        call.Session.User = user;
        return writer => writer.Ok();
    }

    private static async Task<RespUser?> LogInAsync(CommandCall call, string name, byte[] password)
    {
        // As at Redis: without passwords the default user takes any.
        if (!call.Server.Users.Any) return name == "default" ? RespUser.Everybody : null;
        var user = await call.Server.Users.LogInAsync(name, password);
        call.Server.Audit.NoteLogin(call.Session, name, user is not null);
        return user;
    }

    private static Answer Ping(CommandCall call)
    {
        if (call.Count > 2) return writer => writer.Error(RespErrors.WrongArity("ping"));
        if (call.Count == 2) return writer => writer.Bulk(call[1].AsSpan());
        return writer => writer.Simple("PONG");
    }

    private static Task<Answer> Quit(CommandCall call)
    {
        call.Connection.Close();
        return Task.FromResult<Answer>(writer => writer.Ok());
    }

    private static Task<Answer> Reset(CommandCall call)
    {
        var session = call.Session;
        (session.Protocol, session.Name, session.WantsReplies, session.Skip) = (2, "", true, 0);
        session.User = call.Server.Users.Any ? null : RespUser.Everybody;
        return Task.FromResult<Answer>(writer => writer.Simple("RESET"));
    }

    private static Answer Select(CommandCall call)
    {
        if (!call.TryInteger(1, out var database)) return writer => writer.Error(RespErrors.NotAnInteger);
        if (database != 0) return writer => writer.Error("ERR DB index is out of range");
        return writer => writer.Ok();
    }

    internal static Answer Fail(string error) => writer => writer.Error(error);

}
