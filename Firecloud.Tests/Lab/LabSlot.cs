// LabSlot.cs - one of the places in which a lab can run on this machine: names of namespaces and interfaces, a subnet, and a folder. A file's
// lock says whether it is taken; the system gives it back when the process ends, however it ends. Who takes a place first removes what an
// earlier run has left there.
using System.Globalization;
using Firecloud.Tests.Processes;

namespace Firecloud.Tests.Lab;

/// <summary>A place that this process has taken.</summary>
internal sealed class LabSlot : IAsyncDisposable
{
    private const int Slots = 200;

    private readonly FileStream _lock;

    private LabSlot(int number, FileStream held)
    {
        (Number, _lock) = (number, held);
        Folder = Path.Combine(Root, Text(number));
    }

    public int Number { get; }

    /// <summary>For everything that the run keeps until its end.</summary>
    public string Folder { get; }

    public string Bridge => $"fclab{Number}";

    /// <summary>This process' address on the bridge.</summary>
    public string OwnAddress => Address(253);

    private static string Root => Path.Combine(Path.GetTempPath(), "firecloud-lab");

    public string Namespace(int member) => $"fclab{Number}-{member}";

    /// <summary>The outer end of a node's link.</summary>
    public string Link(int member) => $"fclab{Number}v{member}";

    public string Address(int member) => $"10.213.{Number}.{member + 1}";

    /// <summary>Takes the first free place, and removes what earlier runs left anywhere.</summary>
    /// <exception cref="InvalidOperationException">Every place is taken.</exception>
    public static async Task<LabSlot> TakeAsync()
    {
        Directory.CreateDirectory(Root);
        LabSlot? taken = null;
        for (var number = 0; number < Slots; number++)
        {
            var path = Path.Combine(Root, $"{Text(number)}.lock");
            if (taken is not null && !File.Exists(path)) continue;
            if (TryOpen(path) is not { } held) continue;
            var slot = new LabSlot(number, held);
            await slot.CleanAsync();
            if (taken is null) taken = slot;
            else slot.Release();
        }
        return taken ?? throw new InvalidOperationException($"All {Slots} places in {Root} are taken.");
    }

    /// <summary>Removes what runs that ended badly have left.</summary>
    public static async Task CleanAllAsync() => await (await TakeAsync()).DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await CleanAsync();
        Release();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static FileStream? TryOpen(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Gives the place back as it is. The file stays: were it removed, another process could hold the lock of a file that nobody finds any more.</summary>
    internal void Release() => _lock.Dispose();

    private async Task CleanAsync()
    {
        foreach (var name in await NamespacesAsync())
        {
            var pids = (await Command.RunAsync(Command.Program("ip", "netns", "pids", name))).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            if (pids.Length > 0) await Command.RunAsync(Command.Program("kill", ["-KILL", .. pids]));
            await Command.RunAsync(Command.Program("ip", "netns", "delete", name));
        }
        // A namespace's links go some time after it; an end out here takes the other one with it at once.
        foreach (var link in Directory.GetDirectories("/sys/class/net", $"{Bridge}v*")) await Command.RunAsync(Command.Program("ip", "link", "delete", Path.GetFileName(link)));
        if (Directory.Exists($"/sys/class/net/{Bridge}")) await Command.RunAsync(Command.Program("ip", "link", "delete", Bridge));
        foreach (var mount in File.ReadLines("/proc/mounts").Select(l => l.Split(' ')[1]).Where(m => m.StartsWith(Folder + "/", StringComparison.Ordinal)).ToList())
        {
            await Command.RunAsync(Command.Program("umount", "-l", mount));
        }
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    private async Task<List<string>> NamespacesAsync()
    {
        var names = (await Command.RunAsync(Command.Program("ip", "netns", "list"))).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. names.Select(n => n.Split(' ')[0]).Where(n => n.StartsWith($"{Bridge}-", StringComparison.Ordinal))];
    }
}
