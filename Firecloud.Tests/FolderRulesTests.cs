// FolderRulesTests.cs - the rules of the house that a compiler does not keep; each failure says what to do instead.
using System.Text.RegularExpressions;
using Firecloud.Actors.Node;
using Firecloud.Actors.Storage;
using Firecloud.Actors.Wire;
using Xunit;

namespace Firecloud.Tests;

public partial class FolderRulesTests
{
    private const int MostLines = 400;

    private static readonly string Root = FindRoot();

    // Banned text, where, and what replaces it.
    private static readonly (string Banned, string Where, string Instead)[] Bans =
    [
        (@"\bAkka\b", "Firecloud.Actors/Protocol/", "plain types; the actor maps messages to method calls"),
        (@"using System\.(Net|IO(?!\.Hashing)|Threading|Timers)\b", "Firecloud.Actors/Protocol/", "inputs of the state machine; the driver has sockets, files and timers"),
        (@"\b(DateTime|DateTimeOffset|TimeProvider|Stopwatch)\b|Environment\.Tick", "Firecloud.Actors/Protocol/", "the nowMs that OnTick was given"),
        (@"Random\.Shared|new Random\(|RandomNumberGenerator|Guid\.NewGuid", "Firecloud.Actors/Protocol/", "the Random given to the constructor, so that a seed replays"),
        (@"\b(Thread|Timer|Monitor|Interlocked)\b|\block \(|Task\.(Run|Delay)|\bawait\b", "Firecloud.Actors/Protocol/", "nothing: one thread drives a state machine"),
        (@"Firecloud\.Actors\.(Protocol|Wire|Storage|Node|Coordinator|Replica|Master)\b", "Firecloud.Actors/Transport/", "bytes and addresses; the transport knows nothing of keys and votes"),
        (@"\b(RequestBatch|ReplicaRequest|ReplicaAnswer|IRecordStore|NodeSettings|ShardOwner|Ballot|Votes)\b", "Firecloud.Actors/Transport/", "bytes and addresses; the transport knows nothing of keys and votes"),
        (@"using (Akka|System\.Net)", "Firecloud.Actors/Storage/", "plain types; the replica's actor drives the store"),
        (@"using (Akka\.Actor|System\.Net)", "Firecloud.Actors/Wire/(?!Frame)", "spans and plain types; only Frame.cs knows Akka's serializer"),
        // The transport has threads of its own, which may wait.
        (@"Thread\.Sleep", "Firecloud.(Actors/(?!Transport)|Client|Host)/?", "a timer of the actor, or await Task.Delay"),
        (@"Newtonsoft|BinaryFormatter", "Firecloud.(Actors|Client|Host)/", "Wire/Codec, or System.Text.Json with a generated context"),
        (@"\.Result;|\.GetAwaiter\(\)\.GetResult\(\)", "Firecloud.(Actors/(?!Transport)|Client)/?", "await, or PipeTo in an actor"),
    ];

    // Longer than allowed, with the reason.
    private static readonly Dictionary<string, string> LongFiles = [];

