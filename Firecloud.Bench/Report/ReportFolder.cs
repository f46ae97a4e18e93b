using System.CommandLine;
using System.Globalization;

namespace Firecloud.Bench.Report;

/// <summary>
/// Where figures and plots go, and the page that shows them: what stands in it between "begin NAME" and "end NAME", in comments, is
/// replaced by each run. A folder of one's own has no page.
/// </summary>
internal sealed class ReportFolder(string? own)
{
    private const string Default = "docs/bench";
    private const string Page = "docs/benchmarks.md";

    private readonly string _folder = own ?? Default;

    public static Option<string?> Option() => new("--out") { Description = $"A folder for figures and plots, instead of {Default} and {Page}." };

    /// <summary>What is measured.</summary>
    public static string Commit => Environment.GetEnvironmentVariable("FIRECLOUD_COMMIT") ?? "unknown";

    /// <summary>What machine this is and what was measured, in one line.</summary>
    public static string Machine
    {
        get
        {
            var cpu = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown CPU";
            return string.Create(CultureInfo.InvariantCulture,
                $"commit {Commit}, {DateTime.UtcNow:yyyy-MM-dd}, {cpu}, {Environment.ProcessorCount} cores, {Environment.OSVersion.VersionString}");
        }
    }

    /// <summary>Writes a file of the folder.</summary>
    public void Write(string name, string text) => File.WriteAllText(Path.Combine(Directory.CreateDirectory(_folder).FullName, name), text);

    /// <summary>A file of the folder; null when there is none.</summary>
    public string? Read(string name) => Path.Combine(_folder, name) is var file && File.Exists(file) ? File.ReadAllText(file) : null;

    /// <summary>Path of a file of the folder as the page links it.</summary>
    public string Link(string name) => Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(Page))!, Path.Combine(_folder, name)).Replace('\\', '/');

    /// <summary>Puts a text into its place in the page, if there is a page and a place.</summary>
    public void Show(string name, string text)
    {
        if (own is not null) return;
        if (File.Exists(Page) && Replace(File.ReadAllText(Page), name, text) is { } replaced) File.WriteAllText(Page, replaced);
        else Console.WriteLine($"{Page} has no place for '{name}'; only the files were written.");
    }

    /// <summary>The page with a text in its place; null when it has no such place.</summary>
    public static string? Replace(string page, string name, string text)
    {
        var (begin, end) = ($"<!-- begin {name} -->\n", $"<!-- end {name} -->");
        var from = page.IndexOf(begin, StringComparison.Ordinal);
        var to = page.IndexOf(end, StringComparison.Ordinal);
        return from < 0 || to < from ? null : page[..(from + begin.Length)] + text + page[to..];
    }
}
