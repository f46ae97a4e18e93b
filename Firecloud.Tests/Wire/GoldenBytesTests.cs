// GoldenBytesTests.cs - the bytes of one message of every kind, and of every kind of item in it.
//
// APPEND ONLY: bytes that are here are on the wire between versions that run side by side. A test that fails means that the
// format has changed: give it back, or write the new form under a new kind or format number and add lines for it.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Wire;

public class GoldenBytesTests
{
    private const ulong Boot = 0x0807060504030201;

    private static readonly Ballot Ballot = new(1, 300, 2, Boot);
    private static readonly Version Version = new(Ballot, 5);
    private static readonly RequestId Id = new(0x1817161514131211, 9);
    private static readonly Key Key = new("ke");

    private static readonly Record Record = new()
    {
        Version = Version,
        Modified = Version with { Sequence = 4 },
        Value = [0xAA, 0xBB],
        ExpiresAt = 3,
        Writers = [new Writer(Id, Version, Outcome.Applied, -2), new Writer(Id, new Version(new Ballot(1, 1, 0, Boot), 7), Outcome.NotANumber, 0)],
        Forgotten = Version with { Sequence = 3 },
        KeepsPrevious = true,
        Previous = [0xCC],
    };

    private static readonly (string Name, object Message, string Hex)[] Golden =
    [
        ("lookup, accept, confirm, read", new ReplicaRequest(2, 1, Boot,
        [
            new(ReplicaAsk.Lookup, 1, 200, Ballot, Key, null), new(ReplicaAsk.Accept, 2, 200, Ballot, Key, Record),
            new(ReplicaAsk.Confirm, 3, 200, Ballot, default, null), new(ReplicaAsk.Read, 4, 200, default, Key, null),
        ]), "0101 0000000000000000 0201 0102030405060708 040101C801AC02026B650202C801AC02026B653F0501AC0202 0102030405060708 "
            + "0402AABB0601CC01AC0202 0102030405060708 030281 1112131415161718 09050303 1112131415161718 09010100 "
            + "0102030405060708 07000303C801AC020404C801026B65"),
        ("ok, held, absent, refused, too old", new ReplicaAnswer(3, 1, Boot, new Lives([0, 1, 0, 200]),
        [
            new(ReplicaVerdict.Ok, 1, default, StoredRecord.None, default),
            new(ReplicaVerdict.Held, 2, default, new StoredRecord(Record, Heard: true), Version),
            new(ReplicaVerdict.Held, 3, default, StoredRecord.None, default),
            new(ReplicaVerdict.Refused, 4, Ballot, StoredRecord.None, default),
            new(ReplicaVerdict.TooOld, 5, default, StoredRecord.None, default),
        ]), "0102 0000000000000000 0301 0102030405060708 000100C80105010102027F01AC0202 0102030405060708 0501AC0202 "
            + "0102030405060708 0402AABB0601CC01AC0202 0102030405060708 030281 1112131415161718 09050303 "
            + "1112131415161718 09010100 0102030405060708 070001AC0202 0102030405060708 050203000000030401AC0202 "
            + "0102030405060708 0405"),
        ("held, its value withheld", new ReplicaAnswer(3, 1, Boot, new Lives([0, 0, 0, 0]),
            [new(ReplicaVerdict.Held, 2, default, new StoredRecord(Record, Heard: true).WithoutValue(), default)]),
            "0102 0000000000000000 0301 0102030405060708 00000000010202E001AC0202 0102030405060708 0500"),
        ("every operation", new RequestBatch(Boot, 77,
        [
            Request(Operation.Get), Request(Operation.Put([0xAA], returnsOld: true) with { ExpiresAt = 1 }), Request(Operation.Delete()),
            Request(Operation.CompareAndSet([0xAA], null)), Request(Operation.CompareAndSet(Version, [0xBB])), Request(Operation.Increment(-1)),
        ]), "0103 0000000000000000 0102030405060708 4D06 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65010000 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65020102AA02 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65030000 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B6504000002AA 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65050002BB01AC0202 0102030405060708 05 1112131415161718 09020901AC0202 "
            + "0102030405060708 01AC0202 0102030405060708 05026B6506000001"),
        ("done, not run, no quorum", new ReplyBatch(1,
        [
            new() { Id = Id, Attempt = 1, Status = ReplyStatus.Done, Shard = 200, Ballot = Ballot, Chosen = Version, Outcome = Outcome.Applied,
                Visible = Version, Value = [0xAA], ValueKnown = true, Number = 1, Kept = true },
            new() { Id = Id, Attempt = 2, Status = ReplyStatus.OtherBallot, Shard = 200, Ballot = Ballot },
            new() { Id = Id, Attempt = 3, Status = ReplyStatus.NoQuorum, Shard = 200, VotesReachable = 2 },
        ]), "0104 0000000000000000 010301 1112131415161718 0901C80101AC0202 0102030405060708 01AC0202 0102030405060708 "
            + "05010701AC0202 0102030405060708 0501AA0202 1112131415161718 0902C80101AC0202 0102030405060708 0006 "
            + "1112131415161718 0903C801000002"),
        ("announcements", new AnnouncementBatch(1, [new(200, Ballot, Version), new(0, Ballot, default)]), "0105 0000000000000000 0102C80101AC0202 0102030405060708 01AC0202 0102030405060708 050001AC0202 0102030405060708 00"),
        ("hello", new Hello(1, Boot, 0xF1), "0106 0000000000000000 01 0102030405060708 F100000000000000"),
        ("welcome", new Welcome(1, Boot, 2, 3, 4, [5, 6], true, false), "0107 0000000000000000 01 0102030405060708 "
            + "020000000000000003000000000000000400000000000000010205000000000000000600000000000000"),
        ("status request", new StatusRequest(), "0108 0000000000000000"),
        ("status reply", new StatusReply("{}"u8.ToArray()), "0109 0000000000000000 027B7D"),
        ("configuration request", new ConfigurationRequest(), "010A 0000000000000000"),
        ("configuration reply", new ConfigurationReply(1, 1, 256, ["a:1", "b:2"], [2, 1], 1024, 1 << 20, true), "010B 0000000000000000 010180028008808040010203613A310203623A3201"),
        ("drop, repair", new ReplicaRequest(2, 1, Boot,
        [
            new(ReplicaAsk.Drop, 0, 200, Ballot, Key, new Record { Version = Version, Modified = Version }),
            new(ReplicaAsk.Repair, 0, 200, default, Key, new Record { Version = Version, Modified = Version, Value = [0xAA] }),
        ]), "0101000000000000000002010102030405060708020500C801AC02026B65200500000600C801026B652101AC"
            + "020201020304050607080501AA0000"),
        ("life question", new LifeQuestion(1, Boot), "010C0000000000000000010102030405060708"),
        ("life answer", new LifeAnswer(1, Boot, new Lives([0, 1, 0, 200])), "010D0000000000000000010102030405060708000100C801"),
        ("life announcement", new LifeAnnouncement(1, Boot, 2), "010E000000000000000001010203040506070802"),
        ("life noted", new LifeNoted(1, Boot, new Lives([0, 1, 0, 200]), [Ballot, default]), "010F0000000000000000010102030405060708000100C8010201AC0202010203040506070800"),
        ("state question", new StateQuestion(1, Boot, 200, 3), "01100000000000000000010102030405060708C80103"),
        ("state chunk", new StateChunk(1, Boot, new Lives([0, 1, 0, 0]), 200, 3, -1, [new(Key, new StoredRecord(Record, true))], Version), "0111000000000000000001010203040506070800010000C801030001026B657F01AC02020102030405060708"
            + "0501AC020201020304050607080402AABB0601CC01AC02020102030405060708030281111213141516171809"
            + "0503031112131415161718090101000102030405060708070001AC0202010203040506070805"),
        ("tree question", new TreeQuestion(1, Boot, [5, 6]), "011200000000000000000101020304050607080205000000000000000600000000000000"),
        ("tree answer", new TreeAnswer(1, Boot, 3, [new ShardLeaves(200, [5, 6])]), "011300000000000000000101020304050607080301C8010205000000000000000600000000000000"),
        ("versions question", new VersionsQuestion(1, Boot, [(200, 63)]), "0114000000000000000001010203040506070801C8013F"),
        ("versions answer", new VersionsAnswer(1, Boot, [new KeyVersion(Key, Version, 7)]), "0115000000000000000001010203040506070801026B6501AC02020102030405060708050700000000000000"),
        ("records question", new RecordsQuestion(1, Boot, [Key]), "0116000000000000000001010203040506070801026B65"),
        ("records answer", new RecordsAnswer(1, Boot, [new(Key, new StoredRecord(Record, false))]), "0117000000000000000001010203040506070801026B653F01AC020201020304050607080501AC0202010203"
            + "04050607080402AABB0601CC01AC020201020304050607080302811112131415161718090503031112131415"
            + "1617180901010001020304050607080700"),
        ("refresh request", new RefreshRequest(1, [Key], [Key, Key]), "011800000000000000000101026B6502026B65026B65"),
        ("refresh request with expired", new RefreshRequest(1, [], []) { Expired = [Key] }, "011D000000000000000001000001026B65"),
        ("every update", new RequestBatch(Boot, 1,
        [
            Request(Operation.Get with { ReturnsExpiry = true }),
            Request(Operation.Of(new Update { If = UpdateCondition.Absent, Change = UpdateChange.Set, Expiry = ExpiryRule.At }, [0xAA], 300)),
            Request(Operation.Of(new Update { If = UpdateCondition.ValueEquals, Change = UpdateChange.SetRange, Offset = 200 }, [0xAA])
                with { Expected = [0xBB], ReturnsOld = true, ReturnsExpiry = true }),
            Request(Operation.Of(new Update
            {
                If = UpdateCondition.VersionEquals, Change = UpdateChange.Keep, Expiry = ExpiryRule.None, ExpiryIf = ExpiryConditions.Set, ReturnsNew = true,
            }) with { ExpectedVersion = Version }),
            Request(Operation.Of(new Update { Change = UpdateChange.Append }, [0xCC])), Request(Operation.Of(new Update { Change = UpdateChange.Delete })),
            Request(Operation.Of(new Update { Change = UpdateChange.AddDecimal }, "1.5"u8.ToArray())),
        ]), "0103 0000000000000000 0102030405060708 0107 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65010200 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65070002AA020203D80400 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B65070302AA0401BB04C8010100 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05026B650704000501AC0202 0102030405060708 05010202 1112131415161718 09020901AC0202 "
            + "0102030405060708 01AC0202 0102030405060708 05026B65070002CC01030100 1112131415161718 09020901AC0202 "
            + "0102030405060708 01AC0202 0102030405060708 05026B65070000 01050100 1112131415161718 09020901AC0202 "
            + "0102030405060708 01AC0202 0102030405060708 05026B65070004312E3501060100"),
        ("done with an expiry, too large", new ReplyBatch(1,
        [
            new() { Id = Id, Attempt = 1, Status = ReplyStatus.Done, Shard = 200, Ballot = Ballot, Chosen = Version, Outcome = Outcome.Applied,
                Visible = Version, Value = [0xAA], ValueKnown = true, Number = 1, ExpiresAt = 300 },
            new() { Id = Id, Attempt = 1, Status = ReplyStatus.Done, Shard = 200, Ballot = Ballot, Chosen = Version, Outcome = Outcome.TooLarge },
        ]), "0104 0000000000000000 0102 01 1112131415161718 0901C80101AC0202 0102030405060708 01AC0202 0102030405060708 "
            + "05010B01AC0202 0102030405060708 0501AA02D804 01 1112131415161718 0901C80101AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 0504000000"),
        ("admin request", new AdminRequest(AdminOrder.ForceRecovery), "0119000000000000000001"),
        ("admin reply", new AdminReply(true, "ok"), "011A000000000000000001026F6B"),
        ("scan question", new ScanQuestion(1, Boot, new ScanPosition(200, 63, Key), true), "011B0000000000000000010102030405060708C8013F036B6501"),
        ("scan answer", new ScanAnswer(1, 1, Boot, new Lives([0, 1, 0, 0]), default, new ScanPosition(256, 0, null), Ballot,
        [
            new(Key, Version, Version, false, false, 0, [0xAA]), new(Key, Version, default, true, true, 0, null), new(Key, Version, Version, false, false, 9, null),
        ]), "011C00000000000000000101010203040506070800010000000000800200000"
            + "1AC0202010203040506070803026B650101AC020201020304050607080501AA026B650E01AC02020102030405060708"
            + "0500026B651001AC020201020304050607080512"),
    ];

    public static TheoryData<string> Names => [.. Golden.Select(g => g.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Bytes_on_the_wire_stay_as_they_are(string name)
    {
        var (_, message, hex) = Golden.Single(g => g.Name == name);
        var bytes = Codec.Encode(message);
        var now = Convert.ToHexString(bytes);
        Assert.True(now == hex.Replace(" ", "", StringComparison.Ordinal), $"{name} is now {now}");
        Assert.Equal(RandomMessages.Text(message), RandomMessages.Text(RandomMessages.Codec.Decode(bytes)));
    }

    [Fact]
    public void Every_kind_has_golden_bytes() => Assert.Equal(
        Enum.GetValues<MessageKind>(), Golden.Select(g => (MessageKind)Codec.Encode(g.Message)[1]).Distinct().Order());

    private static Request Request(Operation operation) =>
        new(Id, Key, operation, 2, Ballot, Version, RequestMode.AsOwner | RequestMode.Strictly);
}