    public static TheoryData<string, string, string> AllBans
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (var (banned, where, instead) in Bans) data.Add(banned, where, instead);
            return data;
        }
    }

    [Theory, MemberData(nameof(AllBans))]
    public void Banned_words_are_where_they_belong(string banned, string where, string instead)
    {
        var looked = 0;
        foreach (var (path, lines) in Sources().Where(s => Regex.IsMatch(s.Path, "^" + where)))
        {
            looked++;
            for (var i = 0; i < lines.Length; i++)
            {
                var code = Code(lines[i]);
                Assert.False(Regex.IsMatch(code, banned), $"{path}:{i + 1}: {code.Trim()}\nUse {instead}.");
            }
        }
        Assert.True(looked > 0, $"no file matches {where}");
    }

    [Fact]
    public void Files_are_short()
    {
        var tooLong = Sources().Where(s => s.Lines.Length >= MostLines && !LongFiles.ContainsKey(s.Path)).ToList();
        Assert.True(
            tooLong.Count == 0,
            $"{string.Join(", ", tooLong.Select(s => $"{s.Path} has {s.Lines.Length} lines"))}; "
            + $"fewer than {MostLines} are allowed: split by concept, or write the reason into LongFiles.");
        Assert.All(LongFiles.Keys, path => Assert.True(File.ReadAllLines(Path.Combine(Root, path)).Length < MostLines + 50, path));
    }

    [Fact]
    public void Every_setting_in_reference_conf_is_read_and_every_setting_read_is_there()
    {
        var read = Read("NodeSettings", "firecloud.").Where(r => r is not ("firecloud.storage" or "firecloud.resp"))
            .Concat(Read("StorageSettings", "firecloud.storage.")).Concat(Read("RespSettings", "firecloud.resp.")).Distinct().Order(StringComparer.Ordinal);
        var written = UnknownKeys.Paths(NodeSettings.Reference, "firecloud").Order(StringComparer.Ordinal);
        Assert.Equal(written, read);

        static IEnumerable<string> Read(string file, string prefix) => SettingRead()
            .Matches(File.ReadAllText(Path.Combine(Root, $"Firecloud.Actors/Node/{file}.cs"))).Select(m => prefix + m.Groups[1].Value);
    }

    [Fact]
    public void Every_setting_in_reference_conf_has_a_comment_above_it()
    {
        var lines = File.ReadAllLines(Path.Combine(Root, "Firecloud.Actors/reference.conf"));
        for (var i = 0; i < lines.Length; i++)
        {
            if (!SettingWritten().IsMatch(lines[i])) continue;
            var above = Enumerable.Range(1, i).Select(n => lines[i - n].Trim()).First(l => !SettingWritten().IsMatch(l) && !l.EndsWith('{'));
            Assert.True(above.StartsWith('#'), $"reference.conf:{i + 1}: {lines[i].Trim()}: say unit, range and what more or less of it costs.");
        }
    }

    [Fact]
    public void The_wire_format_documents_every_kind_of_message()
    {
        var document = File.ReadAllLines(Path.Combine(Root, "docs/wire-format.md"));
        foreach (var kind in Enum.GetValues<MessageKind>())
        {
            var listed = document.Contains($"## {(byte)kind} {kind}")
                || document.Any(l => l.StartsWith($"| {(byte)kind} {kind} |", StringComparison.Ordinal));
            Assert.True(listed, $"docs/wire-format.md lacks {(byte)kind} {kind}: give it a heading or a line of a table.");
        }
        Assert.DoesNotContain(document, l => KindHeading().Match(l) is { Success: true } m && !Enum.IsDefined((MessageKind)byte.Parse(m.Groups[1].Value, null)));
    }

    [Fact]
    public void The_wire_format_opens_with_the_files_that_change_with_it()
    {
        var opening = File.ReadAllText(Path.Combine(Root, "docs/wire-format.md")).Split("\n\n")[1];
        foreach (var file in Directory.GetFiles(Path.Combine(Root, "Firecloud.Actors/Wire"), "*.cs"))
        {
            Assert.Contains(Path.GetFileName(file), opening, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_storage_format_documents_every_table_and_opens_with_the_files_that_change_with_it()
    {
        var document = File.ReadAllText(Path.Combine(Root, "docs/storage-format.md"));
        foreach (var table in Enum.GetValues<RocksTable>()) Assert.Contains($"| {table} | `{(char)table}`", document, StringComparison.Ordinal);
        string[] format = ["RocksLayout.cs", "RocksChanges.cs", "StoreIdentity.cs", "StoreFolder.cs", "SyncedMark.cs", "DiskSpace.cs"];
        Assert.All(format, file => Assert.Contains($"{file}`", document.Split("\n\n")[1], StringComparison.Ordinal));
        string[] files = [SyncedMark.Name, DiskSpace.Name, StoreFolder.DamageName, StoreFolder.ReasonName];
        Assert.All(files, file => Assert.Contains($"| `{file}` |", document, StringComparison.Ordinal));
    }

    // Comments may name what code may not.
    private static string Code(string line)
    {
        var comment = line.IndexOf("//", StringComparison.Ordinal);
        return comment < 0 ? line : line[..comment];
    }

    private static IEnumerable<(string Path, string[] Lines)> Sources() => Directory
        .EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
        .Select(f => (Path: Path.GetRelativePath(Root, f).Replace('\\', '/'), Full: f))
        .Where(f => f.Path.StartsWith("Firecloud.", StringComparison.Ordinal) && !f.Path.Contains("/obj/") && !f.Path.Contains("/bin/"))
        .Select(f => (f.Path, File.ReadAllLines(f.Full)));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Firecloud.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"Firecloud.sln is in no folder above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex("""reader\.(?!Wrong|Name)\w+\("([a-z0-9.-]+)["]""")]
    private static partial Regex SettingRead();

    [GeneratedRegex(@"^\s*[a-z][a-z0-9-]* = ")]
    private static partial Regex SettingWritten();

    [GeneratedRegex(@"^(?:##|\|) (\d+) [A-Z]")]
    private static partial Regex KindHeading();
}
