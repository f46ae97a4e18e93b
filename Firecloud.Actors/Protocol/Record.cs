namespace Firecloud.Actors.Protocol;

/// <summary>One request, as (client, number): kept through every attempt.</summary>
/// <param name="Client">A random 64-bit number of the gateway that took the request, or of a kv739 client's address.</param>
/// <param name="Number">Counts that gateway's requests, or the id that a kv739 client chose.</param>
public readonly record struct RequestId(ulong Client, ulong Number)
{
    /// <summary>client:number in hexadecimal.</summary>
    public override string ToString() => $"{Client:x}:{Number:x}";
}

/// <summary>What an operation came to.</summary>
public enum Outcome : byte
{
    /// <summary>It did what it says.</summary>
    Applied = 1,

    /// <summary>Its condition did not hold: nothing was changed.</summary>
    NotMatched = 2,

    /// <summary>The value is not a number of the kind to be added to, or the sum would not be one: nothing was changed.</summary>
    NotANumber = 3,

    /// <summary>The value would be longer than is allowed: nothing was changed.</summary>
    TooLarge = 4,
}

/// <summary>One decided request in a record's list (protocol.md section 6, rule 4).</summary>
/// <param name="Id">The request.</param>
/// <param name="Version">The version it was decided under.</param>
/// <param name="Outcome">What it came to.</param>
/// <param name="Number">An increment's result, or the length that an update left; else 0.</param>
public readonly record struct Writer(RequestId Id, Version Version, Outcome Outcome, long Number);

/// <summary>All that is kept of a key. Immutable; <see cref="None"/> stands for a key that is not held.</summary>
public sealed class Record
{
    /// <summary>Ids kept in a record.</summary>
    public const int WritersKept = 4;

    /// <summary>The key is not held.</summary>
    public static readonly Record None = new();

    private ulong _digest;   // computed when first asked for; a race computes it twice

    /// <summary>The record's place in the key's order.</summary>
    public Version Version { get; init; }

    /// <summary>The version of the last write that a client asked for; a rewrite of the same value does not change it.</summary>
    public Version Modified { get; init; }

    /// <summary>The value; null in a tombstone and where the key is not held.</summary>
    public byte[]? Value { get; init; }

    /// <summary>When the value may be dropped, in milliseconds since 1970 by the owner's clock; 0 is never.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>The last few decided requests, oldest first, at most <see cref="WritersKept"/>.</summary>
    public IReadOnlyList<Writer> Writers { get; init; } = [];

    /// <summary>The highest version whose id fell off <see cref="Writers"/>.</summary>
    public Version Forgotten { get; init; }

    /// <summary>True when <see cref="Previous"/> is the value before the last of <see cref="Writers"/> (rule 7).</summary>
    public bool KeepsPrevious { get; init; }

    /// <summary>The value before the last writer's; null where there was none.</summary>
    public byte[]? Previous { get; init; }

    /// <summary>True when some version of the key is held, be it a tombstone.</summary>
    public bool Held => !Version.IsNone;

    /// <summary>True when the key is held as deleted.</summary>
    public bool IsTombstone => Held && Value is null;

    /// <summary>When the value expires; 0 where it never does, or there is none.</summary>
    public long Expires => Value is null ? 0 : ExpiresAt;

    /// <summary>The version a client sees: <see cref="Version.None"/> where there is no value.</summary>
    public Version Visible => Value is null ? Version.None : Modified;

    /// <summary>Equal for two replicas' records of a key that have the same version and value; the mark "heard" is not part of it.</summary>
    /// <param name="key">The record's key.</param>
    internal ulong Digest(Key key)
    {
        if (_digest == 0) _digest = HashTree.DigestOf(key, this) | 1;
        return _digest;
    }

    /// <summary>An absent key, of which <paramref name="dropped"/> is the newest version that may have been forgotten.</summary>
    /// <param name="dropped">The highest dropped version among the answers (section 8).</param>
    public static Record Absent(Version dropped) => dropped.IsNone ? None : new Record { Forgotten = dropped };

