using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace Firecloud.Tests.Processes;

/// <summary>A process that ran to its end.</summary>
/// <param name="ExitCode">What it returned.</param>
/// <param name="Output">What it printed.</param>
/// <param name="Errors">What it printed to the error stream.</param>
internal sealed record Finished(int ExitCode, string Output, string Errors)
{
    /// <summary>Both streams, for messages of failing tests.</summary>
    public override string ToString() => $"exit code {ExitCode}\n{Output}{Errors}";
}

/// <summary>Runs processes to their end; none outlives its time.</summary>
internal static class Command
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The node's program, beside the tests: of the same build.</summary>
    public static string HostDll { get; } = Path.Combine(AppContext.BaseDirectory, "Firecloud.Host.dll");

    /// <summary>The folder with Firecloud.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Firecloud.Host with these arguments.</summary>
    public static ProcessStartInfo Host(params string[] arguments) => Program("dotnet", [HostDll, .. arguments]);

    public static ProcessStartInfo Program(string name, params string[] arguments) => new(name, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        WorkingDirectory = Path.GetTempPath(),
    };

    /// <summary>Runs a process to its end.</summary>
    /// <param name="info">What to run.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="patience">When it is ended; null for a minute.</param>
    public static async Task<Finished> RunAsync(ProcessStartInfo info, string input = "", TimeSpan? patience = null)
    {
        using var process = Start(info);
        using var late = new CancellationTokenSource(patience ?? Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(late.Token);
            var errors = process.StandardError.ReadToEndAsync(late.Token);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(late.Token);
            return new Finished(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{info.FileName} {string.Join(' ', info.ArgumentList)} did not end within {(patience ?? Patience).TotalSeconds} s.");
        }
    }

    private static Process Start(ProcessStartInfo info)
    {
        try
        {
            return Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            Assert.Fail($"{info.FileName} can't be run ({e.Message}); install it, this test needs it.");
            throw;
        }
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Firecloud.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
