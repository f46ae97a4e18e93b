// OwnerBench.cs - proposers and the replicas of their group, all in memory: the test decides which message arrives when.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

/// <summary>The replicas of one group, one shard unless said otherwise.</summary>
internal sealed class Replicas
{
    public Replicas(int shards = 1, params int[] votes)
    {
        Configuration = Make.Configuration(shards, votes);
        Stores = [.. Configuration.Members.Select(_ => new MemoryRecordStore(shards, Configuration.Members.Count))];
        Acceptors = [.. Stores.Select((s, i) => new Acceptor(s, i, Configuration.Epoch))];
    }

    public Configuration Configuration { get; }

    public MemoryRecordStore[] Stores { get; }

    public Acceptor[] Acceptors { get; }

    public void Hold(Record record, params int[] members) => Keep(record, false, members);

    public void Hear(Record record, params int[] members) => Keep(record, true, members);

    private void Keep(Record record, bool heard, int[] members)
    {
        foreach (var each in members)
        {
            Stores[each].Put(0, Make.Key, new StoredRecord(record, heard));
            if (Stores[each].GetPromised(0) < record.Version.Ballot) Stores[each].SetPromised(0, record.Version.Ballot);
        }
    }
}

/// <summary>One coordinator's proposer.</summary>
internal sealed class OwnerBench
{
    public static readonly ProposerLimits Limits = new(1000, 1000, 1000, 500, 30, 0, 0);

    private readonly List<ReplicaItem>[] _mail;

    public OwnerBench(Replicas? replicas = null, int self = 0, ProposerLimits? limits = null, ulong? boot = null)
    {
        Replicas = replicas ?? new Replicas();
        Proposer = new Proposer(Replicas.Configuration, self, boot ?? (ulong)(100 + self), limits ?? Limits);
        _mail = [.. Replicas.Configuration.Members.Select(_ => new List<ReplicaItem>())];
    }

    public Replicas Replicas { get; }

    public Proposer Proposer { get; }

    /// <summary>Every reply so far, oldest first.</summary>
    public List<Reply> Replies { get; } = [];

    /// <summary>The ballot that <see cref="Own"/> took.</summary>
    public Ballot Ballot { get; private set; }

    public Reply? ReplyTo(ulong number) => Replies.LastOrDefault(r => r.Id == Make.Id(number));

    /// <summary>Makes the proposer take a ballot above those given, as a first request with no ballot named does.</summary>
    public OwnerBench Own(Ballot above = default)
    {
        if (!above.IsNone) Proposer.Saw(0, above);
        Proposer.Submit(Make.Request(999_999, Make.Put(""), mode: RequestMode.MustOwn), this);
        Flush();
        Assert.Equal(ReplyStatus.OtherBallot, Replies[^1].Status);
        Ballot = Replies[^1].Ballot;
        Replies.Clear();
        return this;
    }

    /// <summary>Attempt 1 under the ballot held, unless the request says otherwise. Returns what is sent to all.</summary>
    public IReadOnlyList<ReplicaItem> Submit(ulong number, Operation operation, Key? key = null) =>
        Submit(Make.Request(number, operation, Ballot, key: key));

    /// <summary>A later attempt, under the ballot held.</summary>
    public IReadOnlyList<ReplicaItem> Retry(ulong number, Operation operation, Version floor = default) =>
        Submit(Make.Request(number, operation, Make.Ballot(1), attempt: 2, floor: floor));

    public IReadOnlyList<ReplicaItem> Submit(params Request[] requests)
    {
        foreach (var each in requests) Proposer.Submit(each, this);
        return Flush();
    }

    public IReadOnlyList<ReplicaItem> Flush()
    {
        Proposer.Flush();
        var outbox = Proposer.Outbox;
        ReplicaItem[] sent = [.. outbox.ToAll];
        outbox.ToAll.Clear();
        for (var member = 0; member < _mail.Length; member++)
        {
            _mail[member].AddRange(sent);
            _mail[member].AddRange(outbox.ToMember[member]);
            outbox.ToMember[member].Clear();
        }
        Replies.AddRange(outbox.Replies.Select(r => r.Reply));
        outbox.Replies.Clear();
        return sent;
    }

    public IReadOnlyList<ReplicaItem> MailOf(int member) => _mail[member];

    /// <summary>Members get their mail, in this order, and their answers come back at once.</summary>
    public void Deliver(params int[] members)
    {
        foreach (var member in members) DeliverOnly(member, _ => true);
    }

    /// <summary>A member gets some of its mail; the rest stays on its way.</summary>
    public void DeliverOnly(int member, Func<ReplicaItem, bool> which)
    {
        var items = _mail[member].Where(which).ToArray();
        _mail[member].RemoveAll(i => which(i));
        if (items.Length == 0) return;
        Proposer.OnAnswer(Answer(member, items));
        Flush();
    }

    /// <summary>What a member answers; it does not reach the proposer.</summary>
    public ReplicaAnswer Answer(int member, params ReplicaItem[] items) => Replicas.Acceptors[member].Handle(
        new ReplicaRequest(Proposer.Self, Replicas.Configuration.Epoch, Proposer.Boot, items))!;

    /// <summary>Everybody gets everything until nothing is on its way.</summary>
    public void Settle()
    {
        while (_mail.Any(m => m.Count > 0)) Deliver([.. Enumerable.Range(0, _mail.Length)]);
    }

    public void LoseMail()
    {
        foreach (var mail in _mail) mail.Clear();
    }

    /// <summary>Runs one operation to its end and returns its answer.</summary>
    public Reply Run(ulong number, Operation operation)
    {
        Submit(number, operation);
        Settle();
        return ReplyTo(number)!;
    }
}
