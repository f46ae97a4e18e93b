using System.Globalization;
using System.Text;
using Firecloud.Bench.Load;
using Firecloud.Bench.Report;

namespace Firecloud.Bench.Peers;

/// <summary>What a comparison showed: ratios first, then figures, as text, Markdown, a table of numbers and plots.</summary>
internal sealed class PeersReport(
    IReadOnlyList<Result> results, IReadOnlyList<(Contender Contender, int Keys, double Bytes)> memory, string conditions)
{
    private (string Title, Table Table)[] Tables =>
    [
        ("Operations per second, Firecloud's to the other's: above 1 Firecloud does more.", RatioTable.Of(results, m => m.PerSecond)),
        ("CPU time of all servers per operation, Firecloud's to the other's: below 1 Firecloud takes less.", RatioTable.Of(results, m => m.Cpu)),
        ("Operations per second.", RatioTable.Absolute(results, m => Shown($"{m.PerSecond:n0}"))),
        ("Median and 99th percentile of an operation's time, ms.", RatioTable.Absolute(results, m => Shown($"{m.P50 / 1000:f2}, {m.P99 / 1000:f1}"))),
        ("CPU time per operation, µs: all servers, and the load itself.", RatioTable.Absolute(results, m => Shown($"{m.Cpu:f0}, {m.ClientCpu:f0}"))),
        ("Memory of all servers together, growth by new keys of 16 B with values of 100 B.", MemoryTable()),
    ];

    public void Print()
    {
        foreach (var (title, table) in Tables) Console.WriteLine($"{title}\n{table.ToText()}");
        foreach (var failed in results.Where(r => r.Measured.NotDone > 0))
        {
            Console.WriteLine($"{RatioTable.Name(failed.Workload)}: {failed.Contender.Title}: {failed.Measured.NotDone} operations were NOT DONE.");
        }
        Console.WriteLine(conditions);
    }

    /// <summary>Writes figures and plots and shows them in the page.</summary>
    public void Write(ReportFolder folder, string name)
    {
        folder.Write($"{name}.tsv", Figures());
        var text = new StringBuilder();
        foreach (var (title, table) in Tables) text.Append(title).Append("\n\n").Append(table.ToMarkdown()).Append('\n');
        foreach (var (file, plot) in Plots(name))
        {
            folder.Write(file, plot.ToSvg());
            text.Append(CultureInfo.InvariantCulture, $"![{plot.Title}]({folder.Link(file)})\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"\n{char.ToUpperInvariant(conditions[0])}{conditions[1..]}. The numbers: [{name}.tsv]({folder.Link($"{name}.tsv")}).\n");
        folder.Show(name, text.ToString());
    }

    private string Figures()
    {
        var text = new StringBuilder("# ").Append(conditions).Append('\n');
        text.Append("mix\tclients\tdepth\tbytes\tkeys\tskew\trate\tstore\tper second\tp50 us\tp99 us\tp99.9 us\tserver CPU us\tload CPU us\tnot done\n");
        foreach (var (w, contender, m) in results)
        {
            text.Append(CultureInfo.InvariantCulture, $"{w.Mix}\t{w.Clients}\t{w.Depth}\t{w.Bytes}\t{w.Keys}\t{w.Skew}\t{w.Rate}\t{contender.Id}\t");
            text.Append(CultureInfo.InvariantCulture, $"{m.PerSecond:f0}\t{m.P50:f0}\t{m.P99:f0}\t{m.P999:f0}\t{m.Cpu:f1}\t{m.ClientCpu:f1}\t{m.NotDone}\n");
        }
        foreach (var (contender, keys, bytes) in memory) text.Append(CultureInfo.InvariantCulture, $"# memory\t{contender.Id}\t{keys} keys\t{bytes:f0} bytes per key\n");
        return text.ToString();
    }

    private Table MemoryTable()
    {
        var table = new Table("", "bytes per key", "keys put");
        foreach (var (contender, keys, bytes) in memory) table.Add(contender.Title.Replace(", RESP", "", StringComparison.Ordinal), Shown($"{bytes:n0}"), Shown($"{keys:n0}"));
        return table;
    }

    // Throughput over clients, of plain puts and gets: one plot for what is durable, one for what is in memory.
    private IEnumerable<(string File, Plot Plot)> Plots(string name)
    {
        foreach (var durable in (bool[])[true, false])
        {
            foreach (var mix in (string[])["put", "get"])
            {
                var lines = results.Where(r => r.Contender.Durable == durable && r.Workload == new Workload { Gets = r.Workload.Gets, Clients = r.Workload.Clients } && r.Workload.Mix == mix)
                    .GroupBy(r => r.Contender)
                    .Select(g => new Line(g.Key.Title, [.. g.OrderBy(r => r.Workload.Clients).Where(r => r.Measured.PerSecond > 0).Select(r => ((double)r.Workload.Clients, r.Measured.PerSecond))]))
                    .Where(l => l.Points.Count > 1).ToList();
                if (lines.Count == 0) continue;
                var where = durable ? "durable" : "memory";
                yield return ($"{name}-{where}-{mix}.svg", new Plot($"{mix}s of 100 B, {(durable ? "on disk" : "in memory")}", "clients", $"{mix}s per second", lines));
            }
        }
    }

    private static string Shown(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
