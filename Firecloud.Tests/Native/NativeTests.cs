using System.Diagnostics;
using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Native;

/// <summary>lib739kv.so, built by make and called from C and Python, against four processes.</summary>
public sealed class NativeTests : IDisposable
{
    private static readonly string LibraryFolder = Path.Combine(Command.Root, "Firecloud.Client", "Native");
    private static readonly Lazy<Task> Library = new(BuildLibraryAsync);

    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-native-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [NativeFact]
    public async Task Every_function_does_what_its_header_says()
    {
        var program = await CompileAsync();
        await using var cluster = await ProcessCluster.StartAsync();
        var run = await Command.RunAsync(Command.Program(program, ["calls", "calls", .. cluster.Addresses]));
        Assert.True(run is { ExitCode: 0, Output: "fine\n" }, $"{run}");

        // What C put everybody sees, and the other way round. What does not fit its rules is a failure, not half of it.
        Assert.Equal("mine", (await cluster.Client.GetAsync("calls both")).Result!.Text);
        var values = new[] { "a\0b", "a[b", new string('v', 2049) };
        for (var i = 0; i < values.Length; i++) Assert.True((await cluster.Client.PutAsync($"other {i}", values[i])).IsDone);
        var python = await RunPythonAsync($"""
            {Servers(cluster)}
            value = ctypes.create_string_buffer(b"untouched", 2049)
            for i in range({values.Length}):
                print(kv.kv739_get(b"other %d" % i, value), value.value.decode())
            """);
        Assert.Equal((0, string.Concat(Enumerable.Repeat("-1 untouched\n", values.Length))), (python.ExitCode, python.Output + python.Errors));
    }

    [NativeFact]
    public async Task Eight_threads_put_at_most_once()
    {
        var program = await CompileAsync();
        await using var cluster = await ProcessCluster.StartAsync();
        var run = await Command.RunAsync(Command.Program(program, ["threads", "whole", .. cluster.Addresses]), "go on\n");
        Assert.True(run.ExitCode == 0 && run.Output.EndsWith("fine\n", StringComparison.Ordinal), $"{run}");
    }

    [NativeFact]
    public async Task Eight_threads_put_at_most_once_while_the_master_is_killed()
    {
        var program = await CompileAsync();
        await using var cluster = await ProcessCluster.StartAsync(onDisk: true);
        using var threads = Process.Start(Command.Program(program, ["threads", "killed", .. cluster.Addresses]))!;
        using var late = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            var begun = await threads.StandardOutput.ReadLineAsync(late.Token);
            Assert.True(begun == "under way", begun);
            await cluster.Node(0).KillAsync();
            await threads.StandardInput.WriteLineAsync("killed".AsMemory(), late.Token);
            await threads.StandardInput.FlushAsync(late.Token);
            var said = await threads.StandardOutput.ReadToEndAsync(late.Token);
            await threads.WaitForExitAsync(late.Token);
            Assert.True(threads.ExitCode == 0 && said.EndsWith("fine\n", StringComparison.Ordinal), said);
        }
        finally
        {
            if (!threads.HasExited) threads.Kill();
        }
    }

    [NativeFact]
    public async Task The_example_in_the_documentation_does_what_it_says()
    {
        var document = await File.ReadAllTextAsync(Path.Combine(Command.Root, "docs", "kv739.md"));
        var example = document.Split("```python\n")[1].Split("```")[0];
        var shown = example.Split('\n').SelectMany(l => l.Split("  # prints ").Skip(1)).Select(l => l + "\n");
        await Library.Value;
        await using var cluster = await ProcessCluster.StartAsync();
        for (var i = 0; i < 4; i++)
        {
            Assert.Contains($"127.0.0.1:{8808 + i}", example, StringComparison.Ordinal);
            example = example.Replace($"127.0.0.1:{8808 + i}", cluster.Addresses[i], StringComparison.Ordinal);
        }
        var info = Command.Program("python3", "-");
        info.WorkingDirectory = Command.Root;
        var run = await Command.RunAsync(info, example);
        Assert.True(run.ExitCode == 0, $"{run}");
        Assert.Equal(string.Concat(shown), run.Output);
    }

    [NativeFact]
    public async Task Make_says_what_is_missing()
    {
        // A path with the tools of make's own recipe, and neither dotnet nor a compiler.
        var tools = Directory.CreateDirectory(Path.Combine(_folder, "tools")).FullName;
        foreach (var tool in new[] { "sh", "grep" }) File.CreateSymbolicLink(Path.Combine(tools, tool), $"/bin/{tool}");
        Assert.Contains("The .NET SDK 10 is missing.", (await MakeWithoutAsync(tools)).Errors, StringComparison.Ordinal);

        await File.WriteAllTextAsync(Path.Combine(tools, "dotnet"), "#!/bin/sh\necho '10.0.100 [there]'\n");
        await Command.RunAsync(Command.Program("chmod", "+x", Path.Combine(tools, "dotnet")));
        Assert.Contains("A C compiler is missing", (await MakeWithoutAsync(tools)).Errors, StringComparison.Ordinal);
    }

    private static async Task BuildLibraryAsync()
    {
        var info = Command.Program("make", "-C", LibraryFolder);
        foreach (var name in info.Environment.Keys.Where(k => k.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList()) info.Environment.Remove(name);
        var made = await Command.RunAsync(info, patience: TimeSpan.FromMinutes(8));
        Assert.True(made.ExitCode == 0 && File.Exists(Path.Combine(LibraryFolder, "lib739kv.so")), $"{made}");
    }

    private static Task<Finished> MakeWithoutAsync(string path)
    {
        var info = Command.Program("/usr/bin/make", "-C", LibraryFolder, "-B", "lib739kv.so");
        info.Environment["PATH"] = path;
        return Command.RunAsync(info);
    }

    private static string Servers(ProcessCluster cluster) => $"""
        import ctypes
        kv = ctypes.CDLL("{LibraryFolder}/lib739kv.so")
        servers = (ctypes.c_char_p * 5)({string.Join(", ", cluster.Addresses.Select(a => $"b\"{a}\""))}, None)
        assert kv.kv739_init(servers) == 0
        """;

    private static Task<Finished> RunPythonAsync(string text) => Command.RunAsync(Command.Program("python3", "-"), text);

    private async Task<string> CompileAsync()
    {
        await Library.Value;
        var program = Path.Combine(_folder, "kv739_test");
        var source = Path.Combine(AppContext.BaseDirectory, "Native", "kv739_test.c");
        var compiled = await Command.RunAsync(Command.Program(
            "gcc", "-Wall", "-Wextra", "-Werror", "-pthread", "-O1", "-o", program, source, $"-I{LibraryFolder}", $"-L{LibraryFolder}", "-l739kv", $"-Wl,-rpath,{LibraryFolder}"));
        Assert.True(compiled.ExitCode == 0, $"{compiled}");
        return program;
    }
}
