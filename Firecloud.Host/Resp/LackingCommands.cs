namespace Firecloud.Host.Resp;

/// <summary>Commands that are to be served and whose operation this version lacks: they check their arity and say so.</summary>
internal static class LackingCommands
{
    private const string Changes = "operations that compute the new value from the old one at its owner";
    private const CommandFlags Write = CommandFlags.Write | CommandFlags.Fast;
    private const CommandFlags Read = CommandFlags.ReadOnly | CommandFlags.Fast;

    public static readonly CommandSpec[] All =
    [
        Row("APPEND", 3, Write, "string", "2.0.0", "key value", "Adds to the end of the value.", Changes),
        Row("SETRANGE", 4, Write, "string", "2.2.0", "key offset value", "Overwrites part of the value.", Changes),
        Row("INCRBYFLOAT", 3, Write, "string", "2.6.0", "key number", "Adds a number with a fraction.", Changes),
        Row("SETEX", 4, Write, "string", "2.0.0", "key seconds value", "SET with EX.", StringCommands.LacksExpiry),
        Row("PSETEX", 4, Write, "string", "2.6.0", "key milliseconds value", "SET with PX.", StringCommands.LacksExpiry),
        Expiry("TTL", 2, Read, "1.0.0", "key", "Seconds until the value expires."),
        Expiry("PTTL", 2, Read, "2.6.0", "key", "Milliseconds until the value expires."),
        Expiry("EXPIRETIME", 2, Read, "7.0.0", "key", "When the value expires, seconds since 1970."),
        Expiry("PEXPIRETIME", 2, Read, "7.0.0", "key", "When the value expires, milliseconds since 1970."),
        Expiry("EXPIRE", -3, Write, "1.0.0", "key seconds [NX | XX | GT | LT]", "Lets the value expire."),
        Expiry("PEXPIRE", -3, Write, "2.6.0", "key milliseconds [NX | XX | GT | LT]", "Lets the value expire."),
        Expiry("EXPIREAT", -3, Write, "1.2.0", "key seconds [NX | XX | GT | LT]", "Lets the value expire at a time."),
        Expiry("PEXPIREAT", -3, Write, "2.6.0", "key milliseconds [NX | XX | GT | LT]", "Lets the value expire at a time."),
        Expiry("PERSIST", 2, Write, "2.2.0", "key", "Lets the value stay."),
        Lock("FIRECLOUD.LOCK", 3, "key milliseconds", "Takes a lock with a time limit and a fencing token."),
        Lock("FIRECLOUD.RENEW", 4, "key token milliseconds", "Keeps a lock."),
        Lock("FIRECLOUD.UNLOCK", 3, "key token", "Gives a lock back."),
    ];

    private static CommandSpec Expiry(string name, int arity, CommandFlags flags, string since, string syntax, string summary) =>
        Row(name, arity, flags, "generic", since, syntax, summary, StringCommands.LacksExpiry);

    private static CommandSpec Lock(string name, int arity, string syntax, string summary) =>
        Row(name, arity, Write, "firecloud", RespInfo.Version, syntax, summary, StringCommands.LacksExpiry);

    private static CommandSpec Row(
        string name, int arity, CommandFlags flags, string group, string since, string syntax, string summary, string lacks) => new(name, arity, flags)
        {
            Syntax = syntax, Group = group, Since = since, Keys = KeyPositions.One, Summary = summary, Lacks = "all of it (" + lacks + ")",
            Plan = _ => writer => writer.Error(RespErrors.Lacking(name, lacks)),
        };
}
