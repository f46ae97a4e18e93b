// CheckedLoad.cs - clients of the library that read and write while something happens to the nodes; every call and answer is
// recorded, and at the end the history is checked.
using System.Diagnostics;
using System.Globalization;
using Firecloud.Client;
using Firecloud.Tests.Checker;
using Xunit;

namespace Firecloud.Tests.Cluster;

/// <summary>What a load came to.</summary>
/// <param name="Done">Operations done.</param>
/// <param name="Refused">Operations refused.</param>
/// <param name="Unknown">Operations of which nothing is known.</param>
/// <param name="LongestMs">The longest that any client waited for an answer.</param>
internal sealed record LoadResult(int Done, int Refused, int Unknown, double LongestMs)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Done + Refused + Unknown} operations: {Done} done, {Refused} refused, {Unknown} unknown; longest wait of any client {LongestMs:0} ms");
}

/// <summary>Some clients, all operations, one history.</summary>
/// <param name="nodes">Addresses, host:port.</param>
/// <param name="keys">How many keys they share; and a tenth as many counters, at least 3.</param>
/// <param name="seed">Of the choice of operations and keys.</param>
/// <param name="clients">How many clients.</param>
/// <param name="secret">The clients'; null for none.</param>
/// <param name="prefix">Of the keys: a load begins with keys that nobody has written.</param>
internal sealed class CheckedLoad(string[] nodes, int keys, int seed, int clients = 8, string? secret = null, string prefix = "")
{
    private readonly HistoryRecorder _recorder = new();
    private long _operations;
    private double _longest;

    /// <summary>Operations that have ended so far.</summary>
    public long Operations => Interlocked.Read(ref _operations);

    /// <summary>Runs clients until the faults are over; fails where the history can't be explained.</summary>
    public async Task<LoadResult> RunAsync(Func<Task> faults)
    {
        using var stop = new CancellationTokenSource();
        var running = Enumerable.Range(0, clients).Select(i => Task.Run(() => ClientAsync(i, new Random(seed + i), stop.Token))).ToArray();
        try
        {
            await faults();
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running);
        }
        var history = _recorder.ToHistory();
        var result = LinearizabilityChecker.Check(history);
        Assert.True(result.IsOk, $"seed {seed}\n{result}");
        int Count(Outcome outcome) => history.Count(o => o.Answer.Outcome == outcome);
        return new LoadResult(Count(Outcome.Done), Count(Outcome.Refused), Count(Outcome.Unknown), _longest);
    }

    private async Task ClientAsync(int number, Random random, CancellationToken stop)
    {
        // Longer than any fault: what is refused or unknown is so for another reason than patience.
        await using var client = await FirecloudClient.ConnectAsync(nodes, new FirecloudClientOptions { OperationTimeout = TimeSpan.FromSeconds(15), ConnectTimeout = TimeSpan.FromSeconds(60), Secret = secret }, stop);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"{prefix}k{random.Next(keys)}");
            var value = string.Create(CultureInfo.InvariantCulture, $"{number}.{i}");
            var clock = Stopwatch.StartNew();
            await RunOneAsync(client, number, key, value, random);
            Interlocked.Increment(ref _operations);
            lock (_recorder) _longest = Math.Max(_longest, clock.Elapsed.TotalMilliseconds);
        }
    }

    private async Task RunOneAsync(FirecloudClient client, int number, string key, string value, Random random)
    {
        switch (random.Next(10))
        {
            case < 4:
                var get = _recorder.Call(Operation.Get(number, key));
                _recorder.Return(get, AnswerOf(await client.GetAsync(key), e => Answer.Got(e?.Text, e is null ? null : VersionOf(e.Version))));
                break;
            case < 6:
                var put = _recorder.Call(Operation.Put(number, key, value));
                _recorder.Return(put, AnswerOf(await client.PutAsync(key, value), v => Answer.Written(VersionOf(v))));
                break;
            case 6:
                var swap = _recorder.Call(Operation.PutReturningOld(number, key, value));
                _recorder.Return(swap, AnswerOf(await client.PutReturningOldAsync(key, value), OldOf));
                break;
            case 7:
                var delete = _recorder.Call(Operation.Delete(number, key));
                _recorder.Return(delete, AnswerOf(await client.DeleteAsync(key), _ => Answer.Written()));
                break;
            case 8:
                var expected = (await client.GetAsync(key)) is Done<Entry?> { Value: { } entry } ? entry.Text : null;
                var cas = _recorder.Call(Operation.CompareAndSet(number, key, expected, value));
                _recorder.Return(cas, AnswerOf(await client.CompareAndSetAsync(key, expected is null ? default(StoreValue?) : StoreValue.FromString(expected), StoreValue.FromString(value)),
                    s => s.Swapped ? Answer.Swapped(VersionOf(s.Version)) : Answer.NotSwapped()));
                break;
            default:
                var counter = string.Create(CultureInfo.InvariantCulture, $"{prefix}counter{random.Next(Math.Max(3, keys / 10))}");
                var add = _recorder.Call(Operation.Increment(number, counter, 1));
                _recorder.Return(add, AnswerOf(await client.IncrementAsync(counter), n => Answer.Counted(n)));
                break;
        }
    }

    private static Answer OldOf(Replaced replaced)
    {
        var version = VersionOf(replaced.Version);
        if (!replaced.OldKnown) return Answer.OldNotKnown(version);
        return Answer.WithOld(replaced.Old is { } old ? System.Text.Encoding.UTF8.GetString(old.Span) : null, version);
    }

    private static Answer AnswerOf<T>(Answer<T> answer, Func<T, Answer> done) => answer switch
    {
        Done<T> result => done(result.Value),
        Refused<T> => Answer.Refused,
        _ => Answer.Unknown,
    };

    private static HistoryVersion? VersionOf(Firecloud.Actors.Protocol.Version version) => version.IsNone
        ? null
        : new HistoryVersion(version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);
}
