using System.Text;

namespace Firecloud.Bench.Report;

/// <summary>Rows of text under a head.</summary>
internal sealed class Table(params string[] head)
{
    private readonly List<string[]> _rows = [];

    /// <exception cref="ArgumentException">Not as many cells as the head has.</exception>
    public void Add(params string[] cells)
    {
        if (cells.Length != head.Length) throw new ArgumentException($"{cells.Length} cells under a head of {head.Length}.", nameof(cells));
        _rows.Add(cells);
    }

    /// <summary>As Markdown has it.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (var row in (string[][])[head, [.. head.Select(_ => "---")], .. _rows]) text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
        return text.ToString();
    }

    /// <summary>Aligned, for a terminal: the first column to the left, the others to the right.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        int[] widths = [.. head.Select((h, i) => _rows.Select(r => r[i].Length).Append(h.Length).Max())];
        foreach (var row in (string[][])[head, .. _rows])
        {
            text.Append(row[0].PadRight(widths[0]));
            for (var i = 1; i < row.Length; i++) text.Append("  ").Append(row[i].PadLeft(widths[i]));
            text.Append('\n');
        }
        return text.ToString();
    }
}
