// CatchUpMessages.cs - between replicas: a replica compares hash trees with another and takes what it lacks (protocol.md
// section 8); and what it asks of an owner. Plain data; Wire/ turns it into bytes. Append only.
namespace Firecloud.Actors.Protocol;

/// <summary>"Where do we differ?" - all shards' hashes.</summary>
/// <param name="From">The replica that asks.</param>
/// <param name="Nonce">Of this comparison; the answers carry it back.</param>
/// <param name="Hashes">By shard.</param>
public sealed record TreeQuestion(int From, ulong Nonce, IReadOnlyList<ulong> Hashes);

/// <summary>The leaves of one shard.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Hashes">By leaf.</param>
public readonly record struct ShardLeaves(int Shard, IReadOnlyList<ulong> Hashes);

/// <summary>How many shards differ, and the leaves of some of them.</summary>
/// <param name="From">The answerer.</param>
/// <param name="Nonce">From the question.</param>
/// <param name="Differing">Shards whose hashes differ.</param>
/// <param name="Shards">The leaves of at most a few of them.</param>
public sealed record TreeAnswer(int From, ulong Nonce, int Differing, IReadOnlyList<ShardLeaves> Shards);

/// <summary>"Which versions do you have in these leaves?"</summary>
/// <param name="From">The replica that asks.</param>
/// <param name="Nonce">Of this comparison.</param>
/// <param name="Leaves">Shard and leaf.</param>
public sealed record VersionsQuestion(int From, ulong Nonce, IReadOnlyList<(int Shard, int Leaf)> Leaves);

/// <summary>A key's version and the digest over version and value.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">Equal where version and value are.</param>
public readonly record struct KeyVersion(Key Key, Version Version, ulong Digest);

/// <summary>The versions in some of the leaves asked for: whole leaves, as many as fit.</summary>
/// <param name="From">The answerer.</param>
/// <param name="Nonce">From the question.</param>
/// <param name="Versions">The keys held.</param>
public sealed record VersionsAnswer(int From, ulong Nonce, IReadOnlyList<KeyVersion> Versions);

/// <summary>"Send me these."</summary>
/// <param name="From">The replica that asks.</param>
/// <param name="Nonce">Of this comparison.</param>
/// <param name="Keys">The keys.</param>
public sealed record RecordsQuestion(int From, ulong Nonce, IReadOnlyList<Key> Keys);

/// <summary>Some of the records asked for, as many as fit.</summary>
/// <param name="From">The answerer.</param>
/// <param name="Nonce">From the question.</param>
/// <param name="Records">The records; whoever takes them has heard of them, no more.</param>
public sealed record RecordsAnswer(int From, ulong Nonce, IReadOnlyList<KeyedRecord> Records);

/// <summary>A replica to an owner: write the newest record of these keys again.</summary>
/// <param name="From">The replica.</param>
/// <param name="TooOld">Keys that it lacks and may not take, because their version is not above its dropped one.</param>
/// <param name="Tombstones">Keys that it still holds as deleted, though every member could have accepted that by now.</param>
public sealed record RefreshRequest(int From, IReadOnlyList<Key> TooOld, IReadOnlyList<Key> Tombstones)
{
    /// <summary>Keys that it still holds with a value that has expired for a while by its own clock; the owner's clock judges (section 11).</summary>
    public IReadOnlyList<Key> Expired { get; init; } = [];

    /// <summary>Its parts, each with the keys of one owner; keys without an owner in reach are left out.</summary>
    /// <param name="ownerOf">A key's owner, or -1.</param>
    internal IEnumerable<(int Owner, RefreshRequest Request)> ByOwner(Func<Key, int> ownerOf)
    {
        foreach (var owner in TooOld.Concat(Tombstones).Concat(Expired).Select(ownerOf).Where(o => o >= 0).Distinct())
        {
            yield return (owner, new RefreshRequest(From, Of(TooOld), Of(Tombstones)) { Expired = Of(Expired) });

            Key[] Of(IReadOnlyList<Key> keys) => [.. keys.Where(k => ownerOf(k) == owner)];
        }
    }
}
