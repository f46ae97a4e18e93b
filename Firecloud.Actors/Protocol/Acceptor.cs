// Acceptor.cs - one replica's side of protocol.md section 4: promises, records, refusals. Without I/O: what it writes goes to
// the store, what it answers comes back, and the driver (Replica/ReplicaActor) sends an answer only after the store is synced.
//
// INPUTS   requests of coordinators, checked by the codec (shards and members in range). Each may come late, twice or never.
// OUTPUTS  one answer item per item asked. Same store, same input: same output.
// WATCH    a replica that lost its memory must not be given requests at all before it has recovered (section 7).
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Decides what one replica answers.</summary>
/// <param name="store">What it keeps.</param>
/// <param name="self">Its member index.</param>
/// <param name="epoch">The epoch of its configuration.</param>
public sealed class Acceptor(IRecordStore store, int self, uint epoch)
{
    /// <summary>Bytes of a value up to which another member's Read is answered with it. That member's own replica has it too, mostly.</summary>
    internal int MostReadElsewhere { get; init; } = 4096;

    internal Rules Rules { get; init; } = Rules.Protocol;

    /// <summary>Takes a record that is only heard of: <see cref="CatchUp.Hear"/>.</summary>
    internal Func<Key, Record, bool>? Hear { get; init; }

    /// <summary>Parts a batch: reads that rest on synced state only need not wait behind a sync.</summary>
    /// <param name="request">The batch.</param>
    /// <returns>What may be answered at once, and what only after a sync; null for none.</returns>
    public (ReplicaRequest? AtOnce, ReplicaRequest? AfterSync) Part(ReplicaRequest request)
    {
        List<ReplicaItem>? atOnce = null, afterSync = null;
        foreach (var item in request.Items)
        {
            if (Rules.MayAnswerAtOnce(store, item)) (atOnce ??= []).Add(item);
            else (afterSync ??= []).Add(item);
        }
        return (
            atOnce is null ? null : request with { Items = atOnce },
            afterSync is null ? null : atOnce is null ? request : request with { Items = afterSync });
    }

    /// <summary>Handles one batch.</summary>
    /// <param name="request">The batch.</param>
    /// <returns>One answer, to be sent once the store is synced; null for a request of another epoch.</returns>
    public ReplicaAnswer? Handle(ReplicaRequest request)
    {
        // A count never mixes epochs (section 9). With one fixed configuration another epoch is another cluster's mistake.
        if (!Rules.SameEpoch(request.Epoch, epoch)) return null;
        var items = new List<ReplicaAnswerItem>(request.Items.Count);
        foreach (var item in request.Items)
        {
            if (item.Ask == ReplicaAsk.Drop) Drop(item);
            else if (item.Ask == ReplicaAsk.Repair) Hear?.Invoke(item.Key, item.Record!);
            else if (item.Ask == ReplicaAsk.Read) items.Add(Read(item, request.From));
            else items.Add(Handle(item));
        }
        return new ReplicaAnswer(self, epoch, request.Boot, store.Lives, items);
    }

    private ReplicaAnswerItem Handle(in ReplicaItem item)
    {
        var promised = store.GetPromised(item.Shard);
        if (item.Ballot < promised) return new ReplicaAnswerItem(ReplicaVerdict.Refused, item.Round, promised, default, default);
        if (item.Ballot > promised && Rules.Promises(item.Ask)) store.SetPromised(item.Shard, item.Ballot);
        return item.Ask switch
        {
            ReplicaAsk.Lookup => Held(item),
            ReplicaAsk.Accept => Accept(item),
            _ => Ok(item),
        };
    }

    private ReplicaAnswerItem Accept(in ReplicaItem item)
    {
        var record = item.Record;
        Invariant.That(record is { Held: true } && record.Version.Ballot == item.Ballot);
        var own = store.Get(item.Shard, item.Key);
        if (Rules.IsTooOld(own.Record, record.Version, store.GetDropped(item.Shard)))
        {
            return new ReplicaAnswerItem(ReplicaVerdict.TooOld, item.Round, default, default, default);
        }
        // The same version again clears the mark "heard": now it was accepted.
        var keeps = own.Record.Version < record.Version || (own.Record.Version == record.Version && own.Heard);
        if (keeps) store.Put(item.Shard, item.Key, new StoredRecord(record, Heard: false));
        return Ok(item);
    }

    // Exactly that version, or nothing: section 8.
    private void Drop(in ReplicaItem item)
    {
        var version = item.Record!.Version;
        var own = store.Get(item.Shard, item.Key).Record;
        if (!own.IsTombstone || own.Version != version) return;
        store.RaiseDropped(item.Shard, version);
        store.Remove(item.Shard, item.Key);
    }

    private ReplicaAnswerItem Read(in ReplicaItem item, int from)
    {
        var answer = Held(item);
        var isLarge = answer.Stored.Record.Value?.Length > MostReadElsewhere;
        return isLarge && from != self ? answer with { Stored = answer.Stored.WithoutValue() } : answer;
    }

    private ReplicaAnswerItem Held(in ReplicaItem item) => new(
        ReplicaVerdict.Held, item.Round, default, store.Get(item.Shard, item.Key), store.GetDropped(item.Shard));

    private static ReplicaAnswerItem Ok(in ReplicaItem item) => new(ReplicaVerdict.Ok, item.Round, default, default, default);
}
