// LeafJournal.cs - the hash trees' leaves on disk, without a row written for every record.
//
// ROWS     a batch writes all leaves that it changes into one row, of a ring of rows that are used again and again.
// LEAVES   a leaf gets a row of its own when the last row of the ring that has it is overwritten: under load almost never, as the leaf has
//          changed again since. Its own row says which batch wrote it; what the ring has of it from earlier batches does not count.
// WATCH    used by the thread that syncs; loaded before that begins.
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Storage;

/// <summary>What is kept of a leaf.</summary>
/// <param name="Hash">Of its records.</param>
/// <param name="Count">Of its keys.</param>
internal readonly record struct LeafState(ulong Hash, int Count);

/// <summary>Writes leaves, and finds the newest state of each. A leaf's place is its shard times the leaves of a shard, and the leaf.</summary>
internal sealed class LeafJournal
{
    private readonly int _mostInRow;
    private readonly LeafState[] _leaves;   // as the batches so far left them
    private readonly ulong[] _rowOf;        // the batch whose row has it; 0: its own row, or none
    private readonly ulong[] _ownOf;        // the batch that wrote its own row; 0 for none
    private readonly (ulong Batch, int[] Places)[] _ring;

    /// <summary>Nothing is known of any leaf.</summary>
    /// <param name="shards">Number of shards.</param>
    /// <param name="rows">Of the ring. It must not shrink.</param>
    /// <param name="mostInRow">A batch that changes more leaves gives each its own row: else the ring might hold as much as a store.</param>
    public LeafJournal(int shards, int rows, int mostInRow)
    {
        var places = shards * HashTree.Leaves;
        (_mostInRow, _leaves, _rowOf, _ownOf) = (mostInRow, new LeafState[places], new ulong[places], new ulong[places]);
        _ring = new (ulong, int[])[rows];
        Array.Fill(_ring, (0ul, []));
    }

    /// <summary>Each leaf as the batches so far left it.</summary>
    public ReadOnlySpan<LeafState> Leaves => _leaves;

    /// <summary>Writes what a batch changed.</summary>
    /// <param name="changed">The leaves by place.</param>
    /// <param name="batch">Its number.</param>
    /// <param name="to">The batch.</param>
    public void Fill(Dictionary<int, LeafState> changed, ulong batch, RocksBatch to)
    {
        if (changed.Count == 0) return;
        var fits = changed.Count <= _mostInRow;
        foreach (var (at, leaf) in changed) (_leaves[at], _rowOf[at]) = (leaf, fits ? batch : 0);
        if (!fits)
        {
            foreach (var at in changed.Keys) WriteOwn(at, batch, to);
            return;
        }
        ref var slot = ref _ring[batch % (ulong)_ring.Length];
        foreach (var at in slot.Places)
        {
            if (_rowOf[at] == slot.Batch) WriteOwn(at, batch, to);
        }
        slot = (batch, [.. changed.Keys]);
        WriteRow(slot.Places, batch, to);
    }

    /// <summary>Takes what a folder has.</summary>
    /// <exception cref="DamagedStoreException">It is not what was written.</exception>
    public void Load(RocksFolder folder, int members, int shards)
    {
        foreach (var (key, value) in folder.Scan(RocksLayout.KeyOf(RocksTable.Leaf)))
        {
            // Before format 3 it named no batch.
            var (state, batch) = folder.Parse(key, value, members, shards, (ref r) => (ReadState(ref r), r.AtEnd ? 0 : r.Varint()));
            var at = RocksLayout.ShardOf(key) * HashTree.Leaves + key[^1];
            if (!IsPlace(at)) throw new DamagedStoreException($"A leaf of shard {RocksLayout.ShardOf(key)} of {shards} is stored.");
            (_leaves[at], _ownOf[at]) = (state, batch);
        }
        foreach (var (key, value) in folder.Scan(RocksLayout.KeyOf(RocksTable.Leaves)))
        {
            Take(folder.Parse(key, value, members, shards, ReadRow));
        }
    }

    private void Take((ulong Batch, (int At, LeafState State)[] Leaves) row)
    {
        foreach (var (at, state) in row.Leaves)
        {
            if (row.Batch > _ownOf[at] && row.Batch > _rowOf[at]) (_leaves[at], _rowOf[at]) = (state, row.Batch);
        }
        _ring[row.Batch % (ulong)_ring.Length] = (row.Batch, [.. row.Leaves.Select(l => l.At)]);
    }

    private (ulong Batch, (int At, LeafState State)[] Leaves) ReadRow(ref WireReader reader)
    {
        var batch = reader.Varint();
        var leaves = new (int, LeafState)[reader.Count(10)];
        for (var i = 0; i < leaves.Length; i++)
        {
            var at = reader.Number();
            if (!IsPlace(at)) throw new WireFormatException($"Leaf {at} of {_leaves.Length}.");
            leaves[i] = (at, ReadState(ref reader));
        }
        return (batch, leaves);
    }

    private bool IsPlace(int at) => at >= 0 && at < _leaves.Length;

    private static LeafState ReadState(ref WireReader reader) => new(reader.Fixed64(), reader.Number());

    private void WriteOwn(int at, ulong batch, RocksBatch to)
    {
        (_rowOf[at], _ownOf[at]) = (0, batch);
        var rest = to.Begin(RocksTable.Leaf, at / HashTree.Leaves, at % HashTree.Leaves, []);
        Write(rest, _leaves[at]);
        rest.Varint(batch);
        to.End();
    }

    private void WriteRow(int[] places, ulong batch, RocksBatch to)
    {
        var rest = to.Begin(RocksTable.Leaves, (int)(batch % (ulong)_ring.Length), 0, []);
        rest.Varint(batch);
        rest.Varint((ulong)places.Length);
        foreach (var at in places)
        {
            rest.Varint((ulong)at);
            Write(rest, _leaves[at]);
        }
        to.End();
    }

    private static void Write(WireWriter rest, LeafState leaf)
    {
        rest.Fixed64(leaf.Hash);
        rest.Varint((ulong)leaf.Count);
    }
}
