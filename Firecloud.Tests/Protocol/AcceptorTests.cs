// AcceptorTests.cs - protocol.md section 4, the replica's side; section 3 on what is heard; section 8 on what is too old.
using Firecloud.Actors;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class AcceptorTests
{
    private readonly MemoryRecordStore _store = new(shards: 2, members: 4);
    private readonly Acceptor _acceptor;

    public AcceptorTests() => _acceptor = new Acceptor(_store, self: 2, epoch: 1);

    [Theory]
    [InlineData(ReplicaAsk.Lookup)]
    [InlineData(ReplicaAsk.Accept)]
    [InlineData(ReplicaAsk.Confirm)]
    public void Whatever_names_a_ballot_promises_it(ReplicaAsk ask)
    {
        Assert.NotEqual(ReplicaVerdict.Refused, Ask(ask, Make.Ballot(5)).Verdict);
        Assert.Equal(Make.Ballot(5), _store.GetPromised(0));
        Assert.True(_store.GetPromised(1).IsNone, "a promise is for one shard");
    }

    [Fact]
    public void A_read_promises_nothing_and_is_never_refused()
    {
        Ask(ReplicaAsk.Confirm, Make.Ballot(5));
        Assert.Equal(ReplicaVerdict.Held, Ask(ReplicaAsk.Read, Ballot.None).Verdict);
        Assert.Equal(Make.Ballot(5), _store.GetPromised(0));
    }

    [Theory]
    [InlineData(4096, 0, false)]
    [InlineData(4097, 0, true)]
    [InlineData(4097, 2, false)]   // the own coordinator
    public void A_large_value_is_read_by_the_own_coordinator_only(int length, int from, bool isWithheld)
    {
        Accept(Make.Written(Make.Version(1, 1), new string('v', length)));
        var request = new ReplicaRequest(from, 1, 1, [new ReplicaItem(ReplicaAsk.Read, 1, 0, Ballot.None, Make.Key, null)]);
        var stored = Assert.Single(_acceptor.Handle(request)!.Items).Stored;
        Assert.Equal((isWithheld, isWithheld ? null : length, Make.Version(1, 1)), (stored.Withheld, stored.Record.Value?.Length, stored.Record.Version));
        Assert.Equal(length, Ask(ReplicaAsk.Lookup, Make.Ballot(2)).Stored.Record.Value!.Length);
    }

    [Theory]
    [InlineData(ReplicaAsk.Lookup)]
    [InlineData(ReplicaAsk.Accept)]
    [InlineData(ReplicaAsk.Confirm)]
    public void A_lower_ballot_is_refused_with_the_promised_one(ReplicaAsk ask)
    {
        Ask(ReplicaAsk.Confirm, Make.Ballot(5, node: 1));
        var answer = Ask(ask, Make.Ballot(5, node: 0));
        Assert.Equal((ReplicaVerdict.Refused, Make.Ballot(5, node: 1)), (answer.Verdict, answer.Promised));
        Assert.False(_store.Get(0, Make.Key).Record.Held, "a refused accept keeps nothing");
        Assert.NotEqual(ReplicaVerdict.Refused, Ask(ask, Make.Ballot(5, node: 1)).Verdict);
    }

    [Fact]
    public void A_record_is_kept_only_if_it_is_newer_and_ok_is_said_anyway()
    {
        Accept(Make.Written(Make.Version(1, 2), "new"));
        Assert.Equal(ReplicaVerdict.Ok, Accept(Make.Written(Make.Version(1, 1), "old")).Verdict);
        Assert.Equal("new", Make.Text(_store.Get(0, Make.Key).Record.Value));
        Accept(Make.Written(Make.Version(1, 3), "newest"));
        Assert.Equal("newest", Make.Text(_store.Get(0, Make.Key).Record.Value));
    }

    [Fact]
    public void A_second_accept_of_one_version_changes_nothing()
    {
        var record = Make.Written(Make.Version(1, 1), "v");
        Accept(record);
        Assert.Equal(ReplicaVerdict.Ok, Accept(Make.Written(Make.Version(1, 1), "v")).Verdict);
        Assert.Same(record, _store.Get(0, Make.Key).Record);
    }

    [Fact]
    public void An_accept_of_the_same_or_a_newer_version_clears_the_mark_heard_but_an_older_one_does_not()
    {
        Hear(Make.Version(1, 2));
        Accept(Make.Written(Make.Version(1, 1), "v"));
        Assert.True(_store.Get(0, Make.Key).Heard);
        Accept(Make.Written(Make.Version(1, 2), "v"));
        Assert.False(_store.Get(0, Make.Key).Heard);
        Hear(Make.Version(1, 3));
        Accept(Make.Written(Make.Version(1, 4), "v"));
        Assert.False(_store.Get(0, Make.Key).Heard);
    }

    [Fact]
    public void Lookup_and_read_answer_the_record_its_mark_and_the_dropped_version()
    {
        Hear(Make.Version(1, 2));
        _store.RaiseDropped(0, Make.Version(1, 1));
        foreach (var answer in new[] { Ask(ReplicaAsk.Lookup, Make.Ballot(2)), Ask(ReplicaAsk.Read, Ballot.None) })
        {
            Assert.Equal((ReplicaVerdict.Held, true, Make.Version(1, 2)), (answer.Verdict, answer.Stored.Heard, answer.Stored.Record.Version));
            Assert.Equal(Make.Version(1, 1), answer.Dropped);
        }
    }

    [Fact]
    public void A_version_not_above_the_dropped_one_is_too_old_for_a_key_that_is_not_held()
    {
        _store.RaiseDropped(0, Make.Version(1, 5));
        Assert.Equal(ReplicaVerdict.TooOld, Accept(Make.Written(Make.Version(1, 5), "v")).Verdict);
        Assert.False(_store.Get(0, Make.Key).Record.Held);
        Assert.Equal(ReplicaVerdict.Ok, Accept(Make.Written(Make.Version(1, 6), "v")).Verdict);
        // Once the key is held, its own version decides.
        Assert.Equal(ReplicaVerdict.Ok, Accept(Make.Written(Make.Version(1, 4), "v")).Verdict);
    }

    [Fact]
    public void A_request_of_another_epoch_is_not_answered()
    {
        var item = new ReplicaItem(ReplicaAsk.Read, 1, 0, Ballot.None, Make.Key, null);
        Assert.Null(_acceptor.Handle(new ReplicaRequest(0, 2, 1, [item])));
    }

    [Fact]
    public void An_answer_names_the_replica_the_askers_boot_all_lives_and_every_round()
    {
        _store.Lives = new Lives([0, 3, 1, 0]);
        ReplicaItem[] items =
        [
            new(ReplicaAsk.Read, 11, 0, Ballot.None, Make.Key, null),
            new(ReplicaAsk.Confirm, 12, 1, Make.Ballot(1), default, null),
        ];
        var answer = _acceptor.Handle(new ReplicaRequest(1, 1, 77, items))!;
        Assert.Equal((2, 1u, 77ul, new Lives([0, 3, 1, 0])), (answer.From, answer.Epoch, answer.Boot, answer.Lives));
        Assert.Equal([11ul, 12ul], answer.Items.Select(i => i.Round));
    }

    [Fact]
    public void An_accept_under_another_ballot_than_its_records_is_a_bug() => Assert.Throws<InvariantViolationException>(() =>
        _acceptor.Handle(new ReplicaRequest(
            0, 1, 1, [new(ReplicaAsk.Accept, 1, 0, Make.Ballot(9), Make.Key, Make.Written(Make.Version(1, 1), "v"))])));

    private ReplicaAnswerItem Ask(ReplicaAsk ask, Ballot ballot)
    {
        var record = ask == ReplicaAsk.Accept ? Make.Written(new Version(ballot, 1), "v") : null;
        return Handle(new ReplicaItem(ask, 1, 0, ballot, Make.Key, record));
    }

    private ReplicaAnswerItem Accept(Record record) =>
        Handle(new ReplicaItem(ReplicaAsk.Accept, 1, 0, record.Version.Ballot, Make.Key, record));

    private ReplicaAnswerItem Handle(ReplicaItem item) => _acceptor.Handle(new ReplicaRequest(0, 1, 1, [item]))!.Items.Single();

    private void Hear(Version version) => _store.Put(0, Make.Key, new StoredRecord(Make.Written(version, "v"), Heard: true));
}
