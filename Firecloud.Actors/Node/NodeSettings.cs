using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Akka.Configuration;
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Node;

/// <summary>What the caller may send: lengths in bytes.</summary>
/// <param name="Key">Longest key.</param>
/// <param name="Value">Longest value.</param>
public sealed record SizeLimits(int Key, int Value)
{
    /// <summary>Why a client's request is refused, or null.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value's length; 0 where there is none.</param>
    public string? Violation(Key key, int value) => ReservedKeys.Contains(key)
        ? "Keys that begin with a zero byte, 'firecloud' and a zero byte are Firecloud's own; choose another."
        : Violation(key.Length, value);

    /// <summary>Why a request is refused for its size, or null.</summary>
    /// <param name="key">The key's length.</param>
    /// <param name="value">The value's length; 0 where there is none.</param>
    public string? Violation(int key, int value) =>
        key == 0 ? "The key is empty; a key has at least one byte."
        : key > Key ? $"The key has {key} bytes; at most {Key} are allowed (firecloud.limits.key)."
        : value > Value ? $"The value has {value} bytes; at most {Value} are allowed (firecloud.limits.value). Split it, or raise the limit on every node."
        : null;
}

/// <summary>One node's settings, read and checked once at start.</summary>
public sealed class NodeSettings
{
    private NodeSettings(ConfigReader reader)
    {
        Configuration = ReadConfiguration(reader);
        var members = Configuration.Members.Count;
        Self = reader.Int("node", -1, Votes.MaxMembers - 1);
        if (Self < 0) throw reader.Wrong("node", "-1", $"not set; say which member this node is, 0 to {members - 1}.");
        if (Self >= members) throw reader.Wrong("node", $"{Self}", $"there are {members} members; 0 to {members - 1} are allowed.");
        Storage = new StorageSettings(reader.Section("storage"), Self, Address);
        Limits = new SizeLimits(reader.Bytes("limits.key", 1, 65536), reader.Bytes("limits.value", 1, 8 << 20));
        RequestTimeoutMs = reader.Milliseconds("request-timeout", 10, 600_000);
        Gateway = ReadGatewayLimits(reader);
        Proposer = new ProposerLimits(
            reader.Int("coordinator.max-rounds", 16, 10_000_000),
            reader.Int("coordinator.max-cached-keys", 16, 100_000_000),
            reader.Int("coordinator.max-lingering", 0, 10_000_000),
            reader.Milliseconds("coordinator.resend-after", 20, 60_000),
            reader.Milliseconds("coordinator.read-patience", 1, 10_000),
            reader.Milliseconds("coordinator.blind-after", 0, 60_000),
            reader.Milliseconds("coordinator.drop-after", 0, 600_000))
        {
            MaxValue = Limits.Value,
            MaxBatches = reader.Int("coordinator.max-batches", 1, 1000),
        };
        TickMs = reader.Milliseconds("coordinator.tick-interval", 5, 1000);
        AnnounceMs = reader.Milliseconds("coordinator.announce-interval", 10, 60_000);
        MaxGateways = reader.Int("coordinator.max-gateways", 16, 10_000_000);
        FrameSize = reader.Bytes("frame-size", 1024, 1 << 20);
        CompareMs = reader.Milliseconds("compare-interval", 20, 3_600_000);
        HelloMs = reader.Milliseconds("hello-interval", 20, 60_000);
        Kv739 = reader.OnOff("kv739");
        Kv739MaxIds = reader.Int("kv739-max-ids", 16, 10_000_000);
        JoinsCluster = reader.OnOff("cluster");
        Resp = new RespSettings(reader.Section("resp"));
    }

    /// <summary>Members, votes, shards.</summary>
    public Configuration Configuration { get; }

    /// <summary>Which member this node is.</summary>
    public int Self { get; }

    /// <summary>Where records are kept.</summary>
    public StorageSettings Storage { get; }

    /// <summary>Longest key and value.</summary>
    public SizeLimits Limits { get; }

    /// <summary>Time for a request whose caller names none, in milliseconds.</summary>
    public int RequestTimeoutMs { get; }

    /// <summary>Bounds of the gateway.</summary>
    public GatewayLimits Gateway { get; }

    /// <summary>Bounds of the coordinator.</summary>
    public ProposerLimits Proposer { get; }

