// DiskProbe.cs - how long the disk itself takes to sync, beside the nodes that share it: a pause of all clients at the moment of a slow sync is the disk's.
using System.Collections.Concurrent;

namespace Firecloud.Tests.Lab;

/// <summary>Writes 4 KiB to a file of its own and syncs it, some fifty times a second.</summary>
internal sealed class DiskProbe : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentQueue<Span> _syncs = new();
    private readonly Func<long> _nowUs;
    private readonly ManualResetEventSlim _stop = new();
    private readonly FileStream _file;
    private readonly Thread _thread;

    /// <summary>Begins.</summary>
    /// <param name="folder">On the disk of the nodes.</param>
    /// <param name="nowUs">Microseconds from the begin of the scenario.</param>
    public DiskProbe(string folder, Func<long> nowUs)
    {
        _nowUs = nowUs;
        _file = new FileStream(Path.Combine(folder, "probe"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        _thread = new Thread(Run) { IsBackground = true, Name = "disk-probe" };
        _thread.Start();
    }

    /// <summary>When each sync, with its write, began and ended.</summary>
    public IReadOnlyList<Span> Syncs => [.. _syncs];

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _file.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        var block = new byte[4096];
        while (!_stop.Wait(Pace))
        {
            var beginUs = _nowUs();
            RandomAccess.Write(_file.SafeFileHandle, block, 0);
            RandomAccess.FlushToDisk(_file.SafeFileHandle);
            _syncs.Enqueue(new Span(beginUs, _nowUs()));
        }
    }
}
