// RocksLayout.cs - how a store's tables become RocksDB's keys and values.
//
//   key      table (1 byte) and then, of what belongs to a shard: shard (4, big endian), leaf (1), key
//            of the table Expiry: time (8, big endian, its highest bit turned over), shard (4, big endian), leaf (1), key
//   value    XXH3 64 of the rest (8, little endian), with the hash of the key as its seed; the rest
//
// The seed binds a value to its place: one that is found under another key does not fit there. The rests are written with
// the primitives of docs/wire-format.md. A change of any of this is a new Format.
using System.Buffers.Binary;
using System.IO.Hashing;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Storage;

internal enum RocksTable : byte
{
    Header = (byte)'H',      // format, member, shards, votes by member, identity
    Batch = (byte)'N',       // the number of the last batch, from 1
    Lives = (byte)'L',       // one number per member
    Promised = (byte)'P',    // shard: ballot
    Dropped = (byte)'D',     // shard: version
    Leaf = (byte)'F',        // shard, leaf: hash of the leaf, number of its keys, batch that wrote it
    Leaves = (byte)'J',      // batch modulo rows: batch, leaves that it changed (LeafJournal.cs)
    Record = (byte)'R',      // shard, leaf, key: record, with the mark "heard"
    Tombstone = (byte)'T',   // shard, leaf, key: version, of records that are tombstones
    Expiry = (byte)'E',      // time, shard, leaf, key: nothing, of records whose value expires
}

/// <summary>What a store is and whose.</summary>
internal sealed record RocksHeader(ulong Format, int Member, int Shards, IReadOnlyList<int> Votes, StoreIdentity Identity);

internal static class RocksLayout
{
    /// <summary>The format that is written, and the newest that is read.</summary>
    public const ulong Format = 3;

    public const int PrefixLength = 6;
    public const int ExpiryPrefixLength = 14;
    public const int SumLength = 8;

    public static byte[] KeyOf(RocksTable table) => [(byte)table];

    public static byte[] KeyOf(RocksTable table, int shard)
    {
        var key = new byte[5];
        key[0] = (byte)table;
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(1), shard);
        return key;
    }

    public static byte[] KeyOf(RocksTable table, int shard, int leaf, ReadOnlySpan<byte> key = default)
    {
        var all = new byte[PrefixLength + key.Length];
        WriteKey(all, table, shard, leaf, key);
        return all;
    }

    public static void WriteKey(Span<byte> to, RocksTable table, int shard, int leaf, ReadOnlySpan<byte> key)
    {
        to[0] = (byte)table;
        BinaryPrimitives.WriteInt32BigEndian(to[1..], shard);
        to[5] = (byte)leaf;
        key.CopyTo(to[PrefixLength..]);
    }

    /// <summary>A place in the table Expiry, whose order is that of the times, also of those before 1970.</summary>
    public static byte[] ExpiryKey(long time, int shard = 0, int leaf = 0, ReadOnlySpan<byte> key = default)
    {
        var all = new byte[ExpiryPrefixLength + key.Length];
        all[0] = (byte)RocksTable.Expiry;
        BinaryPrimitives.WriteUInt64BigEndian(all.AsSpan(1), (ulong)time ^ 1UL << 63);
        BinaryPrimitives.WriteInt32BigEndian(all.AsSpan(9), shard);
        all[13] = (byte)leaf;
        key.CopyTo(all.AsSpan(ExpiryPrefixLength));
        return all;
    }

    public static long ExpiryTimeOf(ReadOnlySpan<byte> key) => (long)(BinaryPrimitives.ReadUInt64BigEndian(key[1..]) ^ 1UL << 63);

    public static int ShardOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt32BigEndian(key[1..]);

    public static byte[] Seal(ReadOnlySpan<byte> key, WireWriter rest)
    {
        var content = rest.ToArray();
        var value = new byte[SumLength + content.Length];
        content.CopyTo(value, SumLength);
        BinaryPrimitives.WriteUInt64LittleEndian(value, SumOf(key, content));
        return value;
    }

    /// <summary>The rest of a value whose sum is right.</summary>
    /// <exception cref="WireFormatException">It is not what was written under this key.</exception>
    public static ReadOnlySpan<byte> Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (value.Length < SumLength) throw new WireFormatException($"{value.Length} bytes, at least {SumLength} are needed.");
        var found = BinaryPrimitives.ReadUInt64LittleEndian(value);
        var content = value[SumLength..];
        var sum = SumOf(key, content);
        return sum == found ? content : throw new WireFormatException($"Its checksum is {sum:x16}, written was {found:x16}.");
    }

    public static WireWriter Header(RocksHeader header)
    {
        var writer = new WireWriter(96);
        writer.Varint(header.Format);
        writer.Varint((ulong)header.Member);
        writer.Varint((ulong)header.Shards);
        writer.Varint((ulong)header.Votes.Count);
        foreach (var votes in header.Votes) writer.Varint((ulong)votes);
        writer.Fixed64(header.Identity.Id);
        writer.Fixed64(header.Identity.ClusterId);
        writer.Byte(header.Identity.IsRecovering ? (byte)1 : (byte)0);
        writer.Varint((ulong)header.Identity.Founders.Count);
        foreach (var founder in header.Identity.Founders) writer.Fixed64(founder);
        return writer;
    }

    /// <summary>Reads a header; of a newer format only that.</summary>
    public static RocksHeader ReadHeader(ReadOnlySpan<byte> rest)
    {
        var reader = new WireReader(rest, 0, 0);
        var format = reader.Varint();
        if (format > Format) return new RocksHeader(format, 0, 0, [], new StoreIdentity(0));
        var (member, shards) = (reader.Number(), reader.Number());
        var votes = new int[reader.Count(1)];
        for (var i = 0; i < votes.Length; i++) votes[i] = reader.Number();
        var identity = new StoreIdentity(reader.Fixed64()) { ClusterId = reader.Fixed64(), IsRecovering = reader.Byte() == 1 };
        var founders = new ulong[reader.Count(8)];
        for (var i = 0; i < founders.Length; i++) founders[i] = reader.Fixed64();
        return new RocksHeader(format, member, shards, votes, identity with { Founders = founders });
    }

    public static WireWriter Lives(Lives lives)
    {
        var writer = new WireWriter(16);
        ReplicaCodec.Write(writer, lives);
        return writer;
    }

    public static WireWriter Batch(ulong number)
    {
        var writer = new WireWriter(8);
        writer.Fixed64(number);
        return writer;
    }

    public static WireWriter Ballot(Ballot ballot)
    {
        var writer = new WireWriter(32);
        writer.Ballot(ballot);
        return writer;
    }

    public static WireWriter Version(Version version)
    {
        var writer = new WireWriter(48);
        writer.Version(version);
        return writer;
    }

    public static WireWriter Nothing() => new(1);

    public static ulong SumOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rest) =>
        XxHash3.HashToUInt64(rest, unchecked((long)XxHash3.HashToUInt64(key)));
}
