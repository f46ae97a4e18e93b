// Codec.cs - messages to bytes and back: one codec for everything between nodes and clients. Layouts: docs/wire-format.md,
// which changes with every file of this folder. Append only: kinds and flags are added, never reused; golden-bytes tests.
//
// A frame is: format (1 byte), kind (1 byte), cluster id (8 bytes, 0 for none), body. Decoding checks every length, member,
// shard and kind, and the end.
using System.Buffers.Binary;
using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Encodes and decodes messages.</summary>
/// <param name="members">Number of members; member indices are checked against it.</param>
/// <param name="shards">Number of shards; shard numbers are checked against it.</param>
public sealed class Codec(int members, int shards)
{
    /// <summary>The first byte of every frame.</summary>
    public const byte Format = 1;

    /// <summary>Encodes a message of <see cref="MessageKind"/>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cluster">The sender's cluster; 0 for clients and for nodes that belong to none.</param>
    /// <returns>The frame's bytes.</returns>
    public static byte[] Encode(object message, ulong cluster = 0) => WireWriter.Encode(
        (message, cluster),
        static (writer, frame) =>
        {
            writer.Byte(Format);
            Write(writer, frame.message, frame.cluster);
        });

    /// <summary>Decodes a frame.</summary>
    /// <param name="frame">The frame's bytes.</param>
    /// <returns>The message.</returns>
    /// <exception cref="WireFormatException">The bytes are not a message; the frame is to be dropped and counted.</exception>
    public object Decode(ReadOnlySpan<byte> frame)
    {
        var reader = new WireReader(frame, members, shards);
        var format = reader.Byte();
        if (format != Format) throw new WireFormatException($"Frame format {format}; this node knows {Format}.");
        var message = Read(ref reader);
        return reader.AtEnd ? message : throw new WireFormatException("The frame is longer than its message.");
    }

    /// <summary>The sender's cluster, without decoding the rest; 0 for none.</summary>
    /// <param name="frame">The frame's bytes.</param>
    public static ulong ClusterOf(ReadOnlySpan<byte> frame) =>
        frame.Length >= 10 ? BinaryPrimitives.ReadUInt64LittleEndian(frame[2..]) : 0;

    /// <summary>What a frame says it is, without decoding it; 0 for bytes that are none.</summary>
    /// <param name="frame">The frame's bytes.</param>
    public static MessageKind KindOf(ReadOnlySpan<byte> frame) =>
        frame.Length >= 10 && frame[0] == Format ? (MessageKind)frame[1] : 0;

    private static void Write(WireWriter writer, object message, ulong cluster)
    {
        switch (message)
        {
            case ReplicaRequest m: Kind(MessageKind.ReplicaRequest); ReplicaCodec.Write(writer, m); break;
            case ReplicaAnswer m: Kind(MessageKind.ReplicaAnswer); ReplicaCodec.Write(writer, m); break;
            case RequestBatch m: Kind(MessageKind.Requests); GatewayCodec.Write(writer, m); break;
            case ReplyBatch m: Kind(MessageKind.Replies); GatewayCodec.Write(writer, m); break;
            case AnnouncementBatch m: Kind(MessageKind.Announcements); GatewayCodec.Write(writer, m); break;
            case Hello m: Kind(MessageKind.Hello); NodeCodec.Write(writer, m); break;
            case Welcome m: Kind(MessageKind.Welcome); NodeCodec.Write(writer, m); break;
            case StatusRequest: Kind(MessageKind.StatusRequest); break;
            case StatusReply m: Kind(MessageKind.StatusReply); writer.Bytes(m.Json); break;
            case ConfigurationRequest: Kind(MessageKind.ConfigurationRequest); break;
            case ConfigurationReply m: Kind(MessageKind.ConfigurationReply); NodeCodec.Write(writer, m); break;
            case LifeQuestion m: Kind(MessageKind.LifeQuestion); RecoveryCodec.Write(writer, m); break;
            case LifeAnswer m: Kind(MessageKind.LifeAnswer); RecoveryCodec.Write(writer, m); break;
            case LifeAnnouncement m: Kind(MessageKind.LifeAnnouncement); RecoveryCodec.Write(writer, m); break;
            case LifeNoted m: Kind(MessageKind.LifeNoted); RecoveryCodec.Write(writer, m); break;
            case StateQuestion m: Kind(MessageKind.StateQuestion); RecoveryCodec.Write(writer, m); break;
            case StateChunk m: Kind(MessageKind.StateChunk); RecoveryCodec.Write(writer, m); break;
            case TreeQuestion m: Kind(MessageKind.TreeQuestion); CatchUpCodec.Write(writer, m); break;
            case TreeAnswer m: Kind(MessageKind.TreeAnswer); CatchUpCodec.Write(writer, m); break;
            case VersionsQuestion m: Kind(MessageKind.VersionsQuestion); CatchUpCodec.Write(writer, m); break;
            case VersionsAnswer m: Kind(MessageKind.VersionsAnswer); CatchUpCodec.Write(writer, m); break;
            case RecordsQuestion m: Kind(MessageKind.RecordsQuestion); CatchUpCodec.Write(writer, m); break;
            case RecordsAnswer m: Kind(MessageKind.RecordsAnswer); CatchUpCodec.Write(writer, m); break;
            case RefreshRequest { Expired.Count: > 0 } m: Kind(MessageKind.RefreshWithExpired); CatchUpCodec.WriteWithExpired(writer, m); break;
            case RefreshRequest m: Kind(MessageKind.RefreshRequest); CatchUpCodec.Write(writer, m); break;
            case AdminRequest m: Kind(MessageKind.AdminRequest); NodeCodec.Write(writer, m); break;
            case AdminReply m: Kind(MessageKind.AdminReply); NodeCodec.Write(writer, m); break;
            case ScanQuestion m: Kind(MessageKind.ScanQuestion); ScanCodec.Write(writer, m); break;
            case ScanAnswer m: Kind(MessageKind.ScanAnswer); ScanCodec.Write(writer, m); break;
            default: throw new InvariantViolationException($"{message.GetType().Name} has no encoding.");
        }

        void Kind(MessageKind kind)
        {
            writer.Byte((byte)kind);
            writer.Fixed64(cluster);
        }
    }

