using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Replica and replica: catching up; replica and owner: refreshing.</summary>
internal static class CatchUpCodec
{
    public static void Write(WireWriter writer, TreeQuestion m)
    {
        Head(writer, m.From, m.Nonce);
        Write(writer, m.Hashes);
    }

    public static TreeQuestion ReadTreeQuestion(ref WireReader reader) =>
        new(reader.Member(), reader.Fixed64(), ReadHashes(ref reader));

    public static void Write(WireWriter writer, TreeAnswer m)
    {
        Head(writer, m.From, m.Nonce);
        writer.Varint((ulong)m.Differing);
        writer.Varint((ulong)m.Shards.Count);
        foreach (var each in m.Shards)
        {
            writer.Varint((ulong)each.Shard);
            Write(writer, each.Hashes);
        }
    }

    public static TreeAnswer ReadTreeAnswer(ref WireReader reader)
    {
        var (from, nonce, differing) = (reader.Member(), reader.Fixed64(), reader.Number());
        var shards = new ShardLeaves[reader.Count(2)];
        for (var i = 0; i < shards.Length; i++) shards[i] = new ShardLeaves(reader.Shard(), ReadHashes(ref reader));
        return new TreeAnswer(from, nonce, differing, shards);
    }

    public static void Write(WireWriter writer, VersionsQuestion m)
    {
        Head(writer, m.From, m.Nonce);
        writer.Varint((ulong)m.Leaves.Count);
        foreach (var (shard, leaf) in m.Leaves)
        {
            writer.Varint((ulong)shard);
            writer.Byte((byte)leaf);
        }
    }

    public static VersionsQuestion ReadVersionsQuestion(ref WireReader reader)
    {
        var (from, nonce) = (reader.Member(), reader.Fixed64());
        var leaves = new (int, int)[reader.Count(2)];
        for (var i = 0; i < leaves.Length; i++)
        {
            leaves[i] = (reader.Shard(), reader.Byte());
            if (leaves[i].Item2 >= HashTree.Leaves) throw new WireFormatException($"Leaf {leaves[i].Item2} of {HashTree.Leaves}.");
        }
        return new VersionsQuestion(from, nonce, leaves);
    }

    public static void Write(WireWriter writer, VersionsAnswer m)
    {
        Head(writer, m.From, m.Nonce);
        writer.Varint((ulong)m.Versions.Count);
        foreach (var each in m.Versions)
        {
            writer.Bytes(each.Key.Span);
            writer.Version(each.Version);
            writer.Fixed64(each.Digest);
        }
    }

    public static VersionsAnswer ReadVersionsAnswer(ref WireReader reader)
    {
        var (from, nonce) = (reader.Member(), reader.Fixed64());
        var versions = new KeyVersion[reader.Count(11)];
        for (var i = 0; i < versions.Length; i++) versions[i] = new KeyVersion(reader.Key(), reader.Version(), reader.Fixed64());
        return new VersionsAnswer(from, nonce, versions);
    }

    public static void Write(WireWriter writer, RecordsQuestion m)
    {
        Head(writer, m.From, m.Nonce);
        Write(writer, m.Keys);
    }

    public static RecordsQuestion ReadRecordsQuestion(ref WireReader reader) =>
        new(reader.Member(), reader.Fixed64(), ReadKeys(ref reader));

    public static void Write(WireWriter writer, RecordsAnswer m)
    {
        Head(writer, m.From, m.Nonce);
        RecoveryCodec.Write(writer, m.Records);
    }

    public static RecordsAnswer ReadRecordsAnswer(ref WireReader reader) =>
        new(reader.Member(), reader.Fixed64(), RecoveryCodec.ReadRecords(ref reader));

    public static void Write(WireWriter writer, RefreshRequest m)
    {
        writer.Byte((byte)m.From);
        Write(writer, m.TooOld);
        Write(writer, m.Tombstones);
    }

    public static RefreshRequest ReadRefreshRequest(ref WireReader reader) =>
        new(reader.Member(), ReadKeys(ref reader), ReadKeys(ref reader));

    public static void WriteWithExpired(WireWriter writer, RefreshRequest m)
    {
        Write(writer, m);
        Write(writer, m.Expired);
    }

    public static RefreshRequest ReadWithExpired(ref WireReader reader) =>
        ReadRefreshRequest(ref reader) with { Expired = ReadKeys(ref reader) };

    private static void Write(WireWriter writer, IReadOnlyList<Key> keys)
    {
        writer.Varint((ulong)keys.Count);
        foreach (var key in keys) writer.Bytes(key.Span);
    }

    private static Key[] ReadKeys(ref WireReader reader)
    {
        var keys = new Key[reader.Count(2)];
        for (var i = 0; i < keys.Length; i++) keys[i] = reader.Key();
        return keys;
    }

    private static void Write(WireWriter writer, IReadOnlyList<ulong> hashes)
    {
        writer.Varint((ulong)hashes.Count);
        foreach (var hash in hashes) writer.Fixed64(hash);
    }

    private static ulong[] ReadHashes(ref WireReader reader)
    {
        var hashes = new ulong[reader.Count(8)];
        for (var i = 0; i < hashes.Length; i++) hashes[i] = reader.Fixed64();
        return hashes;
    }

    private static void Head(WireWriter writer, int from, ulong nonce)
    {
        writer.Byte((byte)from);
        writer.Fixed64(nonce);
    }
}
