using System.Runtime.InteropServices;
using Xunit;

namespace Firecloud.Tests.Native;

/// <summary>A test that builds C programs and lib739kv.so: where the tools for that are missing it is skipped, and says which.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NativeFactAttribute : FactAttribute
{
    private static readonly string? Missing = FindMissing();

    public NativeFactAttribute() => Skip = Missing;

    private static string? FindMissing()
    {
        if (!OperatingSystem.IsLinux()) return "lib739kv.so is for Linux.";
        foreach (var program in new[] { "make", "gcc" })
        {
            if (!IsInPath(program)) return $"{program} is missing; scripts/test.sh installs it where it can.";
        }
        // A package that no other project needs, so that building the tests does not bring it.
        var compiler = $"runtime.linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}.microsoft.dotnet.ilcompiler";
        return Directory.Exists(Path.Combine(PackageFolder(), compiler)) ? null
            : $"The native compiler is missing ({compiler}, from NuGet); scripts/test.sh or `make -C Firecloud.Client/Native` brings it.";
    }

    private static bool IsInPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    private static string PackageFolder() => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
