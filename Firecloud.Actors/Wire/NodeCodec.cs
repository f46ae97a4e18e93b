using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Node and node, client and node: hello, welcome, configuration.</summary>
internal static class NodeCodec
{
    public static void Write(WireWriter writer, Hello hello)
    {
        writer.Byte((byte)hello.From);
        writer.Fixed64(hello.Memory);
        writer.Fixed64(hello.Fingerprint);
    }

    public static Hello ReadHello(ref WireReader reader) => new(reader.Member(), reader.Fixed64(), reader.Fixed64());

    public static void Write(WireWriter writer, Welcome welcome)
    {
        writer.Byte((byte)welcome.From);
        writer.Fixed64(welcome.Memory);
        writer.Fixed64(welcome.HelloMemory);
        writer.Fixed64(welcome.Fingerprint);
        writer.Fixed64(welcome.ClusterId);
        writer.Byte((byte)((welcome.Votes ? 1 : 0) | (welcome.Full ? 2 : 0)));
        writer.Varint((ulong)welcome.Founders.Count);
        foreach (var memory in welcome.Founders) writer.Fixed64(memory);
    }

    public static Welcome ReadWelcome(ref WireReader reader)
    {
        var from = reader.Member();
        var (memory, helloMemory, fingerprint, clusterId) = (reader.Fixed64(), reader.Fixed64(), reader.Fixed64(), reader.Fixed64());
        var flags = reader.Byte();
        var founders = new ulong[reader.Count(8)];
        for (var i = 0; i < founders.Length; i++) founders[i] = reader.Fixed64();
        return new Welcome(from, memory, helloMemory, fingerprint, clusterId, founders, (flags & 1) != 0, (flags & 2) != 0);
    }

    public static void Write(WireWriter writer, ConfigurationReply reply)
    {
        writer.Byte((byte)reply.From);
        writer.Varint(reply.Epoch);
        writer.Varint((ulong)reply.Shards);
        writer.Varint((ulong)reply.MaxKey);
        writer.Varint((ulong)reply.MaxValue);
        writer.Byte(reply.Ready ? (byte)1 : (byte)0);
        writer.Varint((ulong)reply.Members.Count);
        for (var i = 0; i < reply.Members.Count; i++)
        {
            writer.Text(reply.Members[i]);
            writer.Varint((ulong)reply.Votes[i]);
        }
    }

    public static ConfigurationReply ReadConfiguration(ref WireReader reader)
    {
        var (from, epoch) = (reader.Byte(), reader.Epoch());
        var (shards, maxKey, maxValue) = (reader.Number(), reader.Number(), reader.Number());
        var ready = reader.Byte() == 1;
        var members = new string[reader.Count(2)];
        var votes = new int[members.Length];
        for (var i = 0; i < members.Length; i++)
        {
            members[i] = reader.Text();
            votes[i] = reader.Number();
        }
        return new ConfigurationReply(from, epoch, shards, members, votes, maxKey, maxValue, ready);
    }

    public static void Write(WireWriter writer, AdminRequest request) => writer.Byte((byte)request.Order);

    public static AdminRequest ReadAdminRequest(ref WireReader reader) =>
        new((AdminOrder)reader.Kind((byte)AdminOrder.Bootstrap));

    public static void Write(WireWriter writer, AdminReply reply)
    {
        writer.Byte(reply.Done ? (byte)1 : (byte)0);
        writer.Text(reply.Message);
    }

    public static AdminReply ReadAdminReply(ref WireReader reader) => new(reader.Byte() == 1, reader.Text());
}
