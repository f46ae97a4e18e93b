// History.cs - what clients asked and what they were told: the input of the linearizability checker.
//
// An Operation is one call of one client on one key. Its Answer says how it ended:
//   Done     it took effect exactly once, at one moment between Call and Return, and the answer's fields describe that moment
//   Refused  it certainly did not happen and never will; the checker leaves it out
//   Unknown  it may take effect at any time after Call, even after Return, or never; so does a call that never returned
// WATCH    a field that the answer does not carry stays "not known" (ValueKnown, Applied, Number, Version) and is then not
//          checked. Recording a guess there makes the checker report errors that are none.
namespace Firecloud.Tests.Checker;

/// <summary>The version of a record as a client may see it; ordered field by field, first field first.</summary>
/// <remarks>The default value means "version nothing" (a key that nobody holds) and tells nothing about the order.</remarks>
public readonly record struct HistoryVersion(ulong Epoch, ulong Round, ulong Node, ulong Boot, ulong Sequence)
    : IComparable<HistoryVersion>
{
    /// <summary>A version for tests that need only one number.</summary>
    public static HistoryVersion Of(ulong sequence) => new(1, 1, 1, 1, sequence);

    public int CompareTo(HistoryVersion other)
    {
        var order = Epoch.CompareTo(other.Epoch);
        if (order == 0) order = Round.CompareTo(other.Round);
        if (order == 0) order = Node.CompareTo(other.Node);
        if (order == 0) order = Boot.CompareTo(other.Boot);
        return order != 0 ? order : Sequence.CompareTo(other.Sequence);
    }

    public static bool operator <(HistoryVersion left, HistoryVersion right) => left.CompareTo(right) < 0;
    public static bool operator >(HistoryVersion left, HistoryVersion right) => left.CompareTo(right) > 0;
    public static bool operator <=(HistoryVersion left, HistoryVersion right) => left.CompareTo(right) <= 0;
    public static bool operator >=(HistoryVersion left, HistoryVersion right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Epoch}.{Round}.{Node}.{Boot:x}.{Sequence}";
}

public enum OperationKind
{
    Get, Put, PutReturningOld, Delete, DeleteReturningOld, CompareAndSet, CompareAndSetByVersion, Increment,

    /// <summary>Writes the value that is there again, under a new version; a "no" where there is none.</summary>
    Touch,

    /// <summary>The store removes a value by itself, if it is Expected or was counted up from it; any value where that is null.</summary>
    Expire,
}

public enum Outcome { Unknown, Done, Refused }

/// <summary>What the client was told. Use the factories: each sets exactly the fields that such an answer carries.</summary>
public sealed record Answer
{
    public static readonly Answer Unknown = new();
    public static readonly Answer Refused = new() { Outcome = Outcome.Refused };

    public Outcome Outcome { get; init; }

    /// <summary>The current value (get, a no) or the old one; null = absent. Meaningful only if ValueKnown.</summary>
    public string? Value { get; init; }
    public bool ValueKnown { get; init; }

    /// <summary>Compare-and-set: was it set. Delete: was there a value. Null = not told.</summary>
    public bool? Applied { get; init; }

    /// <summary>The counter after an increment; null = not told.</summary>
    public long? Number { get; init; }

    /// <summary>The version written, or for an answer without effect the version seen; null = not told.</summary>
    public HistoryVersion? Version { get; init; }

    public static Answer Got(string? value, HistoryVersion? version = null) =>
        new() { Outcome = Outcome.Done, Value = value, ValueKnown = true, Version = version };

    /// <summary>Done, and nothing more is known: a blind put or delete, or a retry whose result was forgotten.</summary>
    public static Answer Written(HistoryVersion? version = null) => new() { Outcome = Outcome.Done, Version = version };

    public static Answer WithOld(string? old, HistoryVersion? version = null) => Got(old, version);

    public static Answer OldNotKnown(HistoryVersion? version = null) => Written(version);

