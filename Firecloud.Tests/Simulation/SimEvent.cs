namespace Firecloud.Tests.Simulation;

internal enum EventKind : byte
{
    Deliver,
    Tick,
    Flush,
    Synced,
    Call,
    Fault,
    Restart,
    NoticeLinks,
    Heal,
    Ask,
    Repeat,
    Cancel,
}

/// <summary>Something that happens at a time.</summary>
/// <param name="Kind">What.</param>
/// <param name="From">The sender of a message, else the place itself.</param>
/// <param name="To">The place it happens at.</param>
/// <param name="Subject">The message or the call.</param>
/// <param name="Life">The life of the place that it belongs to; an event of an earlier life is void. -1 is any.</param>
internal readonly record struct SimEvent(EventKind Kind, int From, int To, object? Subject, int Life)
{
    public int Number { get; init; }
}
