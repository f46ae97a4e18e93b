// LoadTests.cs - many clients, all nodes, one node killed: nothing that was answered done is lost, and the recorded history is
// linearizable. Real nodes, real time: the seed fixes what the clients ask, not when it arrives.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Firecloud.Client;
using Firecloud.Tests.Checker;
using Xunit;
using Xunit.Abstractions;
using Operation = Firecloud.Tests.Checker.Operation;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Cluster;

public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Clients = 16;
    private const int Keys = 48;
    private const string Counter = "counter";
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KillAfter = TimeSpan.FromSeconds(4);

    private readonly HistoryRecorder _recorder = new();
    private readonly ConcurrentBag<long> _counted = [];
    private readonly ConcurrentBag<string> _wrong = [];
    private int _unknownIncrements;
    private int _doneAfterKill;
    private volatile bool _killed;
    private volatile bool _stop;

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task No_increment_is_lost_and_the_history_is_linearizable_while_a_node_is_killed(int victim)
    {
        const int seed = 739;
        output.WriteLine($"seed {seed}");
        await using var cluster = await TestCluster.StartAsync();
        var clients = new List<FirecloudClient>();
        for (var i = 0; i < Clients; i++)
        {
            // Half of them in the node's own process, half over UDP; a quarter at each node.
            clients.Add(i % 8 < 4
                ? FirecloudClient.For(cluster.System(i % 4))
                : await FirecloudClient.ConnectAsync($"127.0.0.1:{cluster.Ports[i % 4]}"));
        }
        var running = clients.Select((c, i) => Task.Run(() => RunAsync(c, i, seed))).ToArray();
        await Task.Delay(KillAfter);
        _killed = true;
        await cluster.CrashAsync(victim);
        await Task.Delay(Length - KillAfter);
        _stop = true;
        await Task.WhenAll(running);
        foreach (var client in clients) await client.DisposeAsync();

        Assert.Empty(_wrong);
        var total = await TotalAsync(cluster);
        var history = _recorder.ToHistory();
        output.WriteLine($"{history.Count} operations, {_counted.Count} increments done, {_unknownIncrements} unknown, counter {total}");
        Assert.Equal(_counted.Count, _counted.Distinct().Count());
        Assert.InRange(total, _counted.Count, _counted.Count + _unknownIncrements);
        Assert.True(_doneAfterKill > 100, $"{_doneAfterKill} operations were done after node {victim} was killed");
        var check = LinearizabilityChecker.Check(history);
        output.WriteLine(check.Text);
        Assert.True(check.IsOk, check.Text);
    }

    private static async Task<long> TotalAsync(TestCluster cluster)
    {
        var got = await cluster.GetAsync(cluster.Up.First(), Counter, timeoutMs: 20_000);
        Assert.True(got.Kind == Firecloud.Actors.Protocol.ResultKind.Done, got.Message);
        return long.Parse(Encoding.UTF8.GetString(got.Value!), CultureInfo.InvariantCulture);
    }

    private async Task RunAsync(FirecloudClient client, int number, int seed)
    {
        var random = new Random(seed * 1000 + number);
        var versions = new Dictionary<string, Version>();
        for (var i = 0; !_stop; i++)
        {
            var key = $"k{random.Next(Keys)}";
            var clock = Stopwatch.StartNew();
            var answered = random.Next(10) < 2
                ? await CountAsync(client)
                : await OneAsync(client, number, key, $"{number}.{i}", random, versions);
            if (!answered) return;   // its node is gone
            if (clock.Elapsed > TimeSpan.FromSeconds(8)) _wrong.Add($"client {number}: {clock.Elapsed}");
            await Task.Delay(random.Next(3));
        }
    }

    private async Task<bool> CountAsync(FirecloudClient client)
    {
        switch (await AnswerAsync(client.IncrementAsync(Counter)))
        {
            case Done<long> done: _counted.Add(done.Value); break;
            case Refused<long>: break;
            case Unknown<long>: Interlocked.Increment(ref _unknownIncrements); break;
            case null:
                Interlocked.Increment(ref _unknownIncrements);
                return false;
        }
        return true;
    }

    private Task<bool> OneAsync(
        FirecloudClient client, int number, string key, string value, Random random, Dictionary<string, Version> versions)
    {
        var known = versions.GetValueOrDefault(key);
        return random.Next(9) switch
        {
            0 or 1 or 2 => RecordAsync(Operation.Get(number, key), () => client.GetAsync(key), entry =>
            {
                versions[key] = entry?.Version ?? Version.None;
                return Answer.Got(entry?.Text, Of(entry?.Version));
            }),
            3 or 4 => RecordAsync(Operation.Put(number, key, value), () => client.PutAsync(key, value), v => Answer.Written(Of(v))),
            5 => RecordAsync(
                Operation.PutReturningOld(number, key, value), () => client.PutReturningOldAsync(key, value),
                r => r.OldKnown ? Answer.WithOld(Text(r.Old), Of(r.Version)) : Answer.OldNotKnown(Of(r.Version))),
            6 => RecordAsync(Operation.Delete(number, key), () => client.DeleteAsync(key), _ => Answer.Written()),
            7 => RecordAsync(
                Operation.DeleteReturningOld(number, key), () => client.DeleteReturningOldAsync(key),
                r => r.OldKnown ? Answer.WithOld(Text(r.Old)) : Answer.OldNotKnown()),
            _ => RecordAsync(
                Operation.CompareAndSetByVersion(number, key, known.IsNone ? null : Of(known), value),
                () => client.CompareAndSetAsync(key, known, value),
                s => s.Swapped ? Answer.Swapped(Of(s.Version)) : NotSwapped(s.Current)),
        };
    }

    private static Answer NotSwapped(Entry? current) =>
        current is null ? Answer.NotSwapped() : Answer.NotSwappedBecause(current.Text, Of(current.Version));

    private async Task<bool> RecordAsync<T>(Operation request, Func<ValueTask<Answer<T>>> call, Func<T, Answer> done)
    {
        var token = _recorder.Call(request);
        switch (await AnswerAsync(call()))
        {
            case Done<T> answer: _recorder.Return(token, done(answer.Value)); break;
            case Refused<T>: _recorder.Return(token, Answer.Refused); break;
            case Unknown<T>: _recorder.Return(token, Answer.Unknown); break;
            case null: return false;
        }
        return true;
    }

    private async Task<Answer<T>?> AnswerAsync<T>(ValueTask<Answer<T>> call)
    {
        try
        {
            var answer = await call.AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            if (_killed && answer.IsDone) Interlocked.Increment(ref _doneAfterKill);
            return answer;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private static HistoryVersion? Of(Version? version) => version is { IsNone: false } v
        ? new HistoryVersion(v.Ballot.Epoch, v.Ballot.Round, (ulong)v.Ballot.Node, v.Ballot.Boot, v.Sequence)
        : null;

    private static string? Text(ReadOnlyMemory<byte>? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes.Value.Span);
}
