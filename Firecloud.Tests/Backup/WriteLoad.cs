// WriteLoad.cs - sixteen writers that put and delete; their history, with each backup as a get of every key, is checked.
using System.Globalization;
using System.Text;
using Firecloud.Client;
using Firecloud.Client.Backup;
using Firecloud.Tests.Checker;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Backup;

/// <summary>Writers on keys k0, k1, ….</summary>
internal sealed class WriteLoad(FirecloudClient client, int keys, int seed)
{
    private const int Writers = 16;

    private readonly HistoryRecorder _recorder = new();
    private long _operations;

    public long Operations => Interlocked.Read(ref _operations);

    /// <summary>Runs the writers for some time before, during and after something.</summary>
    public async Task<CheckResult> RunAsync(Func<Task> meanwhile)
    {
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(i => Task.Run(() => WriteAsync(i, new Random(seed + i), stop.Token))).ToArray();
        try
        {
            await UntilAsync(1000);
            await meanwhile();
            await UntilAsync(Operations + 200);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }
        return LinearizabilityChecker.Check(_recorder.ToHistory());
    }

    public HistoryRecorder.Token[] CallGets() =>
        [.. Enumerable.Range(0, keys).Select(i => _recorder.Call(Operation.Get(Writers, $"k{i}")))];

    public void ReturnGets(HistoryRecorder.Token[] calls, Dictionary<string, BackupRecord> saved)
    {
        for (var i = 0; i < keys; i++)
        {
            var there = saved.TryGetValue($"k{i}", out var record);
            _recorder.Return(calls[i], there ? Checker.Answer.Got(Encoding.UTF8.GetString(record!.Value), VersionOf(record.Version)) : Checker.Answer.Got(null, null));
        }
    }

    private async Task WriteAsync(int writer, Random random, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var (key, value) = ($"k{random.Next(keys)}", string.Create(CultureInfo.InvariantCulture, $"{writer}.{i}"));
            if (random.Next(2) == 0)
            {
                var put = _recorder.Call(Operation.Put(writer, key, value));
                _recorder.Return(put, AnswerOf(await client.PutAsync(key, value, cancellationToken: CancellationToken.None), v => Checker.Answer.Written(VersionOf(v))));
            }
            else
            {
                var delete = _recorder.Call(Operation.Delete(writer, key));
                _recorder.Return(delete, AnswerOf(await client.DeleteAsync(key, cancellationToken: CancellationToken.None), _ => Checker.Answer.Written()));
            }
            Interlocked.Increment(ref _operations);
        }
    }

    private async Task UntilAsync(long operations)
    {
        var end = DateTime.UtcNow.AddSeconds(60);
        while (Operations < operations)
        {
            Assert.True(DateTime.UtcNow < end, $"{Operations} operations in a minute");
            await Task.Delay(10);
        }
    }

    private static Checker.Answer AnswerOf<T>(Answer<T> answer, Func<T, Checker.Answer> done) => answer switch
    {
        Done<T> result => done(result.Value),
        Refused<T> => Checker.Answer.Refused,
        _ => Checker.Answer.Unknown,
    };

    private static HistoryVersion VersionOf(Version version) =>
        new(version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);
}
