using Firecloud.Actors.Protocol;

namespace Firecloud.Actors.Wire;

/// <summary>Gateway and coordinator: requests, replies, announcements.</summary>
internal static class GatewayCodec
{
    private const byte HasValue = 1;
    private const byte ValueKnown = 2;
    private const byte Kept = 4;
    private const byte Expires = 8;

    // Of an operation.
    private const byte ReturnsOld = 1;
    private const byte ReturnsExpiry = 2;
    private const byte ReturnsNew = 4;
    private const byte ExpiresFromNow = 8;

    public static void Write(WireWriter writer, RequestBatch batch)
    {
        writer.Fixed64(batch.Gateway);
        writer.Varint(batch.Serial);
        writer.Varint((ulong)batch.Requests.Count);
        foreach (var request in batch.Requests) Write(writer, request);
    }

    public static RequestBatch ReadRequests(ref WireReader reader)
    {
        var (gateway, serial) = (reader.Fixed64(), reader.Varint());
        var requests = new Request[reader.Count(14)];
        for (var i = 0; i < requests.Length; i++) requests[i] = ReadRequest(ref reader);
        return new RequestBatch(gateway, serial, requests);
    }

    public static void Write(WireWriter writer, ReplyBatch batch)
    {
        writer.Byte((byte)batch.From);
        writer.Varint((ulong)batch.Replies.Count);
        foreach (var reply in batch.Replies) Write(writer, reply);
    }

    public static ReplyBatch ReadReplies(ref WireReader reader)
    {
        var from = reader.Member();
        var replies = new Reply[reader.Count(12)];
        for (var i = 0; i < replies.Length; i++) replies[i] = ReadReply(ref reader);
        return new ReplyBatch(from, replies);
    }

    public static void Write(WireWriter writer, AnnouncementBatch batch)
    {
        writer.Byte((byte)batch.From);
        writer.Varint((ulong)batch.Announcements.Count);
        foreach (var each in batch.Announcements)
        {
            writer.Varint((ulong)each.Shard);
            writer.Ballot(each.Ballot);
            writer.Version(each.Chosen);
        }
    }

    public static AnnouncementBatch ReadAnnouncements(ref WireReader reader)
    {
        var from = reader.Member();
        var list = new Announcement[reader.Count(3)];
        for (var i = 0; i < list.Length; i++) list[i] = new Announcement(reader.Shard(), reader.Ballot(), reader.Version());
        return new AnnouncementBatch(from, list);
    }

    private static void Write(WireWriter writer, Request request)
    {
        writer.Id(request.Id);
        writer.Varint((ulong)request.Attempt);
        writer.Byte((byte)request.Mode);
        writer.Ballot(request.Named);
        writer.Version(request.Floor);
        writer.Bytes(request.Key.Span);
        Write(writer, request.Operation);
    }

    private static Request ReadRequest(ref WireReader reader)
    {
        var id = reader.Id();
        var attempt = reader.Varint();
        if (attempt is < 1 or > int.MaxValue) throw new WireFormatException($"Attempt {attempt}.");
        var mode = (RequestMode)reader.Byte();
        var (named, floor, key) = (reader.Ballot(), reader.Version(), reader.Key());
        return new Request(id, key, ReadOperation(ref reader), (int)attempt, named, floor, mode);
    }

    private static void Write(WireWriter writer, Operation operation)
    {
        writer.Byte((byte)operation.Kind);
        writer.Byte((byte)((operation.ReturnsOld ? ReturnsOld : 0) | (operation.ReturnsExpiry ? ReturnsExpiry : 0)
            | (operation.Update is { ReturnsNew: true } ? ReturnsNew : 0) | (operation.ExpiresFromNow ? ExpiresFromNow : 0)));
        writer.Optional(operation.Value);
        switch (operation.Kind)
        {
            case OperationKind.Put: writer.Signed(operation.ExpiresAt); break;
            case OperationKind.CompareAndSet: writer.Optional(operation.Expected); break;
            case OperationKind.CompareVersionAndSet: writer.Version(operation.ExpectedVersion); break;
            case OperationKind.Increment: writer.Signed(operation.Delta); break;
            case OperationKind.Update: Write(writer, operation, operation.Update!); break;
        }
    }

    private static void Write(WireWriter writer, Operation operation, Update update)
    {
        writer.Byte((byte)update.If);
        if (update.If == UpdateCondition.ValueEquals) writer.Bytes(operation.Expected);
        if (update.If == UpdateCondition.VersionEquals) writer.Version(operation.ExpectedVersion);
        writer.Byte((byte)update.Change);
        if (update.Change == UpdateChange.SetRange) writer.Varint((ulong)update.Offset);
        writer.Byte((byte)update.Expiry);
        if (update.Expiry == ExpiryRule.At) writer.Signed(operation.ExpiresAt);
        writer.Byte((byte)update.ExpiryIf);
    }

