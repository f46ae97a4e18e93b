// UdpSettings.cs - the transport's section of the configuration, checked. Every message names key, value and limit.
using System.Globalization;
using System.Net;
using Akka.Configuration;

namespace Firecloud.Actors.Transport;

internal sealed class UdpSettings
{
    public const string Section = "akka.remote.firecloud-udp";
    private readonly Config _config;

    /// <summary>Reads the section.</summary>
    /// <param name="config">The section itself, as Akka hands it to a transport.</param>
    /// <exception cref="ConfigurationException">A key is missing, malformed or out of its range.</exception>
    public UdpSettings(Config config)
    {
        _config = config;
        Hostname = Text("hostname");
        if (Hostname.Length is 0 or > 253) throw Bad("hostname", Hostname, "must be an IPv4 address or a host name");
        Port = (int)Whole("port", 0, 65_535);
        MaximumFrameSize = (int)Bytes("maximum-frame-size", 32 * 1024, 64 << 20);
        MaxDatagram = (int)Bytes("max-datagram", 1_200, DatagramHeader.MaxDatagram);
        MaxDatagramLoopback = (int)Bytes("max-datagram-loopback", 1_200, DatagramHeader.MaxDatagram);
        SendWindow = Bytes("send-window", 16 * 1024, 1L << 30);
        InitialWindow = Bytes("initial-window", 2_400, SendWindow);
        ReceiveWindow = (int)Bytes("receive-window", 64 * 1024, 64 << 20);
        QueueCap = Bytes("queue-cap", MaximumFrameSize, 4L << 30);
        MaxAssociations = (int)Whole("max-associations", 2, 10_000);
        MaxPeers = (int)Whole("max-peers", 1, 1_000_000);
        AckDelay = Time("ack-delay", 0, 100);
        MinProbe = Time("min-probe-timeout", 1, 10_000);
        MaxProbe = Time("max-probe-timeout", MinProbe / 1_000, 10_000);
        InitialProbe = Time("initial-probe-timeout", 1, 10_000);
        Keepalive = Time("keepalive-interval", 5, 60_000);
        UnreachableAfter = Time("unreachable-after", 3 * Keepalive / 1_000, 600_000);
        SuspectAfter = Time("suspect-after", Keepalive / 1_000, UnreachableAfter / 1_000);
        ConnectTimeout = Time("connect-timeout", 10, 1_000);
        Linger = Time("linger", 0, 600_000);
        UnclaimedAfter = Time("unclaimed-after", 100, 3_600_000);
        IdleReap = Time("idle-session-reap", 100, 30L * 86_400_000);
        ShutdownFlush = Time("shutdown-flush", 0, 10_000);
        ReceiveBuffer = (int)Bytes("receive-buffer", 64 * 1024, 1 << 30);
        SendBuffer = (int)Bytes("send-buffer", 64 * 1024, 1 << 30);
        DatagramsPerCall = (int)Whole("datagrams-per-call", 1, SendBatch.Most);
        FaultSeed = (int)Whole("fault-seed", 0, int.MaxValue);
        Members = [.. config.GetStringList("members").Select(CheckedPeer)];
        if (Members.Count > ProbePayload.MaxMembers) throw Bad("members", $"{Members.Count} entries", $"at most {ProbePayload.MaxMembers}");
        foreach (var twice in Members.GroupBy(m => m).Where(g => g.Count() > 1)) throw Bad("members", twice.Key, "each once");
        var interval = Time("probe-interval", 10, 1_000);
        Routes = new RouteSettings(interval, Time("hearing-window", 3 * interval / 1_000, 10_000), Time("hold-down", 100, 60_000));
        RelayRate = Bytes("relay-rate", 0, 16L << 30);
        AllowInsecure = OnOff("allow-insecure");
        SystemMessages = OnOff("system-messages");
        Ring = Secrets.Read(config);
        Clients = new ClientRights(config.GetStringList("client-paths"), config.GetIntList("client-serializers"));
        if (IPAddress.TryParse(Hostname, out var bound)) RequireSecretBeyond(bound);
    }

    /// <summary>Refuses to listen to other machines without a secret.</summary>
    /// <param name="bound">What <see cref="Hostname"/> stands for.</param>
    /// <exception cref="ConfigurationException">It is no loopback address, there is no secret, and that is not allowed.</exception>
    public void RequireSecretBeyond(IPAddress bound)
    {
        if (Ring is not null || AllowInsecure || IPAddress.IsLoopback(bound)) return;
        throw new ConfigurationException($"{Section}.hostname = {Hostname}: without a secret only this machine itself (127.0.0.1) may be "
            + $"served, as everybody who reaches the port could read and write everything. Set {Section}.secrets = [\"file:PATH\"] "
            + "to the same on all nodes (make one: openssl rand -base64 32), or write allow-insecure = on there if the network "
            + "itself keeps strangers away. Details: docs/operations.md, Secrets.");
    }

