// LabProgram.cs - what scripts/lab.sh runs: scenarios one after the other, a line for each as it ends, and then the tables. docs/lab.md says
// what the columns and the exit codes mean.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Firecloud.Tests.Lab;

/// <summary>The lab's command line.</summary>
internal static class LabProgram
{
    private const int Failed = 1;
    private const int BadArguments = 2;
    private const int Missed = 3;
    private const int NotHere = 4;
    private const int Interrupted = 130;

    private static readonly string[] Short = ["chain-end", "kill-master", "split"];
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    /// <summary>Runs it.</summary>
    /// <param name="args">What follows the word lab.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            return args is ["compare", .. var folders] ? Compare(folders) : await RunAsync(LabArguments.Parse(args));
        }
        catch (Exception e) when (e is ScenarioException or FileNotFoundException or DirectoryNotFoundException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return BadArguments;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("The lab was interrupted; everything it built is removed.");
            return Interrupted;
        }
    }

    private static async Task<int> RunAsync(LabArguments arguments)
    {
        var all = ScenarioFile.All();
        if (arguments.List)
        {
            foreach (var scenario in all) Console.WriteLine($"{scenario.Name,-24} {scenario.About}");
            return 0;
        }
        if (LabNetwork.WhyNot is { } reason)
        {
            await Console.Error.WriteLineAsync($"The lab can't run here. {reason}");
            return NotHere;
        }
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        await LabSlot.CleanAllAsync();
        Directory.CreateDirectory(arguments.Out);
        var broken = new List<string>();
        var results = await RunAllAsync(Chosen(all, arguments), arguments, broken, stop.Token);
        var table = LabTables.Of(results);
        await File.WriteAllTextAsync(Path.Combine(arguments.Out, "table.md"), table);
        Console.WriteLine($"\n{table}\nTimelines, logs and results: {arguments.Out}");
        return Tell(results, broken);

        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static List<Scenario> Chosen(IReadOnlyList<Scenario> all, LabArguments arguments)
    {
        var names = arguments.Names is ["all"] ? [.. all.Select(s => s.Name)] : arguments.Names is ["short"] ? Short : arguments.Names;
        var chosen = new List<Scenario>();
        foreach (var name in names)
        {
            var scenario = all.FirstOrDefault(s => s.Name == name)
                ?? throw new ScenarioException($"There is no scenario '{name}'; there are {string.Join(", ", all.Select(s => s.Name))}.");
            if (scenario.For(arguments.Members) is { } fitting) chosen.Add(arguments.Seconds is { } s ? fitting.Lasting(s * 1000) : fitting);
            else Console.WriteLine($"{name}: left out, it is about nodes that a group of {arguments.Members} does not have.");
        }
        return chosen;
    }

    private static async Task<List<ScenarioResult>> RunAllAsync(List<Scenario> scenarios, LabArguments arguments, List<string> broken, CancellationToken stop)
    {
        var runner = new ScenarioRunner(arguments.Peer, arguments.Members, arguments.Out) { Settings = arguments.Settings };
        var results = new List<ScenarioResult>();
        var seed = arguments.Seed ?? Random.Shared.Next(1, 1_000_000);
        Console.WriteLine($"{arguments.Peer}, {arguments.Members} members, {scenarios.Count} scenarios, seed {seed}, {Environment.ProcessorCount} cores");
        foreach (var scenario in scenarios)
        {
            if (await TryRunAsync(runner, scenario, seed, broken, stop) is not { } result) continue;
            results.Add(result);
            await File.WriteAllTextAsync(Path.Combine(arguments.Out, $"{scenario.Name}.svg"), TimelineSvg.Draw(result), stop);
            results[^1] = result with { Timeline = null };
            await File.WriteAllTextAsync(Path.Combine(arguments.Out, "results.json"), JsonSerializer.Serialize(results, Json), stop);
            var gap = result.Worst(c => Math.Max(c.FaultMs ?? 0, c.HealedMs ?? 0));
            var verdict = result.Failures.Count > 0 ? "FAILED" : result.Missed.Count > 0 ? "missed a target" : "ok";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{scenario.Name,-24} {verdict}; longest gap {gap?.Ms:0} ms ({gap?.Client}), {result.Operations} operations"));
        }
        return results;
    }

    // One scenario that can't be run does not keep the others from running.
    private static async Task<ScenarioResult?> TryRunAsync(ScenarioRunner runner, Scenario scenario, int seed, List<string> broken, CancellationToken stop)
    {
        try
        {
            return await runner.RunAsync(scenario, seed, stop);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException)
        {
            Console.WriteLine($"{scenario.Name,-24} could not be run");
            broken.Add($"FAILED {scenario.Name}: could not be run: {e.Message}");
            return null;
        }
    }

    private static int Tell(List<ScenarioResult> results, List<string> broken)
    {
        foreach (var line in broken) Console.WriteLine(line);
        foreach (var result in results)
        {
            foreach (var failure in result.Failures) Console.WriteLine($"FAILED {result.Scenario}: {failure}");
            foreach (var missed in result.Missed) Console.WriteLine($"missed {result.Scenario}: {missed}{DiskOf(result)}");
        }
        if (broken.Count > 0 || results.Any(r => r.Failures.Count > 0)) return Failed;
        return results.Any(r => r.Missed.Count > 0) ? Missed : 0;
    }

    // Said with what was missed, as a pause of that length at one moment is then the disk's.
    private static string DiskOf(ScenarioResult result) => result.SlowestSyncMs is { } sync
        ? string.Create(CultureInfo.InvariantCulture, $"; the disk's slowest sync took {sync:0} ms") : "";

    private static int Compare(string[] folders)
    {
        if (folders.Length == 0) throw new ScenarioException("Say compare FOLDER …: folders of earlier runs.");
        var runs = folders.Select(f => JsonSerializer.Deserialize<List<ScenarioResult>>(File.ReadAllText(Path.Combine(f, "results.json")))!).ToList();
        Console.Write(LabTables.SideBySide([.. runs.Where(r => r.Count > 0)]));
        return 0;
    }
}

