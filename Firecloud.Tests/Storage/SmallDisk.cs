using System.Diagnostics;
using Xunit;

namespace Firecloud.Tests.Storage;

/// <summary>A file system in memory that is soon full.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("firecloud-disk-").FullName;

    public SmallDisk(int mebibytes)
    {
        var error = Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "tmpfs", _root);
        Assert.True(error is null, error);
    }

    public string Folder => Path.Combine(_root, "store");

    public long Free => new DriveInfo(_root).AvailableFreeSpace;

    /// <summary>Another program's file takes all but so many bytes; -1: it goes.</summary>
    public void FillAllBut(long free)
    {
        var path = Path.Combine(_root, "other");
        File.Delete(path);
        if (free < 0) return;
        using var file = File.Create(path);
        var (block, left) = (new byte[64 << 10], Free - free);
        for (; left > 0; left -= block.Length) file.Write(block, 0, (int)Math.Min(left, block.Length));
    }

    public void Dispose()
    {
        Run("umount", _root);
        Directory.Delete(_root);
    }

    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : $"{program}: {error}";
    }
}

/// <summary>A test that mounts a file system: only root may.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Skip = "Mounting a tmpfs needs Linux and root.";
    }
}