    public string Hostname { get; }
    public int Port { get; }
    public int MaximumFrameSize { get; }
    public int MaxDatagram { get; }
    public int MaxDatagramLoopback { get; }
    public long SendWindow { get; }
    public long InitialWindow { get; }
    public int ReceiveWindow { get; }
    public long QueueCap { get; }
    public int MaxAssociations { get; }
    public int MaxPeers { get; }
    public int ReceiveBuffer { get; }
    public int SendBuffer { get; }
    public int DatagramsPerCall { get; }
    public int FaultSeed { get; }

    /// <summary>"host:port" in lower case, by number.</summary>
    public IReadOnlyList<string> Members { get; }

    /// <summary>Times of probes and routes.</summary>
    public RouteSettings Routes { get; }

    /// <summary>Bytes per second that are relayed for others.</summary>
    public long RelayRate { get; }

    /// <summary>Null without a secret.</summary>
    public KeyRing? Ring { get; }

    /// <summary>Listen to other machines without a secret; with one, take their text datagrams.</summary>
    public bool AllowInsecure { get; }

    /// <summary>Whether Akka's system messages may come in.</summary>
    public bool SystemMessages { get; }

    /// <summary>What peers reach that proved only the clients' secret.</summary>
    public ClientRights Clients { get; }

    // Times, microseconds.
    public long AckDelay { get; }
    public long InitialProbe { get; }
    public long MinProbe { get; }
    public long MaxProbe { get; }
    public long Keepalive { get; }
    public long UnreachableAfter { get; }
    public long SuspectAfter { get; }
    public long ConnectTimeout { get; }
    public long Linger { get; }
    public long UnclaimedAfter { get; }
    public long IdleReap { get; }
    public long ShutdownFlush { get; }

    /// <summary>Room for the bytes that Akka's protocol adds after it has checked a payload against its maximum.</summary>
    public const int FrameSlack = 64;

    /// <summary>What sessions with a peer use.</summary>
    /// <param name="peer">Where it listens.</param>
    /// <param name="kept">Whether it is one of <see cref="Members"/>.</param>
    /// <param name="mayProbe">Whether the socket never fragments; else the loss of a probe would say nothing.</param>
    public SessionSettings ForPeer(IPAddress peer, bool kept, bool mayProbe) => new()
    {
        Datagram = IPAddress.IsLoopback(peer) ? MaxDatagramLoopback : mayProbe ? MaxDatagram : PathMtu.Base,
        InitialWindow = InitialWindow,
        SendWindow = SendWindow,
        ReceiveWindow = ReceiveWindow,
        QueueCap = QueueCap,
        MaxMessage = MaximumFrameSize + FrameSlack,
        MaxAssociations = MaxAssociations,
        AckDelay = AckDelay,
        InitialProbe = InitialProbe,
        MinProbe = MinProbe,
        MaxProbe = MaxProbe,
        Keepalive = Keepalive,
        UnreachableAfter = UnreachableAfter,
        SuspectAfter = SuspectAfter,
        Linger = Linger,
        Kept = kept,
    };

    /// <summary>Splits "host:port".</summary>
    /// <returns>False when it is none.</returns>
    public static bool TryParsePeer(string text, out string host, out int port)
    {
        var colon = text.LastIndexOf(':');
        (host, port) = (colon > 0 ? text[..colon].ToLowerInvariant() : "", 0);
        return colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is > 0 and <= 65_535;
    }

    private string CheckedPeer(string text) =>
        TryParsePeer(text, out var host, out var port) ? $"{host}:{port}" : throw Bad("members", text, "each must be host:port");

    private string Text(string key) =>
        _config.GetString(key, null) ?? throw Bad(key, "nothing", "must be set; UdpTransport.DefaultConfig() has the defaults");

    private bool OnOff(string key) => Text(key) switch
    {
        "on" or "true" => true,
        "off" or "false" => false,
        var text => throw Bad(key, text, "must be on or off"),
    };

    private long Whole(string key, long min, long max)
    {
        var text = Text(key);
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            throw Bad(key, text, "must be a whole number");
        }
        return value >= min && value <= max ? value : throw Bad(key, text, $"must be {min} to {max}");
    }

    private long Bytes(string key, long min, long max)
    {
        var text = Text(key);
        long? value;
        try
        {
            value = _config.GetByteSize(key, null);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            value = null;
        }
        return value >= min && value <= max ? value.Value : throw Bad(key, text, $"must be {min} to {max} bytes");
    }

    // Milliseconds in, microseconds out.
    private long Time(string key, long minMs, long maxMs)
    {
        var text = Text(key);
        TimeSpan value;
        try
        {
            value = _config.GetTimeSpan(key, null, allowInfinite: false);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw Bad(key, text, "must be a duration, for example 100 ms");
        }
        var inRange = value >= TimeSpan.FromMilliseconds(minMs) && value <= TimeSpan.FromMilliseconds(maxMs);
        return inRange ? (long)value.TotalMicroseconds : throw Bad(key, text, $"must be {minMs} ms to {maxMs} ms");
    }

    private static ConfigurationException Bad(string key, string value, string limit) =>
        new($"{Section}.{key} = {value}: {limit}.");
}
