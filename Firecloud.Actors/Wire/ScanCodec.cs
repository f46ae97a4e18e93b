using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>A reader of all keys and the members.</summary>
internal static class ScanCodec
{
    private const byte HasValue = 1;
    private const byte Tombstone = 2;
    private const byte Heard = 4;
    private const byte ModifiedDiffers = 8;
    private const byte Expires = 16;

    public static void Write(WireWriter writer, ScanQuestion question)
    {
        writer.Varint(question.Epoch);
        writer.Fixed64(question.Nonce);
        Write(writer, question.After);
        writer.Byte(question.WithValues ? (byte)1 : (byte)0);
    }

    public static ScanQuestion ReadQuestion(ref WireReader reader) =>
        new(reader.Epoch(), reader.Fixed64(), ReadPosition(ref reader), (reader.Byte() & 1) != 0);

    public static void Write(WireWriter writer, ScanAnswer answer)
    {
        writer.Byte((byte)answer.From);
        writer.Varint(answer.Epoch);
        writer.Fixed64(answer.Nonce);
        ReplicaCodec.Write(writer, answer.Lives);
        Write(writer, answer.After);
        Write(writer, answer.UpTo);
        writer.Ballot(answer.Promised);
        writer.Varint((ulong)answer.Entries.Count);
        foreach (var entry in answer.Entries) Write(writer, entry);
    }

    public static ScanAnswer ReadAnswer(ref WireReader reader)
    {
        var (from, epoch, nonce, lives) = (reader.Member(), reader.Epoch(), reader.Fixed64(), ReplicaCodec.ReadLives(ref reader));
        var (after, upTo, promised) = (ReadPosition(ref reader), ReadPosition(ref reader), reader.Ballot());
        var entries = new ScanEntry[reader.Count(15)];
        for (var i = 0; i < entries.Length; i++) entries[i] = ReadEntry(ref reader);
        return new ScanAnswer(from, epoch, nonce, lives, after, upTo, promised, entries);
    }

    private static void Write(WireWriter writer, in ScanEntry entry)
    {
        var differs = entry.Modified != entry.Version;
        var parts = (entry.Value is null ? 0 : HasValue) | (entry.IsTombstone ? Tombstone : 0) | (entry.Heard ? Heard : 0)
            | (differs ? ModifiedDiffers : 0) | (entry.ExpiresAt == 0 ? 0 : Expires);
        writer.Bytes(entry.Key.Span);
        writer.Byte((byte)parts);
        writer.Version(entry.Version);
        if (differs) writer.Version(entry.Modified);
        if (entry.ExpiresAt != 0) writer.Signed(entry.ExpiresAt);
        if (entry.Value is not null) writer.Bytes(entry.Value);
    }

    private static ScanEntry ReadEntry(ref WireReader reader)
    {
        var (key, parts, version) = (reader.Key(), reader.Byte(), reader.Version());
        if (version.IsNone) throw new WireFormatException("A key that is not held in a page.");
        if ((parts & (HasValue | Tombstone)) == (HasValue | Tombstone)) throw new WireFormatException("A tombstone with a value.");
        var modified = (parts & ModifiedDiffers) != 0 ? reader.Version() : version;
        var expires = (parts & Expires) != 0 ? reader.Signed() : 0;
        var value = (parts & HasValue) != 0 ? reader.Bytes() : null;
        return new ScanEntry(key, version, modified, (parts & Heard) != 0, (parts & Tombstone) != 0, expires, value);
    }

    private static void Write(WireWriter writer, ScanPosition position)
    {
        writer.Varint((ulong)position.Shard);
        writer.Byte((byte)position.Leaf);
        writer.Optional(position.Key?.Bytes);
    }

    // The number of shards stands for the end, so it is allowed here.
    private static ScanPosition ReadPosition(ref WireReader reader)
    {
        var (shard, leaf, key) = (reader.Number(), reader.Byte(), reader.Optional());
        if (leaf >= HashTree.Leaves) throw new WireFormatException($"Leaf {leaf} of {HashTree.Leaves}.");
        if (key is { Length: 0 }) throw new WireFormatException("An empty key.");
        return new ScanPosition(shard, leaf, key is null ? default(Key?) : new Key(key));
    }
}