    private static object Read(ref WireReader reader)
    {
        var kind = (MessageKind)reader.Byte();
        reader.Fixed64();   // the cluster: see ClusterOf
        return kind switch
        {
            MessageKind.ReplicaRequest => ReplicaCodec.ReadRequest(ref reader),
            MessageKind.ReplicaAnswer => ReplicaCodec.ReadAnswer(ref reader),
            MessageKind.Requests => GatewayCodec.ReadRequests(ref reader),
            MessageKind.Replies => GatewayCodec.ReadReplies(ref reader),
            MessageKind.Announcements => GatewayCodec.ReadAnnouncements(ref reader),
            MessageKind.Hello => NodeCodec.ReadHello(ref reader),
            MessageKind.Welcome => NodeCodec.ReadWelcome(ref reader),
            MessageKind.StatusRequest => new StatusRequest(),
            MessageKind.StatusReply => new StatusReply(reader.Bytes()),
            MessageKind.ConfigurationRequest => new ConfigurationRequest(),
            MessageKind.ConfigurationReply => NodeCodec.ReadConfiguration(ref reader),
            MessageKind.LifeQuestion => RecoveryCodec.ReadLifeQuestion(ref reader),
            MessageKind.LifeAnswer => RecoveryCodec.ReadLifeAnswer(ref reader),
            MessageKind.LifeAnnouncement => RecoveryCodec.ReadLifeAnnouncement(ref reader),
            MessageKind.LifeNoted => RecoveryCodec.ReadLifeNoted(ref reader),
            MessageKind.StateQuestion => RecoveryCodec.ReadStateQuestion(ref reader),
            MessageKind.StateChunk => RecoveryCodec.ReadStateChunk(ref reader),
            MessageKind.TreeQuestion => CatchUpCodec.ReadTreeQuestion(ref reader),
            MessageKind.TreeAnswer => CatchUpCodec.ReadTreeAnswer(ref reader),
            MessageKind.VersionsQuestion => CatchUpCodec.ReadVersionsQuestion(ref reader),
            MessageKind.VersionsAnswer => CatchUpCodec.ReadVersionsAnswer(ref reader),
            MessageKind.RecordsQuestion => CatchUpCodec.ReadRecordsQuestion(ref reader),
            MessageKind.RecordsAnswer => CatchUpCodec.ReadRecordsAnswer(ref reader),
            MessageKind.RefreshRequest => CatchUpCodec.ReadRefreshRequest(ref reader),
            MessageKind.AdminRequest => NodeCodec.ReadAdminRequest(ref reader),
            MessageKind.AdminReply => NodeCodec.ReadAdminReply(ref reader),
            MessageKind.ScanQuestion => ScanCodec.ReadQuestion(ref reader),
            MessageKind.ScanAnswer => ScanCodec.ReadAnswer(ref reader),
            MessageKind.RefreshWithExpired => CatchUpCodec.ReadWithExpired(ref reader),
            _ => throw new WireFormatException($"Message kind {(byte)kind} is not known to this node."),
        };
    }
}
