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
    // Keys of the shards that a member is being sent: taken once, so that positions stay what they were.
    private readonly Dictionary<int, Snapshot>[] _snapshots = [.. configuration.Members.Select(_ => new Dictionary<int, Snapshot>())];

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
        var (snapshots, position) = (_snapshots[question.From], question.Position);
        if (position == 0 || !snapshots.TryGetValue(question.Shard, out var snapshot) || snapshot.Nonce != question.Nonce)
        {
            // Asked of a server that was started again since: positions of another list mean nothing, so the shard begins anew.
            position = 0;
            snapshot = snapshots[question.Shard] = new Snapshot(question.Nonce, store.Keys(question.Shard));
        }
        var begin = position;
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
        if (next < 0) snapshots.Remove(question.Shard);
        return new StateChunk(
            self, question.Nonce, store.Lives, question.Shard, begin, next, records, store.GetDropped(question.Shard));
    }

    private sealed record Snapshot(ulong Nonce, IReadOnlyList<Key> Keys);
}
