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
    private const ulong Cluster = 0x2827262524232221;
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

    private static readonly Record Tombstone = Record.Blind(Version, Id, Decision.Write(null, 0, false));
    private static readonly Lives Lives = new([0, 1, 0, 200]);

    private static readonly (string Name, object Message, string Hex)[] Golden =
    [
        ("lookup, accept, confirm, read, drop, repair", new ReplicaRequest(2, 1, Boot,
        [
            new(ReplicaAsk.Lookup, 1, 200, Ballot, Key, null), new(ReplicaAsk.Accept, 2, 200, Ballot, Key, Record),
            new(ReplicaAsk.Confirm, 3, 200, Ballot, default, null), new(ReplicaAsk.Read, 4, 200, default, Key, null),
            new(ReplicaAsk.Drop, 0, 200, Ballot, Key, Tombstone), new(ReplicaAsk.Repair, 0, 200, default, Key, Tombstone),
        ]), "01 2122232425262728 01 0201 0102030405060708 060101C801AC02026B650202C801AC02026B653F0501AC0202 "
            + "0102030405060708 0402AABB0601CC01AC0202 0102030405060708 030281 1112131415161718 09050303 "
            + "1112131415161718 09010100 0102030405060708 "
            + "07000303C801AC020404C801026B650500C801AC02026B65200501AC0202 0102030405060708 040181 "
            + "1112131415161718 0905000600C801026B652001AC0202 0102030405060708 0501AC0202 0102030405060708 040181 "
            + "1112131415161718 090500"),
        ("ok, held, absent, refused, too old", new ReplicaAnswer(3, 1, Boot, Lives,
        [
            new(ReplicaVerdict.Ok, 1, default, StoredRecord.None, default),
            new(ReplicaVerdict.Held, 2, default, new StoredRecord(Record, Heard: true), Version),
            new(ReplicaVerdict.Held, 3, default, StoredRecord.None, default),
            new(ReplicaVerdict.Refused, 4, Ballot, StoredRecord.None, default),
            new(ReplicaVerdict.TooOld, 5, default, StoredRecord.None, default),
        ]), "01 2122232425262728 02 0301 0102030405060708 000100C80105010102027F01AC0202 0102030405060708 "
            + "0501AC0202 0102030405060708 0402AABB0601CC01AC0202 0102030405060708 030281 1112131415161718 09050303 "
            + "1112131415161718 09010100 0102030405060708 070001AC0202 0102030405060708 050203000000030401AC0202 "
            + "0102030405060708 0405"),
        ("every operation", new RequestBatch(Boot, 77,
        [
            Request(Operation.Get), Request(Operation.Put([0xAA], returnsOld: true) with { ExpiresAt = 1 }), Request(Operation.Delete()),
            Request(Operation.CompareAndSet([0xAA], null)), Request(Operation.CompareAndSet(Version, [0xBB])), Request(Operation.Increment(-1)),
        ]), "01 2122232425262728 03 0102030405060708 4D06 1112131415161718 09020901AC0202 0102030405060708 "
            + "01AC0202 0102030405060708 05026B65010000 1112131415161718 09020901AC0202 0102030405060708 01AC0202 "
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
        ]), "01 2122232425262728 04 010301 1112131415161718 0901C80101AC0202 0102030405060708 01AC0202 "
            + "0102030405060708 05010701AC0202 0102030405060708 0501AA0202 1112131415161718 0902C80101AC0202 "
            + "0102030405060708 0006 1112131415161718 0903C801000002"),
        ("announcements", new AnnouncementBatch(1, [new(200, Ballot, Version), new(0, Ballot, default)]), "01 2122232425262728 05 0102C80101AC0202 0102030405060708 01AC0202 0102030405060708 050001AC0202 "
            + "0102030405060708 00"),
        ("hello", new Hello(1, Boot, 0xF1), "01 2122232425262728 06 01 0102030405060708 F100000000000000"),
        ("welcome", new Welcome(1, Boot, 2, 3, 4, [5, 6], true), "01 2122232425262728 07 01 0102030405060708 "
            + "020000000000000003000000000000000400000000000000010205000000000000000600000000000000"),
        ("status request", new StatusRequest(), "01 2122232425262728 08"),
        ("status reply", new StatusReply("{}"u8.ToArray()), "01 2122232425262728 09 027B7D"),
        ("configuration request", new ConfigurationRequest(), "01 2122232425262728 0A"),
        ("configuration reply", new ConfigurationReply(1, 1, 256, ["a:1", "b:2"], [2, 1], 1024, 1 << 20), "01 2122232425262728 0B 0101800280088080400203613A310203623A3201"),
        ("life question", new LifeQuestion(1, 9), "01 2122232425262728 0C 01 0900000000000000"),
        ("life answer", new LifeAnswer(1, 9, Lives), "01 2122232425262728 0D 01 0900000000000000 000100C801"),
        ("life announcement", new LifeAnnouncement(1, 9, 200), "01 2122232425262728 0E 01 0900000000000000 C801"),
        ("life noted", new LifeNoted(1, 9, Lives, [Ballot, default]), "01 2122232425262728 0F 01 0900000000000000 000100C8010201AC0202 0102030405060708 00"),
        ("state question", new StateQuestion(1, 9, 200, 300), "01 2122232425262728 10 01 0900000000000000 C801AC02"),
        ("state chunk", new StateChunk(1, 9, Lives, 200, 300, 301, [new(Key, new(Tombstone, true))], Version), "01 2122232425262728 11 01 0900000000000000 000100C801C801AC02AE0201026B656001AC0202 0102030405060708 "
            + "0501AC0202 0102030405060708 040181 1112131415161718 09050001AC0202 0102030405060708 05"),
        ("last state chunk", new StateChunk(1, 9, Lives, 200, 300, -1, [], default), "01 2122232425262728 11 01 0900000000000000 000100C801C801AC02000000"),
        ("tree question", new TreeQuestion(1, 9, [7, 8]), "01 2122232425262728 12 01 0900000000000000 0207000000000000000800000000000000"),
        ("tree answer", new TreeAnswer(1, 9, 300, [new(200, [7])]), "01 2122232425262728 13 01 0900000000000000 AC0201C801010700000000000000"),
        ("versions question", new VersionsQuestion(1, 9, [(200, 15)]), "01 2122232425262728 14 01 0900000000000000 01C8010F"),
        ("versions answer", new VersionsAnswer(1, 9, [new(Key, Version, 7)]), "01 2122232425262728 15 01 0900000000000000 01026B6501AC0202 0102030405060708 050700000000000000"),
        ("records question", new RecordsQuestion(1, 9, [Key]), "01 2122232425262728 16 01 0900000000000000 01026B65"),
        ("records answer", new RecordsAnswer(1, 9, [new(Key, new(Tombstone, false))]), "01 2122232425262728 17 01 0900000000000000 01026B652001AC0202 0102030405060708 0501AC0202 "
            + "0102030405060708 040181 1112131415161718 090500"),
        ("refresh", new RefreshRequest(1, [Key], [Key, Key]), "01 2122232425262728 18 0101026B6502026B65026B65"),
        ("order", new AdminRequest(AdminOrder.Bootstrap), "01 2122232425262728 19 02"),
        ("order carried out", new AdminReply(true, "ok"), "01 2122232425262728 1A 01026F6B"),
    ];

    public static TheoryData<string> Names => [.. Golden.Select(g => g.Name)];

    [Theory, MemberData(nameof(Names))]
    public void Bytes_on_the_wire_stay_as_they_are(string name)
    {
        var (_, message, hex) = Golden.Single(g => g.Name == name);
        var bytes = Codec.Encode(message, Cluster);
        var now = Convert.ToHexString(bytes);
        Assert.True(now == hex.Replace(" ", "", StringComparison.Ordinal), $"{name} is now {now}");
        Assert.Equal(RandomMessages.Text(message), RandomMessages.Text(RandomMessages.Codec.Decode(bytes)));
    }

    [Fact]
    public void Every_kind_has_golden_bytes() => Assert.Equal(
        Enum.GetValues<MessageKind>(), Golden.Select(g => (MessageKind)Codec.Encode(g.Message)[9]).Distinct().Order());

    private static Request Request(Operation operation) =>
        new(Id, Key, operation, 2, Ballot, Version, RequestMode.AsOwner | RequestMode.Strictly);
}
