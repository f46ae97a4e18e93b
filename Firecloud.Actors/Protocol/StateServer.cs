// StateServer.cs - the other side of Recovery: a replica that has its memory notes the life of one that has not, and sends it
// promises first, then records shard by shard in chunks, each shard's dropped version after its last record.
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Sends this replica's state to members that recover, while it serves.</summary>
/// <param name="store">What it keeps.</param>
/// <param name="configuration">The cluster.</param>
/// <param name="self">Its member index.</param>
/// <param name="chunkSize">About how many bytes go into one chunk.</param>
/// <param name="rules">For tests; the protocol's where null.</param>
internal sealed class StateServer(
    IRecordStore store, Configuration configuration, int self, int chunkSize, Rules? rules = null)
{
    // Keys of the shard that a member is being sent: taken once, so that positions stay what they were.
    private readonly Snapshot?[] _snapshots = new Snapshot?[configuration.Members.Count];

    public LifeAnswer OnQuestion(LifeQuestion question) => new(self, question.Nonce, store.Lives);

    /// <summary>Notes a life. The driver syncs the store before it sends the answer.</summary>
    public LifeNoted OnAnnouncement(LifeAnnouncement announcement)
    {
        var lives = store.Lives.Raised(announcement.From, announcement.Life);
        if ((rules ?? Rules.Protocol).NotesLives) store.Lives = lives;
        var promised = new Ballot[configuration.Shards];
        for (var shard = 0; shard < promised.Length; shard++) promised[shard] = store.GetPromised(shard);
        return new LifeNoted(self, announcement.Nonce, lives, promised);
    }

    public StateChunk OnQuestion(StateQuestion question)
    {
        var snapshot = _snapshots[question.From];
        var position = question.Position;
        if (position == 0 || snapshot is null || snapshot.Nonce != question.Nonce || snapshot.Shard != question.Shard)
        {
            snapshot = _snapshots[question.From] = new Snapshot(question.Nonce, question.Shard, store.Keys(question.Shard));
        }
        var records = new List<KeyedRecord>();
        var bytes = 0;
        while (position < snapshot.Keys.Count && bytes < chunkSize)
        {
            var key = snapshot.Keys[position++];
            var stored = store.Get(question.Shard, key);
            if (!stored.Record.Held) continue;   // dropped meanwhile: `dropped` below tells
            records.Add(new KeyedRecord(key, stored));
            bytes += Batching.SizeOf(key, stored.Record);
        }
        var next = position < snapshot.Keys.Count ? position : -1;
        if (next < 0 && question.Shard == configuration.Shards - 1) _snapshots[question.From] = null;
        return new StateChunk(
            self, question.Nonce, store.Lives, question.Shard, question.Position, next, records, store.GetDropped(question.Shard));
    }

    private sealed record Snapshot(ulong Nonce, int Shard, IReadOnlyList<Key> Keys);
}