    public static Answer Deleted(bool existed, HistoryVersion? version = null) =>
        new() { Outcome = Outcome.Done, Applied = existed, Version = version };

    public static Answer Swapped(HistoryVersion? version = null) =>
        new() { Outcome = Outcome.Done, Applied = true, Version = version };

    /// <summary>A compare-and-set said no without naming the current value.</summary>
    public static Answer NotSwapped(HistoryVersion? version = null) =>
        new() { Outcome = Outcome.Done, Applied = false, Version = version };

    /// <summary>A compare-and-set said no and named the current value; null = absent.</summary>
    public static Answer NotSwappedBecause(string? current, HistoryVersion? version = null) =>
        new() { Outcome = Outcome.Done, Applied = false, Value = current, ValueKnown = true, Version = version };

    public static Answer Counted(long number, HistoryVersion? version = null) =>
        new() { Outcome = Outcome.Done, Number = number, Version = version };
}

/// <summary>One call. Times are ticks of one counter: a ended before b began exactly if a.Return &lt; b.Call.</summary>
public sealed record Operation(int Client, string Key, OperationKind Kind)
{
    public const long Never = long.MaxValue;

    /// <summary>The value to store. Null for kinds without one; in a compare-and-set null means delete.</summary>
    public string? Value { get; init; }

    /// <summary>Compare-and-set by value: the value that must be there; null = absent.</summary>
    public string? Expected { get; init; }

    /// <summary>Compare-and-set by version: the version that must be there; null = the key must be absent.</summary>
    public HistoryVersion? ExpectedVersion { get; init; }

    public long Delta { get; init; }
    public long Call { get; init; }
    public long Return { get; init; } = Never;
    public Answer Answer { get; init; } = Answer.Unknown;

    /// <summary>It happened, between Call and Return. Otherwise, if not refused, it may happen from Call on.</summary>
    /// <remarks>
    /// "Done, but whether it was set is not known" leaves a compare-and-set by version two outcomes in one state, because the
    /// version can move without a client; treating it as unknown is weaker, never wrong.
    /// </remarks>
    public bool IsCertain => Answer.Outcome == Outcome.Done && Return != Never
        && !(Kind == OperationKind.CompareAndSetByVersion && Answer.Applied is null);

    /// <summary>The version that the answer named, if it says anything about the order.</summary>
    public HistoryVersion? NamedVersion =>
        IsCertain && Answer.Version is { } version && version != default ? version : null;

    public static Operation Get(int client, string key) => new(client, key, OperationKind.Get);

    public static Operation Put(int client, string key, string value) =>
        new(client, key, OperationKind.Put) { Value = value };

    public static Operation PutReturningOld(int client, string key, string value) =>
        new(client, key, OperationKind.PutReturningOld) { Value = value };

    public static Operation Delete(int client, string key) => new(client, key, OperationKind.Delete);

    public static Operation DeleteReturningOld(int client, string key) => new(client, key, OperationKind.DeleteReturningOld);

    public static Operation CompareAndSet(int client, string key, string? expected, string? value) =>
        new(client, key, OperationKind.CompareAndSet) { Expected = expected, Value = value };

    public static Operation CompareAndSetByVersion(int client, string key, HistoryVersion? expected, string? value) =>
        new(client, key, OperationKind.CompareAndSetByVersion) { ExpectedVersion = expected, Value = value };

    public static Operation Increment(int client, string key, long delta) =>
        new(client, key, OperationKind.Increment) { Delta = delta };

    /// <summary>The same operation with its times and its answer; for histories written by hand.</summary>
    public Operation At(long call, long @return, Answer answer) => this with { Call = call, Return = @return, Answer = answer };

    public override string ToString()
    {
        var until = Return == Never ? "never" : Return.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return $"client {Client} [{Call} .. {until}] {HistoryText.Request(this)} -> {HistoryText.Reply(this)}";
    }
}