    /// <summary>The same content under a new version, written by the owner itself, not by a request.</summary>
    /// <param name="version">A version of the owner's ballot.</param>
    public Record Rewritten(Version version) => new()
    {
        Version = version,
        Modified = Modified,
        Value = Value,
        ExpiresAt = ExpiresAt,
        Writers = Writers,
        Forgotten = Forgotten,
        KeepsPrevious = KeepsPrevious,
        Previous = Previous,
    };

    /// <summary>
    /// This record as the next write finds it once its value has expired: without value, the ids as they are. It is what a write is computed
    /// on, never told to anybody.
    /// </summary>
    public Record Over => new() { Version = Version, Modified = Modified, Writers = Writers, Forgotten = Forgotten };

    /// <summary>The tombstone that an owner writes, by no request, once the value has expired.</summary>
    /// <param name="version">A version of the owner's ballot.</param>
    public Record Expired(Version version) => new() { Version = version, Modified = version, Writers = Writers, Forgotten = Forgotten };

    /// <summary>
    /// True when this record still has what its last request left. An expiry is a change without a request: <see cref="Modified"/> is newer
    /// then than the version of every id.
    /// </summary>
    /// <param name="writer">The last of <see cref="Writers"/>.</param>
    public bool IsAsLeftBy(in Writer writer) => Modified <= writer.Version;

    /// <summary>What a request leaves, when the record before it is known: the list of ids is carried on.</summary>
    /// <param name="version">The new version.</param>
    /// <param name="request">The request's id.</param>
    /// <param name="decision">What the operation came to.</param>
    public Record After(Version version, RequestId request, in Decision decision)
    {
        var forgotten = Forgotten;
        var writers = new List<Writer>(WritersKept);
        var kept = Math.Min(Writers.Count, WritersKept - 1);
        for (var i = 0; i < Writers.Count; i++)
        {
            if (i < Writers.Count - kept) forgotten = Version.Max(forgotten, Writers[i].Version);
            else writers.Add(Writers[i]);
        }
        writers.Add(new Writer(request, version, decision.Outcome, decision.Number));
        return new Record
        {
            Version = version,
            Modified = decision.Writes ? version : Modified,
            Value = decision.Writes ? decision.Value : Value,
            ExpiresAt = decision.Writes ? decision.ExpiresAt : ExpiresAt,
            Writers = writers,
            Forgotten = forgotten,
            KeepsPrevious = decision.KeepsPrevious,
            Previous = decision.KeepsPrevious ? Value : null,
        };
    }

    /// <summary>What a blind put or delete leaves: its own id, and everything before it forgotten.</summary>
    /// <param name="version">The new version.</param>
    /// <param name="request">The request's id.</param>
    /// <param name="decision">What the operation came to.</param>
    public static Record Blind(Version version, RequestId request, in Decision decision) => new()
    {
        Version = version,
        Modified = version,
        Value = decision.Value,
        ExpiresAt = decision.ExpiresAt,
        Writers = [new Writer(request, version, decision.Outcome, decision.Number)],
        Forgotten = version.Before,
    };
}

/// <summary>A record as one replica has it.</summary>
/// <param name="Record">The record.</param>
/// <param name="Heard">
/// Taken by recovery, exchange or repair and not by an Accept: may be the newest, never counts as held (section 3).
/// </param>
public readonly record struct StoredRecord(Record Record, bool Heard)
{
    /// <summary>Only in the answer to a Read: the value is large, so that of the record only the version is told.</summary>
    public bool Withheld { get; private init; }

    /// <summary>The same, without its value.</summary>
    public StoredRecord WithoutValue() => new(new Record { Version = Record.Version }, Heard) { Withheld = true };

    /// <summary>The key is not held.</summary>
    public static StoredRecord None => new(Record.None, false);
}
