// BackupFormat.cs - the bytes of a backup file; docs/backup-format.md describes them and changes with this file.
using System.Buffers.Binary;
using System.IO.Hashing;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Client.Backup;

internal enum BlockKind : byte
{
    Header = 1,
    Records = 2,
    End = 3,
}

internal static class BackupFormat
{
    /// <summary>The format that is written, and the newest that is read.</summary>
    public const uint Format = 1;

    /// <summary>Magic and format.</summary>
    public const int PreambleLength = 12;

    /// <summary>Kind, length and sum before each block.</summary>
    public const int BlockHeadLength = 13;

    /// <summary>About how many bytes of records go into a block.</summary>
    public const int BlockSize = 256 * 1024;

    /// <summary>A block is never longer: the largest key and value that a cluster can hold fit.</summary>
    public const int MaxBlock = 16 << 20;

    public static ReadOnlySpan<byte> Magic => "FIRECLBK"u8;

    public static byte[] Preamble()
    {
        var bytes = new byte[PreambleLength];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Format);
        return bytes;
    }

    public static byte[] BlockHead(BlockKind kind, long number, ReadOnlySpan<byte> content)
    {
        var bytes = new byte[BlockHeadLength];
        bytes[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1), content.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(5), Sum(kind, number, content));
        return bytes;
    }

    /// <summary>The seed binds a block to its place: none can be left out, repeated or moved.</summary>
    public static ulong Sum(BlockKind kind, long number, ReadOnlySpan<byte> content) =>
        XxHash3.HashToUInt64(content, number << 8 | (byte)kind);

    public static WireWriter Write(BackupHeader header)
    {
        var writer = new WireWriter();
        writer.Fixed64(header.ClusterId);
        writer.Signed(header.Begun.ToUnixTimeMilliseconds());
        writer.Varint(header.Epoch);
        writer.Varint((ulong)header.Shards);
        writer.Varint((ulong)header.Members.Count);
        foreach (var (address, votes) in header.Members)
        {
            writer.Text(address);
            writer.Varint((ulong)votes);
        }
        return writer;
    }

    public static BackupHeader ReadHeader(ref WireReader reader)
    {
        var (id, begun, epoch, shards) = (reader.Fixed64(), Time(ref reader), reader.Epoch(), reader.Number());
        var members = new (string, int)[reader.Count(2)];
        for (var i = 0; i < members.Length; i++) members[i] = (reader.Text(), reader.Number());
        return new BackupHeader(id, begun, epoch, shards, members);
    }

    public static void Write(WireWriter writer, BackupRecord record)
    {
        writer.Bytes(record.Key);
        writer.Bytes(record.Value);
        writer.Version(record.Version);
        writer.Signed(record.ExpiresAt);
    }

    public static BackupRecord ReadRecord(ref WireReader reader) =>
        new(reader.Key().Bytes, reader.Bytes(), reader.Version(), reader.Signed());

    public static WireWriter Write(BackupSummary summary)
    {
        var writer = new WireWriter();
        writer.Signed(summary.Ended.ToUnixTimeMilliseconds());
        writer.Varint((ulong)summary.Records);
        writer.Varint((ulong)summary.Bytes);
        writer.Varint((ulong)summary.LongestKey);
        writer.Varint((ulong)summary.LongestValue);
        writer.Varint(summary.HighestEpoch);
        writer.Varint(summary.HighestRound);
        return writer;
    }

    public static BackupSummary ReadEnd(ref WireReader reader, string file, BackupHeader header) => new(
        file, header, Time(ref reader), (long)reader.Varint(), (long)reader.Varint(), reader.Number(), reader.Number(),
        reader.Epoch(), reader.BallotRound());

    public static WireReader Reader(ReadOnlySpan<byte> content) => new(content, Votes.MaxMembers, 65536);

    private static DateTimeOffset Time(ref WireReader reader)
    {
        var milliseconds = reader.Signed();
        return milliseconds is >= 0 and < 253_402_300_800_000   // the year 10000
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw new WireFormatException($"The time {milliseconds} is out of range.");
    }
}
