using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Coordinator and replica: requests, answers, records.</summary>
internal static class ReplicaCodec
{
    [Flags]
    private enum RecordParts : byte
    {
        None = 0,
        Value = 1,
        ModifiedDiffers = 2,
        Expires = 4,
        KeepsPrevious = 8,
        Previous = 16,
        Held = 32,
        Heard = 64,
        Withheld = 128,
    }

    public static void Write(WireWriter writer, ReplicaRequest request)
    {
        writer.Byte((byte)request.From);
        writer.Varint(request.Epoch);
        writer.Fixed64(request.Boot);
        writer.Varint((ulong)request.Items.Count);
        foreach (var item in request.Items) Write(writer, request, item);
    }

    public static ReplicaRequest ReadRequest(ref WireReader reader)
    {
        var (from, epoch, boot) = (reader.Member(), reader.Epoch(), reader.Fixed64());
        if (epoch == 0) throw new WireFormatException("A request of epoch 0.");
        var items = new ReplicaItem[reader.Count(3)];
        for (var i = 0; i < items.Length; i++) items[i] = ReadItem(ref reader, from, epoch, boot);
        return new ReplicaRequest(from, epoch, boot, items);
    }

    public static void Write(WireWriter writer, ReplicaAnswer answer)
    {
        writer.Byte((byte)answer.From);
        writer.Varint(answer.Epoch);
        writer.Fixed64(answer.Boot);
        Write(writer, answer.Lives);
        writer.Varint((ulong)answer.Items.Count);
        foreach (var item in answer.Items) Write(writer, item);
    }

    public static ReplicaAnswer ReadAnswer(ref WireReader reader)
    {
        var (from, epoch, boot) = (reader.Member(), reader.Epoch(), reader.Fixed64());
        var lives = ReadLives(ref reader);
        var items = new ReplicaAnswerItem[reader.Count(2)];
        for (var i = 0; i < items.Length; i++) items[i] = ReadAnswerItem(ref reader);
        return new ReplicaAnswer(from, epoch, boot, lives, items);
    }

    /// <summary>A record and whether it is only heard. Its version is written in full, or only its sequence under a known ballot.</summary>
    public static void Write(WireWriter writer, in StoredRecord stored, bool ballotKnown)
    {
        var record = stored.Record;
        writer.Byte((byte)PartsOf(stored));
        if (!record.Held)
        {
            writer.Version(record.Forgotten);
            return;
        }
        if (ballotKnown) writer.Varint(record.Version.Sequence);
        else writer.Version(record.Version);
        if (stored.Withheld) return;
        if (record.Modified != record.Version) writer.Version(record.Modified);
        if (record.Value is not null) writer.Bytes(record.Value);
        if (record.ExpiresAt != 0) writer.Signed(record.ExpiresAt);
        if (record.Previous is not null) writer.Bytes(record.Previous);
        writer.Version(record.Forgotten);
        writer.Byte((byte)record.Writers.Count);
        foreach (var each in record.Writers) Write(writer, each, record.Version);
    }

    /// <summary>Reads a record; <paramref name="known"/> is the ballot of its version where that was not written.</summary>
    public static StoredRecord ReadRecord(ref WireReader reader, Ballot known, bool mayWithhold = false)
    {
        var parts = (RecordParts)reader.Byte();
        var isWithheld = parts.HasFlag(RecordParts.Withheld);
        if (isWithheld && (!mayWithhold || (parts | RecordParts.Heard) != (RecordParts.Held | RecordParts.Heard | RecordParts.Withheld)))
        {
            throw new WireFormatException($"A value is withheld where it must not be: parts {(byte)parts}.");
        }
        if ((parts & RecordParts.Held) == 0)
        {
            var forgotten = reader.Version();
            return new StoredRecord(forgotten.IsNone ? Record.None : Record.Absent(forgotten), false);
        }
        var version = known.IsNone ? reader.Version() : new Version(known, reader.Varint());
        if (version.IsNone) throw new WireFormatException("A held record without a version.");
        if (isWithheld) return new StoredRecord(new Record { Version = version }, parts.HasFlag(RecordParts.Heard)).WithoutValue();
        var record = new Record
        {
            Version = version,
            Modified = parts.HasFlag(RecordParts.ModifiedDiffers) ? reader.Version() : version,
            Value = parts.HasFlag(RecordParts.Value) ? reader.Bytes() : null,
            ExpiresAt = parts.HasFlag(RecordParts.Expires) ? reader.Signed() : 0,
            KeepsPrevious = parts.HasFlag(RecordParts.KeepsPrevious),
            Previous = parts.HasFlag(RecordParts.Previous) ? reader.Bytes() : null,
            Forgotten = reader.Version(),
            Writers = ReadWriters(ref reader, version),
        };
        return new StoredRecord(record, parts.HasFlag(RecordParts.Heard));
    }

