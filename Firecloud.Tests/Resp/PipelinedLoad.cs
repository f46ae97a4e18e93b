// PipelinedLoad.cs - clients of the Redis protocol that send several commands before they read the answers, while something happens to the
// nodes; every command and answer is recorded, and at the end the history is checked.
//
// A command whose answer did not come before the connection was lost stays open in the history: it may have been done, or be done later.
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Firecloud.Tests.Checker;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Resp;

/// <summary>Some clients, one history.</summary>
/// <param name="port">Of a node that is up; 0 where it is not.</param>
/// <param name="nodes">How many nodes.</param>
/// <param name="seed">Of the choice of commands and keys.</param>
internal sealed class PipelinedLoad(Func<int, int> port, int nodes, int seed)
{
    private const int Clients = 64;
    private const int Pipeline = 8;
    private const int Keys = 300;
    private const int Counters = 30;

    private static readonly string[] Refusals = ["-NOQUORUM ", "-BUSY ", "-TIMEDOUT ", "-NOTREADY "];

    private readonly HistoryRecorder _recorder = new();
    private int _batches;
    private Task[] _clients = [];

    /// <summary>Pipelines that were answered to their ends.</summary>
    public int Batches => Volatile.Read(ref _batches);

    /// <summary>Runs the clients until the faults are over.</summary>
    /// <returns>What it came to, for people; fails where the history can't be explained.</returns>
    public async Task<string> RunAsync(Func<Task> faults)
    {
        using var stop = new CancellationTokenSource();
        _clients = [.. Enumerable.Range(0, Clients).Select(i => Task.Run(() => ClientAsync(i, new Random(seed + i), stop.Token)))];
        try
        {
            await faults();
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(_clients);
        }
        var history = _recorder.ToHistory();
        var result = LinearizabilityChecker.Check(history);
        Assert.True(result.IsOk, $"seed {seed}\n{result}");
        int Count(Outcome outcome) => history.Count(o => o.Answer.Outcome == outcome);
        var done = Count(Outcome.Done);
        Assert.True(done > Batches * Pipeline / 2, $"{done} of {history.Count} were done.");
        return $"{history.Count} commands: {done} done, {Count(Outcome.Refused)} refused, {Count(Outcome.Unknown)} unknown";
    }

    /// <summary>Waits until so many more pipelines were answered.</summary>
    public async Task UntilAsync(int more)
    {
        for (var until = Batches + more; Batches < until; await Task.Delay(10))
        {
            if (_clients.FirstOrDefault(c => c.IsFaulted) is { } failed) await failed;
        }
    }

    private async Task ClientAsync(int number, Random random, CancellationToken stop)
    {
        var seen = new Dictionary<string, (string? Value, Version Version)>();
        for (var (node, last) = (number % nodes, 0); !stop.IsCancellationRequested; node = (node + 1) % nodes)
        {
            if (port(node) == 0) continue;
            try
            {
                await using var client = await RespTestClient.ConnectAsync(port(node), protocol: 2 + (number % 2));
                while (!stop.IsCancellationRequested && await BatchAsync(client, number, random, last++, seen)) Interlocked.Increment(ref _batches);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                await Task.Delay(20, CancellationToken.None);   // it is gone; go on at the next one
            }
        }
    }

    private async Task<bool> BatchAsync(RespTestClient client, int number, Random random, int batch, Dictionary<string, (string?, Version)> seen)
    {
        var calls = Enumerable.Range(0, Pipeline).Select(i => Next(number, random, $"{number}.{batch}.{i}", seen)).ToArray();
        var tokens = calls.Select(c => _recorder.Call(c.Operation)).ToArray();
        await client.SendAsync([.. calls.SelectMany(c => RespTestClient.Bytes([.. c.Words.Select(Encoding.UTF8.GetBytes)]))]);
        for (var i = 0; i < Pipeline; i++)
        {
            if (await client.ReadAsync() is not { } answer) return false;
            _recorder.Return(tokens[i], answer.StartsWith('-') ? Failed(answer) : calls[i].Read(answer));
        }
        return true;
    }

    private static Answer Failed(string error)
    {
        if (error.StartsWith("-UNKNOWN ", StringComparison.Ordinal)) return Answer.Unknown;
        Assert.Contains(Refusals, word => error.StartsWith(word, StringComparison.Ordinal));
        return Answer.Refused;
    }

    private static (string[] Words, Operation Operation, Func<string, Answer> Read) Next(
        int number, Random random, string value, Dictionary<string, (string? Value, Version Version)> seen)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"k{random.Next(Keys)}");
        var (before, version) = seen.GetValueOrDefault(key);
        switch (random.Next(12))
        {
            case < 2: return (["GET", key], Operation.Get(number, key), a => Answer.Got(Value(a)));
            case < 5: return (["FIRECLOUD.GET", key], Operation.Get(number, key), a => Seen(key, a, seen));
            case < 7: return (["SET", key, value], Operation.Put(number, key, value), _ => Answer.Written());
            case 7: return (["SET", key, value, "GET"], Operation.PutReturningOld(number, key, value), a => Answer.WithOld(Value(a)));
            case 8: return (["DEL", key], Operation.Delete(number, key), a => Answer.Deleted(a == ":1"));
            case 9 when before is null:
                return (["SET", key, value, "NX"], Operation.CompareAndSet(number, key, null, value), a => a == "+OK" ? Answer.Swapped() : Answer.NotSwapped());
            case 9:
                return (["SET", key, value, "IFEQ", before], Operation.CompareAndSet(number, key, before, value),
                    a => a == "+OK" ? Answer.Swapped() : Answer.NotSwapped());
            case 10:
                return (["FIRECLOUD.CAS", key, $"{version}", value], Operation.CompareAndSetByVersion(number, key, ToHistory(version), value),
                    a => a == "nil" ? Answer.NotSwapped() : Answer.Swapped(ToHistory(Parse(a[1..^1]))));
            default:
                var counter = string.Create(CultureInfo.InvariantCulture, $"counter{random.Next(Counters)}");
                return (["INCR", counter], Operation.Increment(number, counter, 1), a => Answer.Counted(long.Parse(a[1..], CultureInfo.InvariantCulture)));
        }
    }

    // [value, "version"]
    private static Answer Seen(string key, string answer, Dictionary<string, (string?, Version)> seen)
    {
        var parts = answer[1..^1].Split(", ");
        var (value, version) = (Value(parts[0]), Parse(parts[1][1..^1]));
        seen[key] = (value, version);
        return Answer.Got(value, ToHistory(version));
    }

    private static string? Value(string answer) => answer == "nil" ? null : answer[1..^1];

    private static Version Parse(string text) => Version.TryParse(text, out var version) ? version : throw new FormatException(text);

    private static HistoryVersion? ToHistory(Version version) => version.IsNone
        ? null
        : new HistoryVersion(version.Ballot.Epoch, version.Ballot.Round, (ulong)version.Ballot.Node, version.Ballot.Boot, version.Sequence);
}
