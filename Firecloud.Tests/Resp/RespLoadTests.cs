// RespLoadTests.cs - clients with pipelines while a node is killed: every answer is recorded, and the history is checked.
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Firecloud.Tests.Checker;
using Xunit;
using Xunit.Abstractions;

namespace Firecloud.Tests.Resp;

public sealed class RespLoadTests(ITestOutputHelper output)
{
    private const int Clients = 64;
    private const int Pipeline = 8;
    private const int Keys = 300;

    private static readonly string[] Refusals = ["-NOQUORUM ", "-BUSY ", "-TIMEDOUT ", "-NOTREADY "];

    private readonly HistoryRecorder _recorder = new();
    private int _batches;

    [Fact]
    public async Task A_node_killed_under_pipelining_clients_leaves_a_linearizable_history()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        await using var cluster = await RespCluster.StartAsync();
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(i => Task.Run(() => ClientAsync(cluster, i, new Random(seed + i), stop.Token))).ToArray();
        await UntilBatchesAsync(200, clients);
        await cluster.CrashAsync(1);
        await UntilBatchesAsync(Volatile.Read(ref _batches) + 400, clients);
        await stop.CancelAsync();
        await Task.WhenAll(clients);

        var history = _recorder.ToHistory();
        var result = LinearizabilityChecker.Check(history);
        Assert.True(result.IsOk, $"seed {seed}\n{result}");
        int Count(Outcome outcome) => history.Count(o => o.Answer.Outcome == outcome);
        output.WriteLine($"{history.Count} commands: {Count(Outcome.Done)} done, {Count(Outcome.Refused)} refused, {Count(Outcome.Unknown)} unknown");
        Assert.True(Count(Outcome.Done) > 600 * Pipeline / 2, $"{Count(Outcome.Done)} of {history.Count} were done.");
    }

    private async Task UntilBatchesAsync(int batches, Task[] clients)
    {
        while (Volatile.Read(ref _batches) < batches)
        {
            if (clients.FirstOrDefault(c => c.IsFaulted) is { } failed) await failed;
            await Task.Delay(10);
        }
    }

    private async Task ClientAsync(RespCluster cluster, int number, Random random, CancellationToken stop)
    {
        for (var (node, last) = (number % 4, 0); !stop.IsCancellationRequested; node = (node + 1) % 4)
        {
            if (!cluster.IsUp(node)) continue;
            try
            {
                await using var client = await RespTestClient.ConnectAsync(cluster.Port(node));
                while (!stop.IsCancellationRequested && await BatchAsync(client, number, random, last++)) Interlocked.Increment(ref _batches);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                await Task.Delay(20, CancellationToken.None);   // it is gone; go on at the next one
            }
        }
    }

    private async Task<bool> BatchAsync(RespTestClient client, int number, Random random, int batch)
    {
        var calls = Enumerable.Range(0, Pipeline).Select(i => Next(number, random, $"{number}.{batch}.{i}")).ToArray();
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

    private static (string[] Words, Operation Operation, Func<string, Answer> Read) Next(int number, Random random, string value)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"k{random.Next(Keys)}");
        switch (random.Next(10))
        {
            case < 4: return (["GET", key], Operation.Get(number, key), a => Answer.Got(Value(a)));
            case < 6: return (["SET", key, value], Operation.Put(number, key, value), _ => Answer.Written());
            case 6: return (["SET", key, value, "GET"], Operation.PutReturningOld(number, key, value), a => Answer.WithOld(Value(a)));
            case 7: return (["DEL", key], Operation.Delete(number, key), a => Answer.Deleted(a == ":1"));
            case 8: return (["SET", key, value, "NX"], Operation.CompareAndSet(number, key, null, value), a => a == "+OK" ? Answer.Swapped() : Answer.NotSwapped());
            default:
                var counter = string.Create(CultureInfo.InvariantCulture, $"counter{random.Next(30)}");
                return (["INCR", counter], Operation.Increment(number, counter, 1), a => Answer.Counted(long.Parse(a[1..], CultureInfo.InvariantCulture)));
        }
    }

    private static string? Value(string answer) => answer == "nil" ? null : answer[1..^1];
}
