using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Firecloud.Client;

namespace Firecloud.Host.Commands;

/// <summary>Prints answers, as text or JSON, and says the exit code.</summary>
internal static class Printer
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static int Entry(Answer<Entry?> answer, bool json) => Print(answer, json, entry => entry is null
        ? Answered(json, ExitCodes.No, "(absent)", ("found", false))
        : Answered(json, ExitCodes.Done, entry.Text, ("found", true), ("value", entry.Text), ("version", $"{entry.Version}")));

    public static int Written(Answer<Version> answer, bool json) => Print(answer, json, version =>
        Answered(json, ExitCodes.Done, "done", ("version", $"{version}")));

    public static int Done(Answer<bool> answer, bool json) => Print(answer, json, _ => Answered(json, ExitCodes.Done, "done"));

    public static int Replaced(Answer<Replaced> answer, bool json) => Print(answer, json, old => Old(old, json, ExitCodes.Done));

    public static int Removed(Answer<Replaced> answer, bool json) => Print(answer, json, old =>
        Old(old, json, old is { OldKnown: true, Old: null } ? ExitCodes.No : ExitCodes.Done));

    public static int Swap(Answer<Swap> answer, bool json) => Print(answer, json, swap => swap.Swapped
        ? Answered(json, ExitCodes.Done, "swapped", ("swapped", true), ("version", $"{swap.Version}"))
        : Answered(
            json, ExitCodes.No, $"not swapped; there is {swap.Current?.Text ?? "nothing"}",
            ("swapped", false), ("value", swap.Current?.Text), ("version", swap.Current?.Version.ToString())));

    public static int Number(Answer<long> answer, bool json) => Print(answer, json, number =>
        Answered(json, ExitCodes.Done, $"{number}", ("number", number)));

    public static int Failure(string status, string message, bool json, int code)
    {
        if (json) Console.WriteLine(new JsonObject { ["status"] = status, ["message"] = message }.ToJsonString(Readable));
        else Console.Error.WriteLine($"{status}: {message}");
        return code;
    }

    private static int Old(Replaced old, bool json, int code)
    {
        var text = old.Old is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes.Span) : null;
        var shown = old.OldKnown ? text ?? "(absent)" : "(done; the value before is not known any more)";
        return Answered(json, code, shown, ("old", text), ("oldKnown", old.OldKnown), ("version", $"{old.Version}"));
    }

    private static int Print<T>(Answer<T> answer, bool json, Func<T, int> done) => answer switch
    {
        Done<T> result => done(result.Value),
        Refused<T> refused => Failure("refused", refused.Message, json, ExitCodes.Refused),
        Unknown<T> unknown => Failure("unknown", unknown.Message, json, ExitCodes.Unknown),
        _ => throw new InvalidOperationException("There are three kinds of answer."),
    };

    public static int Answered(bool json, int code, string text, params (string Name, JsonNode? Value)[] fields)
    {
        if (json)
        {
            var answer = new JsonObject { ["status"] = "done" };
            foreach (var (name, value) in fields) answer[name] = value;
            text = answer.ToJsonString(Readable);
        }
        Console.WriteLine(text);
        return code;
    }
}