    /// <summary>Milliseconds between two looks at time-outs.</summary>
    public int TickMs { get; }

    /// <summary>Milliseconds between two announcements.</summary>
    public int AnnounceMs { get; }

    /// <summary>Gateways whose order is remembered.</summary>
    public int MaxGateways { get; }

    /// <summary>About how many bytes are packed into one frame.</summary>
    public int FrameSize { get; }

    /// <summary>Milliseconds between two comparisons with another replica that found nothing.</summary>
    public int CompareMs { get; }

    /// <summary>Milliseconds between two greetings.</summary>
    public int HelloMs { get; }

    /// <summary>Answer kv739 datagrams.</summary>
    public bool Kv739 { get; }

    /// <summary>kv739 ids remembered.</summary>
    public int Kv739MaxIds { get; }

    /// <summary>Join Akka.Cluster.</summary>
    public bool JoinsCluster { get; }

    /// <summary>The Redis protocol.</summary>
    public RespSettings Resp { get; }

    /// <summary>The address of this node's own UDP socket.</summary>
    public Member Address => Configuration.Members[Self];

    /// <summary>Every default, as in reference.conf.</summary>
    public static Config Reference { get; } = ConfigurationFactory.FromResource<NodeSettings>("Firecloud.Actors.reference.conf");

    /// <summary>Reads and checks the section <c>firecloud</c>.</summary>
    /// <param name="config">A user's configuration; the defaults are added here.</param>
    /// <exception cref="ConfigurationException">A value can't work; the message names key, value, limit and remedy.</exception>
    public static NodeSettings From(Config config)
    {
        UnknownKeys.Refuse(config, Reference, "firecloud");
        return new NodeSettings(new ConfigReader(config.WithFallback(Reference).GetConfig("firecloud"), "firecloud"));
    }

    /// <summary>Equal on nodes that fit together: members, votes, shards.</summary>
    public ulong Fingerprint()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Configuration.Shards}");
        for (var i = 0; i < Configuration.Members.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $" {Configuration.Members[i]}={Configuration.Votes[i]}");
        }
        return XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>Reads host:port.</summary>
    /// <param name="text">For example 127.0.0.1:8808.</param>
    /// <param name="member">The address.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? TryReadAddress(string text, out Member member)
    {
        member = new Member("", 0);
        var colon = text.LastIndexOf(':');
        if (colon <= 0) return $"'{text}' is not an address; write host:port.";
        var isPort = int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port);
        if (!isPort || port is < 1 or > 65535) return $"'{text}' has no port from 1 to 65535 after the colon.";
        member = new Member(text[..colon].ToLowerInvariant(), port);
        return null;
    }

    /// <summary>The defaults of a gateway, for clients.</summary>
    public static GatewayLimits DefaultGatewayLimits { get; } =
        ReadGatewayLimits(new ConfigReader(Reference.GetConfig("firecloud"), "firecloud"));

    private static GatewayLimits ReadGatewayLimits(ConfigReader reader) => new(
        reader.Int("gateway.max-pending", 1, 1_000_000),
        reader.Milliseconds("gateway.attempt-timeout", 20, 60_000),
        reader.Milliseconds("gateway.backoff", 1, 10_000),
        reader.Milliseconds("gateway.quorum-grace", 0, 10_000))
    {
        MaxBatches = reader.Int("gateway.max-batches", 1, 1000),
    };

    private static Configuration ReadConfiguration(ConfigReader reader)
    {
        var members = new List<Member>();
        foreach (var text in reader.Texts("members"))
        {
            if (TryReadAddress(text, out var member) is { } wrong) throw reader.Wrong("members", $"\"{text}\"", wrong);
            if (members.Contains(member)) throw reader.Wrong("members", $"\"{text}\"", $"Two members have the address {member}; every member needs its own.");
            members.Add(member);
        }
        if (members.Count == 0) throw reader.Wrong("members", "[]", "not set; list every member as host:port, in the same order on all nodes.");
        var shards = reader.Int("shards", 1, 65536);
        var votes = reader.Ints("votes");
        try
        {
            return new Configuration(members, new Votes(votes), shards);
        }
        catch (ArgumentException e)
        {
            throw reader.Wrong("votes", $"[{string.Join(", ", votes)}]", e.Message);
        }
    }
}