/// <summary>The lab's arguments.</summary>
internal sealed record LabArguments
{
    public bool List { get; init; }

    public IReadOnlyList<string> Names { get; init; } = ["all"];

    public string Peer { get; init; } = "firecloud";

    public int Members { get; init; } = 4;

    /// <summary>How long each scenario lasts; null: as it says.</summary>
    public int? Seconds { get; init; }

    public int? Seed { get; init; }

    /// <summary>A HOCON file with further settings of Firecloud's nodes; null for none.</summary>
    public string? Settings { get; init; }

    public string Out { get; init; } = "";

    /// <summary>Reads them.</summary>
    /// <exception cref="ScenarioException">One is wrong.</exception>
    public static LabArguments Parse(string[] args)
    {
        var (arguments, names) = (new LabArguments(), new List<string>());
        for (var i = 0; i < args.Length; i++)
        {
            arguments = args[i] switch
            {
                "list" => arguments with { List = true },
                "--peer" => arguments with { Peer = Value() is "etcd" or "firecloud" ? args[i] : throw Wrong("--peer is etcd, or firecloud") },
                "--members" => arguments with { Members = Number(3, 4) },
                "--seconds" => arguments with { Seconds = Number(2, 600) },
                "--seed" => arguments with { Seed = Number(0, int.MaxValue) },
                "--out" => arguments with { Out = Value() },
                "--settings" => arguments with { Settings = File.Exists(Path.GetFullPath(Value())) ? Path.GetFullPath(args[i]) : throw Wrong("--settings is a file that is there") },
                _ when args[i].StartsWith('-') => throw new ScenarioException($"'{args[i]}' is not an option: --peer, --members, --seconds, --seed, --settings, --out."),
                _ => Named(args[i]),
            };

            string Value() => ++i < args.Length ? args[i] : throw new ScenarioException($"{args[i - 1]} needs a value.");

            ScenarioException Wrong(string allowed) => new($"{allowed}, not '{args[i]}'.");

            int Number(int least, int most) => int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
                ? number
                : throw Wrong($"{args[i - 1]} is a number from {least} to {most}");

            LabArguments Named(string name)
            {
                names.Add(name);
                return arguments;
            }
        }
        if (names.Count > 0) arguments = arguments with { Names = names };
        return arguments.Out.Length > 0 ? arguments : arguments with { Out = Path.Combine(Path.GetTempPath(), $"firecloud-lab-{arguments.Peer}-{arguments.Members}") };
    }
}
