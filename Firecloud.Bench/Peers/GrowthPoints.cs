// GrowthPoints.cs - the figures of growth, kept in a file from run to run: a run of some stores, or over keys alone, replaces those curves and
// leaves the others. All of them in one run take an hour.
using System.Globalization;
using System.Text;

namespace Firecloud.Bench.Peers;

/// <summary>One measured point of a curve.</summary>
/// <param name="Series">What grows, and what is shown of it: one plot.</param>
/// <param name="Contender">Id of the store.</param>
/// <param name="X">Keys, clients or bytes.</param>
/// <param name="Y">Operations per second, or MiB of memory.</param>
/// <param name="Commit">Of what was measured.</param>
internal sealed record GrowthPoint(string Series, string Contender, double X, double Y, string Commit);

/// <summary>All points that are shown.</summary>
internal sealed class GrowthPoints
{
    private const string Titles = "series\tstore\tx\ty\tcommit";

    private readonly List<GrowthPoint> _kept;
    private readonly List<GrowthPoint> _new = [];

    private GrowthPoints(List<GrowthPoint> kept) => _kept = kept;

    /// <summary>Reads what earlier runs wrote.</summary>
    /// <param name="table">The file's text, or null where there is none; one of another form counts as none.</param>
    public static GrowthPoints Read(string? table)
    {
        var lines = (table ?? "").Split('\n').SkipWhile(l => l.StartsWith('#')).ToList();
        if (lines.Count == 0 || lines[0] != Titles) return new([]);
        return new([.. lines.Skip(1).Select(l => l.Split('\t')).Where(c => c.Length == 5).Select(c => new GrowthPoint(c[0], c[1], Number(c[2]), Number(c[3]), c[4]))]);
    }

    /// <summary>Adds a point of this run. The first of a curve displaces the curve of earlier runs.</summary>
    public void Add(GrowthPoint point)
    {
        _kept.RemoveAll(p => p.Series == point.Series && p.Contender == point.Contender);
        _new.Add(point);
    }

    /// <summary>What earlier runs left and this one found.</summary>
    public IEnumerable<GrowthPoint> All => _kept.Concat(_new);

    /// <summary>As a file.</summary>
    /// <param name="machine">Where it was measured.</param>
    public string ToTable(string machine)
    {
        var text = new StringBuilder("# ").Append(machine).Append('\n').Append(Titles).Append('\n');
        foreach (var p in All) text.Append(CultureInfo.InvariantCulture, $"{p.Series}\t{p.Contender}\t{p.X:f0}\t{p.Y:f1}\t{p.Commit}\n");
        return text.ToString();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