    private static Operation ReadUpdate(ref WireReader reader, byte flags, byte[]? value)
    {
        var condition = (UpdateCondition)reader.Kind((byte)UpdateCondition.VersionEquals);
        var expected = condition == UpdateCondition.ValueEquals ? reader.Bytes() : null;
        var version = condition == UpdateCondition.VersionEquals ? reader.Version() : Version.None;
        var change = (UpdateChange)reader.Kind((byte)UpdateChange.AddDecimal);
        var offset = change == UpdateChange.SetRange ? reader.Number() : 0;
        var rule = (ExpiryRule)reader.Kind((byte)ExpiryRule.At);
        var expiresAt = rule == ExpiryRule.At ? reader.Signed() : 0;
        var update = new Update
        {
            If = condition,
            Change = change,
            Offset = offset,
            Expiry = rule,
            ExpiryIf = (ExpiryConditions)reader.Byte(),
            ReturnsNew = (flags & ReturnsNew) != 0,
        };
        var operation = Operation.Of(update, value, expiresAt) with
        {
            Expected = expected,
            ExpectedVersion = version,
            ReturnsOld = (flags & ReturnsOld) != 0,
            ReturnsExpiry = (flags & ReturnsExpiry) != 0,
            ExpiresFromNow = (flags & ExpiresFromNow) != 0,
        };
        return update.Wrong(operation) is { } wrong ? throw new WireFormatException(wrong) : operation;
    }

    private static Operation ReadOperation(ref WireReader reader)
    {
        var kind = (OperationKind)reader.Kind((byte)OperationKind.Update);
        var (flags, value) = (reader.Byte(), reader.Optional());
        if (kind == OperationKind.Update) return ReadUpdate(ref reader, flags, value);
        if (kind == OperationKind.Put && value is null) throw new WireFormatException("A put without a value.");
        return new Operation
        {
            Kind = kind,
            ReturnsOld = (flags & ReturnsOld) != 0 && kind is OperationKind.Put or OperationKind.Delete,
            ReturnsExpiry = (flags & ReturnsExpiry) != 0 && kind == OperationKind.Get,
            Value = kind is OperationKind.Get or OperationKind.Delete or OperationKind.Increment ? null : value,
            ExpiresFromNow = (flags & ExpiresFromNow) != 0 && kind == OperationKind.Put,
            ExpiresAt = kind == OperationKind.Put ? reader.Signed() : 0,
            Expected = kind == OperationKind.CompareAndSet ? reader.Optional() : null,
            ExpectedVersion = kind == OperationKind.CompareVersionAndSet ? reader.Version() : Version.None,
            Delta = kind == OperationKind.Increment ? reader.Signed() : 0,
        };
    }

    private static void Write(WireWriter writer, Reply reply)
    {
        writer.Byte((byte)reply.Status);
        writer.Id(reply.Id);
        writer.Varint((ulong)reply.Attempt);
        writer.Varint((ulong)reply.Shard);
        writer.Ballot(reply.Ballot);
        writer.Version(reply.Chosen);
        if (reply.Status is ReplyStatus.NoQuorum or ReplyStatus.NoRoom) writer.Varint((ulong)reply.VotesReachable);
        if (reply.Status == ReplyStatus.Deposed) writer.Version(reply.Given);
        if (reply.Status != ReplyStatus.Done) return;
        writer.Byte((byte)reply.Outcome);
        writer.Byte((byte)((reply.Value is null ? 0 : HasValue) | (reply.ValueKnown ? ValueKnown : 0) | (reply.Kept ? Kept : 0)
            | (reply.ExpiresAt == 0 ? 0 : Expires)));
        writer.Version(reply.Visible);
        if (reply.Value is not null) writer.Bytes(reply.Value);
        writer.Signed(reply.Number);
        if (reply.ExpiresAt != 0) writer.Signed(reply.ExpiresAt);
    }

    private static Reply ReadReply(ref WireReader reader)
    {
        var status = (ReplyStatus)reader.Kind((byte)ReplyStatus.NoRoom);
        var id = reader.Id();
        var reply = new Reply
        {
            Id = id,
            Attempt = (int)Math.Min(reader.Varint(), int.MaxValue),
            Status = status,
            Shard = reader.Shard(),
            Ballot = reader.Ballot(),
            Chosen = reader.Version(),
            VotesReachable = status is ReplyStatus.NoQuorum or ReplyStatus.NoRoom ? (int)Math.Min(reader.Varint(), int.MaxValue) : 0,
            Given = status == ReplyStatus.Deposed ? reader.Version() : Version.None,
        };
        if (status != ReplyStatus.Done) return reply;
        var outcome = (Outcome)reader.Kind((byte)Outcome.TooLarge);
        var parts = reader.Byte();
        return reply with
        {
            Outcome = outcome,
            ValueKnown = (parts & ValueKnown) != 0,
            Kept = (parts & Kept) != 0,
            Visible = reader.Version(),
            Value = (parts & HasValue) != 0 ? reader.Bytes() : null,
            Number = reader.Signed(),
            ExpiresAt = (parts & Expires) != 0 ? reader.Signed() : 0,
        };
    }
}
