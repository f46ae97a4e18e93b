// RandomMessages.cs - messages of every kind from a seed, as the nodes could send them; and their content as text, to compare.
using System.Collections;
using System.Reflection;
using System.Text;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Wire;

internal sealed class RandomMessages(Random random)
{
    public const int Members = 4;
    public const int Shards = 256;

    public static readonly Codec Codec = new(Members, Shards);

    public object Next(MessageKind kind) => kind switch
    {
        MessageKind.ReplicaRequest => ReplicaRequest(),
        MessageKind.ReplicaAnswer => new ReplicaAnswer(Member(), Epoch(), Long(), Lives(), Many(AnswerItem)),
        MessageKind.Requests => new RequestBatch(Long(), Long(), Many(Request)),
        MessageKind.Replies => new ReplyBatch(Member(), Many(Reply)),
        MessageKind.Announcements => new AnnouncementBatch(Member(), Many(() => new Announcement(Shard(), Ballot(), Version()))),
        MessageKind.Hello => new Hello(Member(), Long(), Long()),
        MessageKind.Welcome => new Welcome(Member(), Long(), Long(), Long(), Long(), Many(Long), Flip(), Flip()),
        MessageKind.StatusRequest => new StatusRequest(),
        MessageKind.StatusReply => new StatusReply(Bytes(200)),
        MessageKind.ConfigurationRequest => new ConfigurationRequest(),
        MessageKind.ConfigurationReply => ConfigurationReply(),
        MessageKind.LifeQuestion => new LifeQuestion(Member(), Long()),
        MessageKind.LifeAnswer => new LifeAnswer(Member(), Long(), Lives()),
        MessageKind.LifeAnnouncement => new LifeAnnouncement(Member(), Long(), random.Next()),
        MessageKind.LifeNoted => new LifeNoted(Member(), Long(), Lives(), Many(Ballot)),
        MessageKind.StateQuestion => new StateQuestion(Member(), Long(), Shard(), random.Next()),
        MessageKind.StateChunk => new StateChunk(
            Member(), Long(), Lives(), Shard(), random.Next(), random.Next(-1, 100), Many(Keyed), Version()),
        MessageKind.TreeQuestion => new TreeQuestion(Member(), Long(), Many(Long)),
        MessageKind.TreeAnswer => new TreeAnswer(Member(), Long(), random.Next(), Many(() => new ShardLeaves(Shard(), Many(Long)))),
        MessageKind.VersionsQuestion => new VersionsQuestion(Member(), Long(), Many(() => (Shard(), random.Next(HashTree.Leaves)))),
        MessageKind.VersionsAnswer => new VersionsAnswer(Member(), Long(), Many(() => new KeyVersion(Key(), Version(), Long()))),
        MessageKind.RecordsQuestion => new RecordsQuestion(Member(), Long(), Many(Key)),
        MessageKind.RecordsAnswer => new RecordsAnswer(Member(), Long(), Many(Keyed)),
        MessageKind.RefreshRequest => new RefreshRequest(Member(), Many(Key), Many(Key)),
        MessageKind.RefreshWithExpired => new RefreshRequest(Member(), Many(Key), Many(Key)) { Expired = [Key(), .. Many(Key)] },
        MessageKind.AdminRequest => new AdminRequest((AdminOrder)random.Next(1, 3)),
        MessageKind.AdminReply => new AdminReply(Flip(), $"wörtlich {Long()}"),
        MessageKind.ScanQuestion => new ScanQuestion(Epoch(), Long(), Position(), Flip()),
        MessageKind.ScanAnswer => new ScanAnswer(Member(), Epoch(), Long(), Lives(), Position(), Position(), Ballot(), Many(ScanEntry)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Teach RandomMessages this kind."),
    };

    /// <summary>All that a message holds, private state included, so that a field that the codec forgets shows.</summary>
    public static string Text(object? value) => value switch
    {
        null => "null",
        byte[] bytes => Convert.ToHexString(bytes),
        Key key => "key " + Convert.ToHexString(key.Span),
        string or Enum or bool => $"{value}",
        IFormattable number => number.ToString(null, null),
        IEnumerable list => $"[{string.Join("; ", list.Cast<object>().Select(Text))}]",
        _ => Fields(value),
    };

