using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Replica and replica: recovery.</summary>
internal static class RecoveryCodec
{
    public static void Write(WireWriter writer, LifeQuestion m) => Head(writer, m.From, m.Nonce);

    public static LifeQuestion ReadLifeQuestion(ref WireReader reader) => new(reader.Member(), reader.Fixed64());

    public static void Write(WireWriter writer, LifeAnswer m)
    {
        Head(writer, m.From, m.Nonce);
        ReplicaCodec.Write(writer, m.Lives);
    }

    public static LifeAnswer ReadLifeAnswer(ref WireReader reader) =>
        new(reader.Member(), reader.Fixed64(), ReplicaCodec.ReadLives(ref reader));

    public static void Write(WireWriter writer, LifeAnnouncement m)
    {
        Head(writer, m.From, m.Nonce);
        writer.Varint((ulong)m.Life);
    }

    public static LifeAnnouncement ReadLifeAnnouncement(ref WireReader reader) =>
        new(reader.Member(), reader.Fixed64(), reader.Number());

    public static void Write(WireWriter writer, LifeNoted m)
    {
        Head(writer, m.From, m.Nonce);
        ReplicaCodec.Write(writer, m.Lives);
        writer.Varint((ulong)m.Promised.Count);
        foreach (var ballot in m.Promised) writer.Ballot(ballot);
    }

    public static LifeNoted ReadLifeNoted(ref WireReader reader)
    {
        var (from, nonce, lives) = (reader.Member(), reader.Fixed64(), ReplicaCodec.ReadLives(ref reader));
        var promised = new Ballot[reader.Count(1)];
        for (var i = 0; i < promised.Length; i++) promised[i] = reader.Ballot();
        return new LifeNoted(from, nonce, lives, promised);
    }

    public static void Write(WireWriter writer, StateQuestion m)
    {
        Head(writer, m.From, m.Nonce);
        writer.Varint((ulong)m.Shard);
        writer.Varint((ulong)m.Position);
    }

    public static StateQuestion ReadStateQuestion(ref WireReader reader) =>
        new(reader.Member(), reader.Fixed64(), reader.Shard(), reader.Number());

    public static void Write(WireWriter writer, StateChunk m)
    {
        Head(writer, m.From, m.Nonce);
        ReplicaCodec.Write(writer, m.Lives);
        writer.Varint((ulong)m.Shard);
        writer.Varint((ulong)m.Position);
        writer.Varint((ulong)(m.Next + 1));
        Write(writer, m.Records);
        writer.Version(m.Dropped);
    }

    public static StateChunk ReadStateChunk(ref WireReader reader)
    {
        var (from, nonce, lives) = (reader.Member(), reader.Fixed64(), ReplicaCodec.ReadLives(ref reader));
        var (shard, position, next) = (reader.Shard(), reader.Number(), reader.Number() - 1);
        var records = ReadRecords(ref reader);
        return new StateChunk(from, nonce, lives, shard, position, next, records, reader.Version());
    }

    public static void Write(WireWriter writer, IReadOnlyList<KeyedRecord> records)
    {
        writer.Varint((ulong)records.Count);
        foreach (var each in records)
        {
            writer.Bytes(each.Key.Span);
            ReplicaCodec.Write(writer, each.Stored, ballotKnown: false);
        }
    }

    public static KeyedRecord[] ReadRecords(ref WireReader reader)
    {
        var records = new KeyedRecord[reader.Count(4)];
        for (var i = 0; i < records.Length; i++)
        {
            records[i] = new KeyedRecord(reader.Key(), ReplicaCodec.ReadRecord(ref reader, Ballot.None));
            if (!records[i].Stored.Record.Held) throw new WireFormatException("A record that holds nothing.");
        }
        return records;
    }

    private static void Head(WireWriter writer, int from, ulong nonce)
    {
        writer.Byte((byte)from);
        writer.Fixed64(nonce);
    }
}
