using System.Buffers.Binary;
using System.IO.Hashing;

namespace Firecloud.Actors.Protocol;

/// <summary>A two-level hash tree over one shard's records: shard, leaves, keys (Merkle 1987, as in Dynamo's anti-entropy).</summary>
/// <remarks>
/// A leaf's hash is the sum of its records' digests, modulo 2^64: a record is added or taken away in constant time, in any order.
/// It finds accidents, not forgers: members trust each other.
/// </remarks>
public sealed class HashTree
{
    /// <summary>Leaves of a shard.</summary>
    public const int Leaves = 64;

    private readonly ulong[] _leaves = new ulong[Leaves];

    /// <summary>The hash of one leaf.</summary>
    /// <param name="leaf">0 to <see cref="Leaves"/> - 1.</param>
    public ulong this[int leaf] => _leaves[leaf];

    /// <summary>A record took the place of another.</summary>
    /// <param name="key">The key.</param>
    /// <param name="before">The record before; <see cref="Record.None"/> where there was none.</param>
    /// <param name="after">The record now; <see cref="Record.None"/> where it was dropped.</param>
    public void Replace(Key key, Record before, Record after)
    {
        ref var leaf = ref _leaves[key.Leaf];
        unchecked
        {
            if (before.Held) leaf -= before.Digest(key);
            if (after.Held) leaf += after.Digest(key);
        }
    }

    /// <summary>Sets a leaf's hash to what a durable store has kept of it.</summary>
    /// <param name="leaf">0 to <see cref="Leaves"/> - 1.</param>
    /// <param name="hash">The hash as it was read from this tree.</param>
    internal void Restore(int leaf, ulong hash) => _leaves[leaf] = hash;

    /// <summary>One hash for a whole shard.</summary>
    /// <param name="store">The replica's store.</param>
    /// <param name="shard">The shard.</param>
    public static ulong ShardHash(Storage.IRecordStore store, int shard)
    {
        var hash = 0UL;
        for (var leaf = 0; leaf < Leaves; leaf++) hash = unchecked(hash * 0x9E3779B97F4A7C15 + store.LeafHash(shard, leaf));
        return hash;
    }

    internal static ulong DigestOf(Key key, Record record)
    {
        Span<byte> fixedPart = stackalloc byte[56];
        var ballot = record.Version.Ballot;
        BinaryPrimitives.WriteUInt64LittleEndian(fixedPart, key.Hash);
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart[8..], ballot.Epoch);
        BinaryPrimitives.WriteInt32LittleEndian(fixedPart[12..], ballot.Node);
        BinaryPrimitives.WriteUInt64LittleEndian(fixedPart[16..], ballot.Round);
        BinaryPrimitives.WriteUInt64LittleEndian(fixedPart[24..], ballot.Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(fixedPart[32..], record.Version.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(fixedPart[40..], record.Value is null ? 0 : XxHash3.HashToUInt64(record.Value, 1) | 1);
        BinaryPrimitives.WriteInt64LittleEndian(fixedPart[48..], record.ExpiresAt);
        return XxHash3.HashToUInt64(fixedPart);
    }
}
