// ScenarioFile.cs - reads scenarios from their text (docs/lab.md): a line "about TEXT", "target N ms", "back N ms", "at SECONDS FAULT …",
// "end SECONDS"; # begins a comment. Everything is checked when it is read: names, times, and that each fault can be done then.
using System.Globalization;

namespace Firecloud.Tests.Lab;

/// <summary>The text form of scenarios.</summary>
internal static class ScenarioFile
{
    private const int Nodes = 4;
    private const double MostSeconds = 600;

    /// <summary>The folder with the scenarios, beside the program.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "Lab", "scenarios");

    /// <summary>All scenarios, by name.</summary>
    /// <exception cref="ScenarioException">A file is wrong.</exception>
    public static IReadOnlyList<Scenario> All() =>
        [.. Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal).Select(f => Parse(Path.GetFileNameWithoutExtension(f), File.ReadAllText(f)))];

    /// <summary>Reads one scenario.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="text">Its lines.</param>
    /// <exception cref="ScenarioException">The text is wrong.</exception>
    public static Scenario Parse(string name, string text)
    {
        var (about, target, back, end) = ("", 250, 1000, 0L);
        var steps = new List<Step>();
        var situation = Situation.Healthy(Nodes);
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var words = lines[i].Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            try
            {
                switch (words)
                {
                    case []: break;
                    case ["about", ..]: about = string.Join(' ', words[1..]); break;
                    case ["target", var number, "ms"]: target = (int)Number(number, 1, 60_000); break;
                    case ["back", var number, "ms"]: back = (int)Number(number, 1, 60_000); break;
                    case ["end", var number]: end = (long)(Number(number, 0.1, MostSeconds) * 1000); break;
                    case ["at", var number, .. var fault] when fault.Length > 0:
                        var at = (long)(Number(number, 0, MostSeconds) * 1000);
                        if (steps.Count > 0 && at < steps[^1].AtMs) throw new ScenarioException($"{number} s is before the line above it.");
                        foreach (var each in Faults(fault))
                        {
                            situation = situation.With(each);
                            steps.Add(new Step(at, each));
                        }
                        break;
                    default: throw new ScenarioException($"'{lines[i].Trim()}' is not a line: about TEXT, target N ms, back N ms, at SECONDS FAULT …, or end SECONDS.");
                }
            }
            catch (ScenarioException e)
            {
                throw new ScenarioException($"{name}, line {i + 1}: {e.Message}");
            }
        }
        if (about.Length == 0) throw new ScenarioException($"{name}: a line 'about TEXT' is missing.");
        if (end == 0) throw new ScenarioException($"{name}: a line 'end SECONDS' is missing.");
        if (steps.Count > 0 && steps[^1].AtMs > end) throw new ScenarioException($"{name}: it ends at {end} ms, before its last fault.");
        if (!situation.IsHealed) throw new ScenarioException($"{name}: a scenario ends with everything healed and every node running.");
        return new Scenario(name, about, target, back, end, steps);
    }

    private static IEnumerable<Fault> Faults(string[] words)
    {
        var text = string.Join(' ', words);
        var rest = words[1..];
        var kind = words[0] switch
        {
            "kill" => FaultKind.Kill, "term" => FaultKind.Terminate, "start" => FaultKind.Start, "restart" => FaultKind.Restart,
            "pause" => FaultKind.Pause, "resume" => FaultKind.Resume, "wipe" => FaultKind.Wipe, "fill" => FaultKind.Fill,
            "free" => FaultKind.Free, _ => (FaultKind?)null,
        };
        if (kind is { } known) return [new Fault(known, text) { Nodes = NodesOf(rest) }];
        switch (words[0])
        {
            case "cut": return [new Fault(FaultKind.Cut, text) { Arcs = Arcs(rest) }];
            case "heal": return [new Fault(FaultKind.Heal, text) { Arcs = rest.Length == 0 ? AllArcs() : Arcs(rest) }];
            case "loss" when rest.Length > 0:
                var percent = Number(rest[0].TrimEnd('%'), 0, 100);
                return [new Fault(FaultKind.Loss, text) { Arcs = rest.Length == 1 ? AllArcs() : Arcs(rest[1..]), Amount = percent / 100 }];
            case "clock" when rest.Length == 2:
                return [new Fault(FaultKind.Clock, text) { Nodes = NodesOf(rest[..1]), Amount = Number(rest[1], -1e6, 1e6) }];
            case "links":
                var left = Arcs(rest);
                return [new Fault(FaultKind.Heal, text) { Arcs = left }, new Fault(FaultKind.Cut, text) { Arcs = [.. AllArcs().Except(left)] }];
            case "split" when rest.Length == 1:
                var groups = rest[0].Split('|').Select(g => g.Select(NodeOf).ToArray()).ToArray();
                var apart = AllArcs().Where(a => !groups.Any(g => g.Contains(a.From) && g.Contains(a.To)));
                return [new Fault(FaultKind.Cut, text) { Arcs = [.. apart] }];
            default:
                throw new ScenarioException(
                    $"'{text}' is not a fault: cut, heal, links, split, loss, kill, term, start, restart, pause, resume, wipe, fill, free, clock.");
        }
    }

    // X-Y is both directions, X>Y one; * stands for every other node.
    private static List<(int From, int To)> Arcs(string[] words)
    {
        var arcs = new List<(int, int)>();
        foreach (var word in words)
        {
            if (word.Length != 3 || word[1] is not ('-' or '>')) throw new ScenarioException($"'{word}' is not a link: M-a (both ways), M>a (one way), M-* (all of M's).");
            foreach (var from in Ends(word[0]))
            {
                foreach (var to in Ends(word[2]).Where(t => t != from))
                {
                    arcs.Add((from, to));
                    if (word[1] == '-') arcs.Add((to, from));
                }
            }
        }
        return arcs.Count > 0 ? [.. arcs.Distinct()] : throw new ScenarioException("It names no link.");
    }

    private static IEnumerable<int> Ends(char name) => name == '*' ? Enumerable.Range(0, Nodes) : [NodeOf(name)];

    private static List<(int From, int To)> AllArcs() => Arcs(["*>*"]);

    private static int[] NodesOf(string[] words) => words.Length > 0
        ? [.. words.Select(w => w.Length == 1 ? NodeOf(w[0]) : throw NoNode(w))]
        : throw new ScenarioException("It names no node.");

    private static int NodeOf(char name) => Scenario.NodeNames.IndexOf(name) is >= 0 and var node ? node : throw NoNode(name.ToString());

    private static ScenarioException NoNode(string name) => new($"'{name}' is not a node: M, a, b or c.");

    private static double Number(string text, double least, double most) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ScenarioException(string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a number from {least} to {most}."));
}