    private static string Fields(object value)
    {
        var text = new StringBuilder(value.GetType().Name);
        foreach (var field in value.GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
        {
            text.Append($" {field.Name}={Text(field.GetValue(value))}");
        }
        return $"({text})";
    }

    private ReplicaRequest ReplicaRequest()
    {
        var (from, epoch, boot) = (Member(), Epoch(), Long());
        return new ReplicaRequest(from, epoch, boot, Many(Item));

        ReplicaItem Item()
        {
            var ask = (ReplicaAsk)random.Next(1, 7);
            var ballot = ask is ReplicaAsk.Read or ReplicaAsk.Repair ? default : new Ballot(epoch, Long() >> 2, from, boot);
            var key = ask == ReplicaAsk.Confirm ? default : Key();
            var record = ask switch
            {
                ReplicaAsk.Accept or ReplicaAsk.Drop => Record(new Version(ballot, Long())),
                ReplicaAsk.Repair => Record(HeldVersion()),
                _ => null,
            };
            return new ReplicaItem(ask, Long(), Shard(), ballot, key, record);
        }
    }

    private KeyedRecord Keyed() => new(Key(), new StoredRecord(Record(HeldVersion()), Flip()));

    private ScanPosition Position() => new(random.Next(Shards + 1), random.Next(HashTree.Leaves), Flip() ? Key() : default(Key?));

    private ScanEntry ScanEntry()
    {
        var (version, isTombstone) = (HeldVersion(), Flip());
        return new ScanEntry(
            Key(), version, Flip() ? version : Version(), Flip(), isTombstone, Flip() ? 0 : (long)Long(), isTombstone || Flip() ? null : Bytes(100));
    }

    private ReplicaAnswerItem AnswerItem()
    {
        var verdict = (ReplicaVerdict)random.Next(1, 5);
        if (verdict == ReplicaVerdict.Refused) return new ReplicaAnswerItem(verdict, Long(), Ballot(), StoredRecord.None, default);
        if (verdict != ReplicaVerdict.Held) return new ReplicaAnswerItem(verdict, Long(), default, StoredRecord.None, default);
        var stored = Flip() ? new StoredRecord(Record(HeldVersion()), Flip()) : new StoredRecord(Firecloud.Actors.Protocol.Record.Absent(Version()), false);
        if (stored.Record.Held && random.Next(4) == 0) stored = stored.WithoutValue();
        return new ReplicaAnswerItem(verdict, Long(), default, stored, Version());
    }

    private Record Record(Version version) => new()
    {
        Version = version,
        Modified = Flip() ? version : Version(),
        Value = Flip() ? Bytes(300) : null,
        ExpiresAt = Flip() ? 0 : (long)Long(),
        Writers = [.. Enumerable.Range(0, random.Next(Firecloud.Actors.Protocol.Record.WritersKept + 1)).Select(_ => new Writer(
            Id(), Flip() ? new Version(version.Ballot, Long()) : Version(), (Outcome)random.Next(1, 5), (long)Long()))],
        Forgotten = Version(),
        KeepsPrevious = Flip(),
        Previous = Flip() ? Bytes(50) : null,
    };

    private Request Request() =>
        new(Id(), Key(), Operation(), random.Next(1, int.MaxValue), Ballot(), Version(), (RequestMode)random.Next(16));

    private Operation Operation() => random.Next(8) switch
    {
        0 => Firecloud.Actors.Protocol.Operation.Get with { ReturnsExpiry = Flip() },
        7 => UpdateOperation(),
        1 => Firecloud.Actors.Protocol.Operation.Put(Bytes(200), Flip()),
        2 => Firecloud.Actors.Protocol.Operation.Put(Bytes(20)) with { ExpiresAt = (long)Long(), ExpiresFromNow = Flip() },
        3 => Firecloud.Actors.Protocol.Operation.Delete(Flip()),
        4 => Firecloud.Actors.Protocol.Operation.CompareAndSet(Flip() ? Bytes(20) : null, Flip() ? Bytes(20) : null),
        5 => Firecloud.Actors.Protocol.Operation.CompareAndSet(Version(), Flip() ? Bytes(20) : null),
        _ => Firecloud.Actors.Protocol.Operation.Increment((long)Long()),
    };

    private Operation UpdateOperation()
    {
        var update = new Update
        {
            If = (UpdateCondition)random.Next(1, 6),
            Change = (UpdateChange)random.Next(1, 7),
            Expiry = (ExpiryRule)random.Next(1, 4),
            ExpiryIf = (ExpiryConditions)random.Next(16),
            ReturnsNew = Flip(),
        };
        if (update.Change == UpdateChange.SetRange) update = update with { Offset = (int)(Long() >> 33) };
        var value = update.Change is UpdateChange.Keep or UpdateChange.Delete ? null : (byte[])[.. Bytes(20), 1];
        return Firecloud.Actors.Protocol.Operation.Of(update, value, update.Expiry == ExpiryRule.At ? random.NextInt64(1, long.MaxValue) : 0) with
        {
            Expected = update.If == UpdateCondition.ValueEquals ? Bytes(20) : null,
            ExpectedVersion = update.If == UpdateCondition.VersionEquals ? Version() : default,
            ReturnsOld = Flip(),
            ReturnsExpiry = Flip(),
            ExpiresFromNow = Flip(),
        };
    }

    private Reply Reply()
    {
        var reply = new Reply
        {
            Id = Id(), Attempt = random.Next(), Status = (ReplyStatus)random.Next(1, 10), Shard = Shard(), Ballot = Ballot(), Chosen = Version(),
        };
        if (reply.Status is ReplyStatus.NoQuorum or ReplyStatus.NoRoom) return reply with { VotesReachable = random.Next(800) };
        if (reply.Status == ReplyStatus.Deposed) return reply with { Given = Version() };
        if (reply.Status != ReplyStatus.Done) return reply;
        return reply with
        {
            Outcome = (Outcome)random.Next(1, 5), Visible = Version(), Value = Flip() ? Bytes(100) : null, ValueKnown = Flip(),
            Number = (long)Long(), Kept = Flip(), ExpiresAt = Flip() ? 0 : (long)Long(),
        };
    }

    private ConfigurationReply ConfigurationReply()
    {
        var members = random.Next(1, 9);
        return new ConfigurationReply(
            random.Next(256), Epoch(), random.Next(), [.. Enumerable.Range(0, members).Select(i => $"knoten-ä{i}:{random.Next(65536)}")],
            [.. Enumerable.Range(0, members).Select(_ => random.Next(101))], random.Next(), random.Next(), Flip());
    }

    private T[] Many<T>(Func<T> make) => [.. Enumerable.Range(0, random.Next(5)).Select(_ => make())];

    private bool Flip() => random.Next(2) == 0;

    private int Member() => random.Next(Members);

    private int Shard() => random.Next(Shards);

    private uint Epoch() => Flip() ? 1 : (uint)random.NextInt64(1, (long)uint.MaxValue + 1);

    // Numbers of every length, so that every length of a varint is written.
    private ulong Long() => (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);

    private Key Key() => new([.. Bytes(20), 1]);

    private byte[] Bytes(int most)
    {
        var bytes = new byte[random.Next(most)];
        random.NextBytes(bytes);
        return bytes;
    }

    private Ballot Ballot() => random.Next(4) == 0 ? default : new Ballot(Epoch(), Long() >> 2, Member(), Long());

    private Version HeldVersion() => new(new Ballot(Epoch(), Long() >> 2, Member(), Long()), Long());

    private Version Version() => random.Next(4) == 0 ? default : HeldVersion();

    private RequestId Id() => new(Long(), Long());

    private Lives Lives() => new([.. Enumerable.Range(0, Members).Select(_ => random.Next())]);
}
