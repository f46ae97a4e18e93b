// RecoveryMessages.cs - between replicas: a replica that lost its memory gets it back (protocol.md section 7).
// Plain data; Wire/ turns it into bytes. Append only.
namespace Firecloud.Actors.Protocol;

/// <summary>A key with its record.</summary>
/// <param name="Key">The key.</param>
/// <param name="Stored">The record, and whether it is only heard.</param>
public readonly record struct KeyedRecord(Key Key, StoredRecord Stored);

/// <summary>"Which life of mine do you know?"</summary>
/// <param name="From">The replica that recovers.</param>
/// <param name="Nonce">Random, of this recovery; the answers carry it back.</param>
public sealed record LifeQuestion(int From, ulong Nonce);

/// <summary>The answer: the whole vector.</summary>
/// <param name="From">The answerer.</param>
/// <param name="Nonce">From the question.</param>
/// <param name="Lives">Its lives.</param>
public sealed record LifeAnswer(int From, ulong Nonce, Lives Lives);

/// <summary>"This is my life now."</summary>
/// <param name="From">The replica that recovers.</param>
/// <param name="Nonce">Of this recovery.</param>
/// <param name="Life">Its life; from here on no answer of an earlier one counts where this is known.</param>
public sealed record LifeAnnouncement(int From, ulong Nonce, int Life);

/// <summary>The life is kept, synced; and these are the promises.</summary>
/// <param name="From">The answerer.</param>
/// <param name="Nonce">From the announcement.</param>
/// <param name="Lives">Its lives, the announced one included.</param>
/// <param name="Promised">By shard.</param>
public sealed record LifeNoted(int From, ulong Nonce, Lives Lives, IReadOnlyList<Ballot> Promised);

/// <summary>"Send me records."</summary>
/// <param name="From">The replica that recovers.</param>
/// <param name="Nonce">Of this recovery.</param>
/// <param name="Shard">The shard.</param>
/// <param name="Position">0 for the shard's begin, else what the last chunk named.</param>
public sealed record StateQuestion(int From, ulong Nonce, int Shard, int Position);

/// <summary>Some records of a shard.</summary>
/// <param name="From">The answerer.</param>
/// <param name="Nonce">From the question.</param>
/// <param name="Lives">Its lives: all chunks must be of one life of it.</param>
/// <param name="Shard">The shard.</param>
/// <param name="Position">From the question; 0 where the server had to begin the shard anew.</param>
/// <param name="Next">Where the next chunk begins; -1 when this is the shard's last.</param>
/// <param name="Records">The records.</param>
/// <param name="Dropped">The shard's dropped version, read after these records.</param>
public sealed record StateChunk(
    int From, ulong Nonce, Lives Lives, int Shard, int Position, int Next, IReadOnlyList<KeyedRecord> Records, Version Dropped);