    // Only the round of the ballot is written: epoch, node and boot are the request's own.
    private static void Write(WireWriter writer, ReplicaRequest request, in ReplicaItem item)
    {
        writer.Byte((byte)item.Ask);
        writer.Varint(item.Round);
        writer.Varint((ulong)item.Shard);
        if (HasBallot(item.Ask))
        {
            Invariant.That(item.Ballot == new Ballot(request.Epoch, item.Ballot.Round, request.From, request.Boot));
            writer.Varint(item.Ballot.Round);
        }
        if (item.Ask != ReplicaAsk.Confirm) writer.Bytes(item.Key.Span);
        if (HasRecord(item.Ask)) Write(writer, new StoredRecord(item.Record!, false), ballotKnown: HasBallot(item.Ask));
    }

    private static bool HasBallot(ReplicaAsk ask) => ask is not (ReplicaAsk.Read or ReplicaAsk.Repair);

    private static bool HasRecord(ReplicaAsk ask) => ask is ReplicaAsk.Accept or ReplicaAsk.Drop or ReplicaAsk.Repair;

    private static ReplicaItem ReadItem(ref WireReader reader, int from, uint epoch, ulong boot)
    {
        var ask = (ReplicaAsk)reader.Kind((byte)ReplicaAsk.Repair);
        var (round, shard) = (reader.Varint(), reader.Shard());
        var ballot = HasBallot(ask) ? new Ballot(epoch, reader.BallotRound(), from, boot) : Ballot.None;
        var key = ask == ReplicaAsk.Confirm ? default : reader.Key();
        if (!HasRecord(ask)) return new ReplicaItem(ask, round, shard, ballot, key, null);
        var record = ReadRecord(ref reader, ballot).Record;
        return record.Held
            ? new ReplicaItem(ask, round, shard, ballot, key, record)
            : throw new WireFormatException($"{ask} of nothing.");
    }

    private static void Write(WireWriter writer, in ReplicaAnswerItem item)
    {
        writer.Byte((byte)item.Verdict);
        writer.Varint(item.Round);
        if (item.Verdict == ReplicaVerdict.Refused) writer.Ballot(item.Promised);
        if (item.Verdict != ReplicaVerdict.Held) return;
        Write(writer, item.Stored, ballotKnown: false);
        writer.Version(item.Dropped);
    }

    private static ReplicaAnswerItem ReadAnswerItem(ref WireReader reader)
    {
        var verdict = (ReplicaVerdict)reader.Kind((byte)ReplicaVerdict.TooOld);
        var round = reader.Varint();
        var promised = verdict == ReplicaVerdict.Refused ? reader.Ballot() : default;
        if (verdict != ReplicaVerdict.Held) return new ReplicaAnswerItem(verdict, round, promised, StoredRecord.None, default);
        var stored = ReadRecord(ref reader, Ballot.None, mayWithhold: true);
        return new ReplicaAnswerItem(verdict, round, promised, stored, reader.Version());
    }

    public static void Write(WireWriter writer, Lives lives)
    {
        for (var i = 0; i < lives.Members; i++) writer.Varint((ulong)lives[i]);
    }

    public static Lives ReadLives(ref WireReader reader)
    {
        Span<int> lives = stackalloc int[reader.Members];
        for (var i = 0; i < lives.Length; i++)
        {
            var life = reader.Varint();
            if (life > int.MaxValue) throw new WireFormatException($"Life {life}.");
            lives[i] = (int)life;
        }
        return new Lives(lives);
    }

    private static RecordParts PartsOf(in StoredRecord stored)
    {
        var record = stored.Record;
        var parts = RecordParts.None;
        if (!record.Held) return parts;
        parts |= RecordParts.Held;
        if (stored.Heard) parts |= RecordParts.Heard;
        if (stored.Withheld) return parts | RecordParts.Withheld;
        if (record.Value is not null) parts |= RecordParts.Value;
        if (record.Modified != record.Version) parts |= RecordParts.ModifiedDiffers;
        if (record.ExpiresAt != 0) parts |= RecordParts.Expires;
        if (record.KeepsPrevious) parts |= RecordParts.KeepsPrevious;
        if (record.Previous is not null) parts |= RecordParts.Previous;
        return parts;
    }

    // Most writers share the record's ballot: then only the sequence is written.
    private static void Write(WireWriter writer, in Writer each, Version version)
    {
        var sameBallot = each.Version.Ballot == version.Ballot;
        writer.Byte((byte)((byte)each.Outcome | (sameBallot ? 0x80 : 0)));
        writer.Id(each.Id);
        if (sameBallot) writer.Varint(each.Version.Sequence);
        else writer.Version(each.Version);
        writer.Signed(each.Number);
    }

    private static Writer[] ReadWriters(ref WireReader reader, Version version)
    {
        var count = reader.Byte();
        if (count > Record.WritersKept) throw new WireFormatException($"{count} writers, at most {Record.WritersKept} are kept.");
        var writers = new Writer[count];
        for (var i = 0; i < count; i++)
        {
            var head = reader.Byte();
            var outcome = (Outcome)(head & 0x7f);
            if (outcome is < Outcome.Applied or > Outcome.TooLarge) throw new WireFormatException($"Outcome {(byte)outcome}.");
            var id = reader.Id();
            var at = (head & 0x80) != 0 ? new Version(version.Ballot, reader.Varint()) : reader.Version();
            writers[i] = new Writer(id, at, outcome, reader.Signed());
        }
        return writers;
    }
}
