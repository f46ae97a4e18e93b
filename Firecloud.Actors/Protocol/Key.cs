using System.IO.Hashing;
using System.Text;

namespace Firecloud.Actors.Protocol;

/// <summary>A key: 1 byte up to the configured limit, any bytes. Not copied; don't change the array afterwards.</summary>
public readonly struct Key : IEquatable<Key>
{
    private readonly byte[]? _bytes;
    private readonly ulong _hash;

    /// <summary>Creates a key around an array.</summary>
    /// <param name="bytes">The key's bytes; not empty (the edges check that and answer with a sentence).</param>
    public Key(byte[] bytes)
    {
        Invariant.That(bytes.Length > 0);
        _bytes = bytes;
        _hash = XxHash3.HashToUInt64(bytes);
    }

    /// <summary>Creates a key from text, as UTF-8.</summary>
    /// <param name="text">Not empty.</param>
    public Key(string text) : this(Encoding.UTF8.GetBytes(text)) { }

    /// <summary>The key's bytes.</summary>
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>The key's bytes, not copied.</summary>
    public byte[] Bytes => _bytes ?? [];

    /// <summary>Length in bytes.</summary>
    public int Length => _bytes?.Length ?? 0;

    /// <summary>The hash slot of this key. The same on every node and for the life of the cluster.</summary>
    /// <param name="shards">Number of shards of the cluster.</param>
    /// <remarks>XXH3 64 (seed 0): the upper half picks the shard, the lower one the place in a dictionary.</remarks>
    public int Shard(int shards) => (int)((_hash >> 32) % (uint)shards);

    /// <summary>The leaf of its shard's hash tree.</summary>
    public int Leaf => (int)(_hash >> 8 & (HashTree.Leaves - 1));

    /// <summary>The hash that <see cref="Shard"/> and <see cref="Leaf"/> come from.</summary>
    internal ulong Hash => _hash;

    /// <inheritdoc/>
    public bool Equals(Key other) => _hash == other._hash && Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Key other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)_hash;

    /// <summary>Equality by bytes.</summary>
    public static bool operator ==(Key left, Key right) => left.Equals(right);

    /// <summary>Inequality by bytes.</summary>
    public static bool operator !=(Key left, Key right) => !left.Equals(right);

    /// <summary>The key as UTF-8 text, for logs.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);
}
