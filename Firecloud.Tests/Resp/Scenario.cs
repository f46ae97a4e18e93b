// Scenario.cs - plays scenario.txt: commands and the answers expected, of Firecloud and where they differ of Redis.
//
// == title      a new connection, after FLUSHALL
// > command     as redis-cli takes it
// raw> "bytes"  sent as they are
// answer        as RespReply writes it; … stands for any text. "2> " and "3> " before it: in that protocol only. "redis> ": Redis' own.
// closed        the server has closed the connection
// wait MS       so many milliseconds pass: what expires within them is gone
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Firecloud.Host.Resp;
using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Resp;

internal sealed record ScenarioStep(int Line, string Command, bool IsRaw)
{
    public Dictionary<string, string> Expected { get; } = [];

    /// <summary>Milliseconds to wait once it is answered.</summary>
    public int WaitMs { get; set; }

    public byte[][] Words => InlineCommand.TrySplit(Encoding.UTF8.GetBytes(Command), out var words) ? words : throw new FormatException(Command);

    public string? For(int protocol, bool isRedis) =>
        isRedis && Expected.TryGetValue("redis", out var redis) ? redis
        : Expected.TryGetValue($"{protocol}", out var own) ? own
        : Expected.GetValueOrDefault("");
}

internal static class Scenario
{
    private static readonly string[] Marks = ["2", "3", "redis"];

    /// <summary>The steps, by section.</summary>
    public static IReadOnlyList<(string Title, List<ScenarioStep> Steps)> Read()
    {
        var lines = File.ReadAllLines(Path.Combine(Command.Root, "Firecloud.Tests/Resp/scenario.txt"));
        var sections = new List<(string Title, List<ScenarioStep> Steps)>();
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            if (line.Length == 0 || line.StartsWith('#')) continue;
            if (line.StartsWith("== ", StringComparison.Ordinal)) sections.Add((line[3..], []));
            else if (line.StartsWith("> ", StringComparison.Ordinal)) sections[^1].Steps.Add(new ScenarioStep(i + 1, line[2..], false));
            else if (line.StartsWith("raw> ", StringComparison.Ordinal)) sections[^1].Steps.Add(new ScenarioStep(i + 1, line[5..], true));
            else if (line.StartsWith("wait ", StringComparison.Ordinal)) sections[^1].Steps[^1].WaitMs = int.Parse(line[5..], CultureInfo.InvariantCulture);
            else Expect(sections[^1].Steps[^1], line);
        }
        return sections;
    }

    /// <summary>Plays it all.</summary>
    /// <returns>What was not as expected.</returns>
    public static async Task<IReadOnlyList<string>> PlayAsync(int port, int protocol, bool isRedis)
    {
        var wrong = new List<string>();
        foreach (var (title, steps) in Read())
        {
            await using (var cleaner = await RespTestClient.ConnectAsync(port)) Assert.Equal("+OK", await cleaner.AskAsync("FLUSHALL"));
            await using var client = await RespTestClient.ConnectAsync(port, protocol);
            foreach (var step in steps)
            {
                var expected = step.For(protocol, isRedis);
                if (expected is null) throw new FormatException($"scenario.txt:{step.Line}: no answer is expected of {step.Command}.");
                await client.SendAsync(step.IsRaw ? step.Words[0] : RespTestClient.Bytes(step.Words));
                foreach (var each in expected.Split('\n'))
                {
                    var answer = await client.ReadAsync() ?? "closed";
                    if (!Matches(each, answer)) wrong.Add($"scenario.txt:{step.Line} ({title}): {step.Command}\n  expected {each}\n  answered {answer}");
                }
                if (step.WaitMs > 0) await Task.Delay(step.WaitMs);
            }
        }
        return wrong;
    }

    private static void Expect(ScenarioStep step, string line)
    {
        var mark = Marks.FirstOrDefault(m => line.StartsWith(m + "> ", StringComparison.Ordinal)) ?? "";
        var text = mark.Length == 0 ? line : line[(mark.Length + 2)..];
        step.Expected[mark] = step.Expected.TryGetValue(mark, out var before) ? before + "\n" + text : text;
    }

    private static bool Matches(string expected, string answer) =>
        Regex.IsMatch(answer, "^" + Regex.Escape(expected).Replace("…", ".*", StringComparison.Ordinal) + "$", RegexOptions.Singleline);
}
