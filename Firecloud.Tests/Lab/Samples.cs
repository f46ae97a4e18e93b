namespace Firecloud.Tests.Lab;

/// <summary>How one operation of a client ended. Times are microseconds from the begin of the scenario; before it they are negative.</summary>
/// <param name="Client">0 to members - 1: the client of that node; members: the one that knows all.</param>
/// <param name="CallUs">When it began.</param>
/// <param name="ReturnUs">When it ended.</param>
/// <param name="Error">null: done. Else what was said, one of a few kinds.</param>
/// <param name="IsUnknown">Whether it may have been done.</param>
/// <param name="Text">The operation and its answer, for people.</param>
internal sealed record Sample(int Client, long CallUs, long ReturnUs, string? Error, bool IsUnknown, string Text = "")
{
    public bool IsDone => Error is null;
}

/// <summary>A fault as it was carried out.</summary>
/// <param name="BeginUs">Before the first command.</param>
/// <param name="EndUs">After the last one.</param>
/// <param name="Fault">What was done.</param>
internal sealed record Change(long BeginUs, long EndUs, Fault Fault);

/// <summary>A stretch of time, microseconds.</summary>
internal readonly record struct Span(long FromUs, long ToUs)
{
    public long Length => ToUs - FromUs;

    /// <summary>The part that lies within another; empty ones have a length of 0 or less.</summary>
    public Span Within(Span other) => new(Math.Max(FromUs, other.FromUs), Math.Min(ToUs, other.ToUs));

    public bool Contains(Span other) => other.FromUs >= FromUs && other.ToUs <= ToUs;
}
