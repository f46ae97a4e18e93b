// LabTables.cs - results as tables of Markdown.
using System.Globalization;
using System.Text;

namespace Firecloud.Tests.Lab;

/// <summary>Tables.</summary>
internal static class LabTables
{
    /// <summary>One run: a line per scenario.</summary>
    public static string Of(IReadOnlyList<ScenarioResult> results)
    {
        var lines = new List<string[]> { (string[])["scenario", "served all along", "longest gap", "after healing", "back after", "started in", "slowest no", "errors that should not be", "other errors", "done", "linearizable", "stall", "slowest sync"] };
        foreach (var r in results)
        {
            var unexpected = r.Sum(c => c.Unexpected);
            var other = r.Sum(c => c.Errors).ToDictionary(e => e.Key, e => e.Value - unexpected.GetValueOrDefault(e.Key)).Where(e => e.Value > 0).ToDictionary();
            lines.Add([
                r.Scenario, r.AlwaysServed.Length > 0 ? r.AlwaysServed : "none", Text(r.Worst(c => c.FaultMs)), Text(r.Worst(c => c.HealedMs)), Text(r.Worst(c => c.BackMs)), r.StartMs is { } start ? Ms(start) : "–", Text(r.Worst(c => c.SlowestNoMs)),
                unexpected.Count == 0 ? "none" : ClientResult.Line(unexpected), ClientResult.Line(other), r.Clients.Sum(c => c.Done).ToString(CultureInfo.InvariantCulture),
                r.Checked == "Ok" ? "yes" : r.Checked == "Violation" ? "NO" : "undecided", Ms(r.StallMs), r.SlowestSyncMs is { } sync ? Ms(sync) : "–",
            ]);
        }
        return Table(lines);
    }

    /// <summary>Several runs side by side: of each the longest gap during the fault, after the healing, and of every client of a node at all.</summary>
    public static string SideBySide(IReadOnlyList<IReadOnlyList<ScenarioResult>> runs)
    {
        var names = runs.SelectMany(r => r.Select(s => s.Scenario)).Distinct().Order(StringComparer.Ordinal);
        var lines = new List<string[]> { (string[])["scenario", .. runs.SelectMany(r => (string[])[$"{r[0].Name}: gap", "after", "M / a / b / c / all"])] };
        foreach (var name in names)
        {
            lines.Add([name, .. runs.Select(r => r.FirstOrDefault(s => s.Scenario == name)).SelectMany(r => r is null
                ? (string[])["", "", ""]
                : [Text(r.Worst(c => c.FaultMs)), Text(r.Worst(c => c.HealedMs)), string.Join(" / ", r.Clients.Select(c => Ms(c.LongestMs)))])]);
        }
        return Table(lines);
    }

    private static string Text((double Ms, string Client)? worst) => worst is { } w ? $"{Ms(w.Ms)} ({w.Client})" : "–";

    private static string Ms(double ms) => ms < 1000 ? ms.ToString("0 ms", CultureInfo.InvariantCulture) : (ms / 1000).ToString("0.0 s", CultureInfo.InvariantCulture);

    private static string Table(List<string[]> lines)
    {
        var widths = Enumerable.Range(0, lines[0].Length).Select(i => lines.Max(l => l[i].Length)).ToArray();
        var text = new StringBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            text.Append("| ").AppendJoin(" | ", lines[i].Select((c, j) => c.PadRight(widths[j]))).AppendLine(" |");
            if (i == 0) text.Append("| ").AppendJoin(" | ", widths.Select(w => new string('-', w))).AppendLine(" |");
        }
        return text.ToString();
    }
}
