using Firecloud.Tests.Checker;

namespace Firecloud.Tests.Lab;

/// <summary>What became of a call.</summary>
/// <param name="Answer">For the history.</param>
/// <param name="Error">null: done. Else what was said, one of a few kinds.</param>
/// <param name="Text">All that was said.</param>
internal sealed record LabAnswer(Answer Answer, string? Error, string Text = "")
{
    public static LabAnswer Done(Answer answer) => new(answer, null);

    public static LabAnswer Refused(string error, string text = "") => new(Answer.Refused, error, text);

    public static LabAnswer Unknown(string error, string text = "") => new(Answer.Unknown, error, text);
}

/// <summary>A client. One call at a time.</summary>
internal interface ILabClient : IAsyncDisposable
{
    /// <summary>Runs a get, put, compare-and-set by version or, where the store has it, an increment.</summary>
    /// <param name="operation">What; its times and its answer are ignored.</param>
    /// <param name="patience">Then it is given up.</param>
    Task<LabAnswer> RunAsync(Operation operation, TimeSpan patience);
}
