using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Firecloud.Bench.Load;

/// <summary>
/// Begins calls at a steady rate, whether the others have ended or not. A call that finds all clients taken waits for one, and its time
/// counts from when it was due: a slow answer delays the calls behind it and shows in their times too, instead of hiding them
/// (coordinated omission, as Gil Tene named it).
/// </summary>
internal sealed class PacedCallers : ICallers, ICaller
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Call, IConnection> _connections = [];
    private readonly Stack<Call> _free = [];
    private readonly Workload _workload;
    private readonly Window _window;
    private readonly KeyChooser _keys;
    private readonly Thread _pacer;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _start;
    private long _begun;
    private bool _stopping;

    public PacedCallers(IReadOnlyList<IConnection> connections, Workload workload, Window window, int seed)
    {
        (_workload, _window) = (workload, window);
        _keys = new KeyChooser(workload.Keys, workload.Skew, seed, KeyChooser.Zeta(workload.Keys, workload.Skew));
        foreach (var connection in connections)
        {
            for (var i = 0; i < workload.Depth; i++)
            {
                var call = new Call(this);
                _connections.Add(call, connection);
                _free.Push(call);
            }
        }
        _pacer = new Thread(Run) { IsBackground = true, Name = "pacer" };
    }

    public void Start()
    {
        _start = Stopwatch.GetTimestamp();
        _pacer.Start();
    }

    public Task StopAsync()
    {
        lock (_lock)
        {
            _stopping = true;
            if (_free.Count == _connections.Count) _stopped.TrySetResult();
        }
        return _stopped.Task;
    }

    public void Ended(Call call, bool done)
    {
        _window.Note(call, done);
        bool again;
        lock (_lock)
        {
            again = TakeDue(call);
            if (!again) _free.Push(call);
            if (_stopping && _free.Count == _connections.Count) _stopped.TrySetResult();
        }
        if (again) _connections[call].Begin(call);
    }

    private void Run()
    {
        while (true)
        {
            Call? call = null;
            lock (_lock)
            {
                if (_stopping) return;
                if (_free.TryPeek(out var free) && TakeDue(free)) call = _free.Pop();
            }
            if (call is not null) _connections[call].Begin(call);
            else Pause();
        }
    }

    // Gives the call the next operation, if one is due.
    private bool TakeDue(Call call)
    {
        var due = _start + (long)(_begun / _workload.Rate * Stopwatch.Frequency);
        if (_stopping || due > Stopwatch.GetTimestamp()) return false;
        _begun++;
        call.Kind = _keys.Chance(_workload.Gets) ? Kind.Get : _workload.Swaps ? Kind.CompareAndSet : Kind.Put;
        call.Key = _keys.Next();
        call.Due = due;
        return true;
    }

    // Thread.Sleep has steps of a millisecond, which would show in the times.
    private static void Pause()
    {
        var time = new TimeSpec { Nanoseconds = 50_000 };
        _ = NanoSleep(in time, 0);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    // LibraryImport would need unsafe code, which this project does without.
    [DllImport("libc", EntryPoint = "nanosleep")]
    private static extern int NanoSleep(in TimeSpec time, nint rest);
}
