// LabNodes.cs - the nodes' processes and disks: carries out what a scenario does to nodes. Each process is that of the node itself, as
// "ip netns exec" and a loader of libraries replace themselves by it; signals go to it by its id.
using System.Globalization;
using Firecloud.Tests.Processes;

namespace Firecloud.Tests.Lab;

/// <summary>The processes of one run.</summary>
internal sealed class LabNodes : IAsyncDisposable
{
    private const int DiskMebibytes = 700;
    private const long LeftWhenFull = 1 << 20;
    private static readonly string[] FakeTimes = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];

    private readonly LabStore _store;
    private readonly bool _clocks;
    private readonly NodeProcess?[] _nodes;
    private readonly List<string> _logs = [];
    private readonly HashSet<int> _wiped = [];
    private readonly List<string> _mounts = [];

    private LabNodes(LabStore store, bool clocks) => (_store, _clocks, _nodes) = (store, clocks, new NodeProcess?[store.Members]);

    /// <summary>What a member's processes printed.</summary>
    public string LogOf(int member) => string.Concat(_logs.Where(l => l.StartsWith($"[{member}]", StringComparison.Ordinal))) + _nodes[member]?.Log;

    /// <summary>Members whose process has ended by itself.</summary>
    public IReadOnlyList<int> Ended(Func<int, bool> shouldRun) => [.. Enumerable.Range(0, _nodes.Length).Where(i => shouldRun(i) && _nodes[i] is not { IsRunning: true })];

    /// <summary>Starts all nodes.</summary>
    /// <param name="store">Of it.</param>
    /// <param name="scenario">What will be done to them: some need a disk of their own, or a clock.</param>
    public static async Task<LabNodes> StartAsync(LabStore store, Scenario scenario)
    {
        var nodes = new LabNodes(store, scenario.Has(FaultKind.Clock));
        try
        {
            for (var i = 0; i < store.Members; i++)
            {
                Directory.CreateDirectory(store.DiskOf(i));
                if (scenario.Has(FaultKind.Fill)) await nodes.MountAsync(store.DiskOf(i));
                nodes.SetClock(i, 0);
            }
            for (var i = 0; i < store.Members; i++) nodes.Start(i);
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does something to a member.</summary>
    public async Task DoAsync(Fault fault, int member)
    {
        switch (fault.Kind)
        {
            case FaultKind.Kill: await KillAsync(member); break;
            case FaultKind.Terminate: await _nodes[member]!.TerminateAsync(); break;
            case FaultKind.Start:
                if (_wiped.Remove(member)) await _store.ReplaceAsync(member);
                await EndAsync(member);
                Start(member);
                break;
            case FaultKind.Restart:
                await EndAsync(member);
                Start(member);
                break;
            case FaultKind.Pause: await SignalAsync("-STOP", member); break;
            case FaultKind.Resume: await SignalAsync("-CONT", member); break;
            case FaultKind.Wipe:
                Directory.Delete(_store.FolderOf(member), recursive: true);
                _wiped.Add(member);
                break;
            case FaultKind.Fill: Fill(member); break;
            case FaultKind.Free: File.Delete(OtherFile(member)); break;
            case FaultKind.Clock: SetClock(member, fault.Amount); break;
            default: break;   // links: the network does it
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < _nodes.Length; i++) await EndAsync(i);
        foreach (var mount in _mounts) await Command.RunAsync(Command.Program("umount", "-l", mount));
    }

    private string ClockFile(int member) => Path.Combine(_store.DiskOf(member), "clock");

    private string OtherFile(int member) => Path.Combine(_store.DiskOf(member), "other");

    private void Start(int member)
    {
        var info = _store.Start(member);
        if (_clocks)
        {
            var library = FakeTimes.FirstOrDefault(File.Exists) ?? throw new InvalidOperationException("This scenario needs libfaketime (package faketime).");
            info.Environment["LD_PRELOAD"] = library;
            info.Environment["FAKETIME_TIMESTAMP_FILE"] = ClockFile(member);
            info.Environment["FAKETIME_CACHE_DURATION"] = "1";
            // Only the wall clock jumps; and waits that rest on the other one stay as they are (else .NET's return at once).
            info.Environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
            info.Environment["FAKETIME_FORCE_MONOTONIC_FIX"] = "0";
        }
        _nodes[member] = NodeProcess.Start(info);
    }

    private void SetClock(int member, double seconds)
    {
        if (!_clocks) return;
        // In place of the file at one moment: a node may be reading it.
        File.WriteAllText(ClockFile(member) + ".new", seconds.ToString("+0.###;-0.###", CultureInfo.InvariantCulture) + "\n");
        File.Move(ClockFile(member) + ".new", ClockFile(member), overwrite: true);
    }

    private Task KillAsync(int member) => _nodes[member]!.KillAsync();

    private async Task EndAsync(int member)
    {
        if (_nodes[member] is not { } node) return;
        await node.KillAsync();
        _logs.Add($"[{member}] {node.Log}");
        await node.DisposeAsync();
        _nodes[member] = null;
    }

    private async Task SignalAsync(string signal, int member) =>
        await Command.RunAsync(Command.Program("kill", signal, _nodes[member]!.Id.ToString(CultureInfo.InvariantCulture)));

    private async Task MountAsync(string folder)
    {
        var finished = await Command.RunAsync(Command.Program("mount", "-t", "tmpfs", "-o", $"size={DiskMebibytes}m", "tmpfs", folder));
        if (finished.ExitCode != 0) throw new InvalidOperationException($"A small disk can't be mounted: {finished.Errors.Trim()}");
        _mounts.Add(folder);
    }

    private void Fill(int member)
    {
        var free = new DriveInfo(_store.DiskOf(member)).AvailableFreeSpace;
        using var file = new FileStream(OtherFile(member), new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, PreallocationSize = Math.Max(1, free - LeftWhenFull),
        });
    }
}
