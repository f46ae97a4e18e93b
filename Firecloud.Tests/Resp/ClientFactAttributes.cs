// ClientFactAttributes.cs - tests that need a client library of another language: where it is missing they are skipped, and say what is.
using System.Diagnostics;
using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Resp;

/// <summary>Needs Python's client, from Debian.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PythonRedisFactAttribute : FactAttribute
{
    /// <summary>Debian's own Python, which has Debian's packages.</summary>
    public const string Python = "/usr/bin/python3";

    private static readonly string? Missing = Programs.WhyNot(Python, "-c", "import redis") is { } why
        ? $"Python's redis client is missing: scripts/test.sh installs it where it can (Debian: python3-redis). {why}" : null;

    public PythonRedisFactAttribute() => Skip = Missing;
}

/// <summary>Needs node-redis, which npm brings into the folder Clients the first time.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeRedisTheoryAttribute : TheoryAttribute
{
    private static readonly string? Missing = FindMissing();

    public NodeRedisTheoryAttribute() => Skip = Missing;

    private static string? FindMissing()
    {
        var folder = Path.Combine(Command.Root, "Firecloud.Tests/Resp/Clients");
        if (Programs.WhyNot("node", "--version") is { } noNode) return $"node is missing; install it (Debian: nodejs, npm). {noNode}";
        if (Directory.Exists(Path.Combine(folder, "node_modules", "redis"))) return null;
        return Programs.WhyNot("npm", "ci", "--prefix", folder) is { } why ? $"node-redis can't be installed by 'npm ci' in Firecloud.Tests/Resp/Clients: {why}" : null;
    }
}

internal static class Programs
{
    private const int PatienceMs = 120_000;

    /// <summary>Runs a program.</summary>
    /// <returns>Null where it ended well; else what it said, in a line.</returns>
    public static string? WhyNot(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(Command.Program(program, arguments))!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(PatienceMs))
            {
                process.Kill(entireProcessTree: true);
                return $"{program} did not end within {PatienceMs / 1000} s.";
            }
            Task.WaitAll(output, errors);
            return process.ExitCode == 0 ? null : $"{program}: {errors.Result.Trim().ReplaceLineEndings("; ")}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"{program}: {e.Message}";
        }
    }
}
