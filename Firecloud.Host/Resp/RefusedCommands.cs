namespace Firecloud.Host.Resp;

/// <summary>Commands of Redis that Firecloud does not have, by family, each with what to use instead. They are not in COMMAND's answers.</summary>
internal static class RefusedCommands
{
    /// <summary>Their group.</summary>
    public const string Group = "refused";

    /// <summary>The families.</summary>
    public static IReadOnlyList<(string Family, string Instead, string[] Names)> Families { get; } =
    [
        ("Transactions", "Firecloud changes one key at a time: keep what has to change together in one value, and change it with FIRECLOUD.GET and FIRECLOUD.CAS.",
            ["MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"]),
        ("Scripts and functions", "No code runs in the server: change a value with FIRECLOUD.GET and FIRECLOUD.CAS, in a loop.",
            ["EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "SCRIPT", "FCALL", "FCALL_RO", "FUNCTION"]),
        ("Publish and subscribe", "Firecloud passes no messages on: use a message broker, or ask for the key's version with FIRECLOUD.GET.",
            ["SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "PUBLISH", "PUBSUB", "SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH", "MONITOR"]),
        ("Lists", "Values are strings: keep the list as one value and change it with FIRECLOUD.GET and FIRECLOUD.CAS.",
            ["LPUSH", "LPUSHX", "RPUSH", "RPUSHX", "LPOP", "RPOP", "LLEN", "LINDEX", "LINSERT", "LRANGE", "LREM", "LSET", "LTRIM", "LPOS", "LMOVE",
             "LMPOP", "BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "RPOPLPUSH", "BRPOPLPUSH"]),
        ("Hashes", "Values are strings: keep each field under a key of its own, such as user:1:name, or the whole as JSON.",
            ["HSET", "HSETNX", "HMSET", "HGET", "HMGET", "HGETALL", "HDEL", "HEXISTS", "HINCRBY", "HINCRBYFLOAT", "HKEYS", "HVALS", "HLEN", "HSTRLEN",
             "HSCAN", "HRANDFIELD"]),
        ("Sets", "Values are strings: keep each member under a key of its own, such as tag:red:17, and use EXISTS and SCAN.",
            ["SADD", "SREM", "SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SPOP", "SRANDMEMBER", "SMOVE", "SDIFF", "SDIFFSTORE", "SINTER",
             "SINTERCARD", "SINTERSTORE", "SUNION", "SUNIONSTORE", "SSCAN"]),
        ("Sorted sets", "Values are strings and keys have no order: keep the whole as one value, or sort in the client.",
            ["ZADD", "ZREM", "ZSCORE", "ZMSCORE", "ZCARD", "ZCOUNT", "ZINCRBY", "ZRANGE", "ZRANGEBYSCORE", "ZRANGEBYLEX", "ZREVRANGE",
             "ZREVRANGEBYSCORE", "ZREVRANGEBYLEX", "ZRANGESTORE", "ZRANK", "ZREVRANK", "ZPOPMIN", "ZPOPMAX", "BZPOPMIN", "BZPOPMAX", "ZMPOP", "BZMPOP",
             "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREMRANGEBYLEX", "ZLEXCOUNT", "ZDIFF", "ZDIFFSTORE", "ZINTER", "ZINTERCARD", "ZINTERSTORE", "ZUNION",
             "ZUNIONSTORE", "ZRANDMEMBER", "ZSCAN"]),
        ("Streams", "Firecloud keeps no streams: use a message broker.",
            ["XADD", "XREAD", "XREADGROUP", "XRANGE", "XREVRANGE", "XLEN", "XDEL", "XTRIM", "XACK", "XCLAIM", "XAUTOCLAIM", "XGROUP", "XINFO", "XPENDING", "XSETID"]),
        ("Bits, places and counts", "Values are bytes without structure: read the value, change it, and write it with FIRECLOUD.CAS.",
            ["SETBIT", "GETBIT", "BITCOUNT", "BITPOS", "BITOP", "BITFIELD", "BITFIELD_RO", "PFADD", "PFCOUNT", "PFMERGE", "GEOADD", "GEOPOS", "GEODIST",
             "GEOHASH", "GEOSEARCH", "GEOSEARCHSTORE", "GEORADIUS", "GEORADIUSBYMEMBER"]),
        ("Several keys at one moment", "Firecloud changes one key at a time. Instead of MSETNX: SETNX for each key. Instead of RENAME: COPY, then DEL. Instead of LCS and SORT: in the client.",
            ["MSETNX", "RENAME", "RENAMENX", "LCS", "SORT", "SORT_RO", "MOVE", "SWAPDB"]),
        ("Copies and persistence", "Every write is on a quorum of disks before it is answered; copies are Firecloud's own. For backups: firecloud backup.",
            ["SAVE", "BGSAVE", "BGREWRITEAOF", "LASTSAVE", "REPLICAOF", "SLAVEOF", "FAILOVER", "ROLE", "PSYNC", "SYNC", "REPLCONF", "WAIT", "WAITAOF", "DUMP", "RESTORE", "MIGRATE"]),
        ("Other administration", "See FIRECLOUD.STATUS, FIRECLOUD.NODES, INFO, and docs/operations.md.",
            ["ACL", "CLUSTER", "SENTINEL", "READONLY", "READWRITE", "ASKING", "SHUTDOWN", "DEBUG", "SLOWLOG", "LATENCY", "MODULE", "OBJECT"]),
    ];

    public static readonly CommandSpec[] All =
        [.. Families.SelectMany(family => family.Names.Select(name => Row(name, family.Instead)))];

    private static CommandSpec Row(string name, string instead) => new(name, -1, CommandFlags.None)
    {
        Group = Group,
        Summary = instead,
        Plan = call => writer => writer.Error($"ERR {name} is not a command of Firecloud. {instead}"),
    };
}
