using Firecloud.Client;
using Firecloud.Tests.Checker;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Lab;

/// <summary>The client that knows every Firecloud node: the library.</summary>
internal sealed class LibraryLabClient(FirecloudClient client) : ILabClient
{
    public async Task<LabAnswer> RunAsync(Operation operation, TimeSpan patience) => operation.Kind switch
    {
        OperationKind.Get => AnswerOf(await client.GetAsync(operation.Key, patience), e => Answer.Got(e?.Text, e is null ? null : VersionOf(e.Version))),
        OperationKind.Put => AnswerOf(await client.PutAsync(operation.Key, operation.Value!, patience), v => Answer.Written(VersionOf(v))),
        OperationKind.CompareAndSetByVersion => AnswerOf(
            await client.CompareAndSetAsync(operation.Key, VersionOf(operation.ExpectedVersion), StoreValue.FromString(operation.Value!), patience),
            s => s.Swapped ? Answer.Swapped(VersionOf(s.Version)) : Answer.NotSwapped()),
        OperationKind.Increment => AnswerOf(await client.IncrementAsync(operation.Key, operation.Delta, patience), n => Answer.Counted(n)),
        _ => throw new ArgumentException($"The lab has no {operation.Kind}.", nameof(operation)),
    };

    public ValueTask DisposeAsync() => client.DisposeAsync();

    private static LabAnswer AnswerOf<T>(Answer<T> answer, Func<T, Answer> done) => answer switch
    {
        Done<T> result => LabAnswer.Done(done(result.Value)),
        Refused<T> refused => LabAnswer.Refused(refused.Reason.ToString(), refused.Message),
        Unknown<T> unknown => LabAnswer.Unknown("Unknown", unknown.Message),
        _ => throw new InvalidOperationException("There are three kinds of answer."),
    };

    private static HistoryVersion? VersionOf(Version version) => version.IsNone
        ? null
        : new HistoryVersion(version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);

    private static Version VersionOf(HistoryVersion? version) =>
        version is { } v && Version.TryParse(v.ToString(), out var parsed) ? parsed : Version.None;
}
