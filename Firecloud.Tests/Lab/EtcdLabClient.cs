// EtcdLabClient.cs - gets, puts and compare-and-sets of etcd over HTTP and JSON. Numbers of 64 bits are texts there, keys and values Base64. The
// revision of a key's last write (mod_revision) is its version.
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Firecloud.Tests.Checker;

namespace Firecloud.Tests.Lab;

/// <summary>A client of one member, or of all: then it goes to the next where one does not do what it was asked.</summary>
internal sealed class EtcdLabClient(IReadOnlyList<string> urls) : ILabClient
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1) }) { Timeout = Timeout.InfiniteTimeSpan };
    private int _at;

    public async Task<LabAnswer> RunAsync(Operation operation, TimeSpan patience)
    {
        var answer = await TryAsync(operation, patience);
        if (answer.Error is not null) _at = (_at + 1) % urls.Count;
        return answer;
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<LabAnswer> TryAsync(Operation operation, TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        var (path, body) = RequestOf(operation);
        try
        {
            using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
            using var reply = await _http.PostAsync($"{urls[_at]}/v3/kv/{path}", content, late.Token);
            var text = await reply.Content.ReadAsStringAsync(late.Token);
            // What an error says of a write is not clear enough to rest on: it may have been done.
            return reply.IsSuccessStatusCode ? LabAnswer.Done(AnswerOf(operation, JsonNode.Parse(text)!)) : LabAnswer.Unknown(ErrorOf(text, (int)reply.StatusCode));
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ConnectionError && e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return LabAnswer.Refused("no connection");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return LabAnswer.Unknown(e is OperationCanceledException ? "no answer" : "connection lost");
        }
    }

    private static (string Path, JsonObject Body) RequestOf(Operation operation) => operation.Kind switch
    {
        OperationKind.Get => ("range", new JsonObject { ["key"] = Base64(operation.Key) }),
        OperationKind.Put => ("put", Put(operation)),
        OperationKind.CompareAndSetByVersion => ("txn", new JsonObject
        {
            ["compare"] = new JsonArray(new JsonObject
            {
                ["key"] = Base64(operation.Key), ["target"] = "MOD", ["result"] = "EQUAL",
                ["mod_revision"] = (operation.ExpectedVersion?.Sequence ?? 0).ToString(CultureInfo.InvariantCulture),
            }),
            ["success"] = new JsonArray(new JsonObject { ["request_put"] = Put(operation) }),
        }),
        _ => throw new ArgumentException($"The lab has no {operation.Kind} of etcd.", nameof(operation)),
    };

    private static JsonObject Put(Operation operation) => new() { ["key"] = Base64(operation.Key), ["value"] = Base64(operation.Value!) };

    private static Answer AnswerOf(Operation operation, JsonNode reply)
    {
        var revision = VersionOf(reply["header"]!["revision"]);
        return operation.Kind switch
        {
            OperationKind.Get when reply["kvs"] is JsonArray { Count: > 0 } found =>
                Answer.Got(Encoding.UTF8.GetString(Convert.FromBase64String((string)found[0]!["value"]!)), VersionOf(found[0]!["mod_revision"])),
            OperationKind.Get => Answer.Got(null),
            OperationKind.Put => Answer.Written(revision),
            _ => (bool?)reply["succeeded"] == true ? Answer.Swapped(revision) : Answer.NotSwapped(),
        };
    }

    private static HistoryVersion VersionOf(JsonNode? number) => HistoryVersion.Of(ulong.Parse((string)number!, CultureInfo.InvariantCulture));

    private static string ErrorOf(string text, int status)
    {
        try
        {
            return (string?)JsonNode.Parse(text)?["error"] ?? $"HTTP {status}";
        }
        catch (JsonException)
        {
            return $"HTTP {status}";
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
