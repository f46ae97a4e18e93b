using System.Diagnostics;

namespace Firecloud.Bench.Load;

/// <summary>Callers that each begin the next calls when their last ones have ended.</summary>
internal sealed class ClosedCallers : ICallers
{
    private readonly Caller[] _callers;
    private readonly Window _window;
    private readonly Workload _workload;
    private volatile bool _stopping;

    public ClosedCallers(IReadOnlyList<IConnection> connections, Workload workload, Window window, int seed)
    {
        (_window, _workload) = (window, workload);
        var zeta = KeyChooser.Zeta(workload.Keys, workload.Skew);
        _callers = [.. connections.Take(workload.Clients)
            .Select((c, i) => new Caller(this, c, new KeyChooser(workload.Keys, workload.Skew, seed + i, zeta)))];
    }

    public void Start()
    {
        foreach (var caller in _callers) caller.Begin();
    }

    /// <summary>Ends when everything under way has ended.</summary>
    public Task StopAsync()
    {
        _stopping = true;
        return Task.WhenAll(_callers.Select(c => c.Stopped));
    }

    private sealed class Caller : ICaller
    {
        private readonly ClosedCallers _all;
        private readonly IConnection _connection;
        private readonly KeyChooser _keys;
        private readonly Call[] _calls;
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _underWay;

        public Caller(ClosedCallers all, IConnection connection, KeyChooser keys)
        {
            (_all, _connection, _keys) = (all, connection, keys);
            _calls = [.. Enumerable.Range(0, all._workload.Depth).Select(_ => new Call(this))];
        }

        public Task Stopped => _stopped.Task;

        public void Begin()
        {
            _underWay = _calls.Length;
            var workload = _all._workload;
            var now = Stopwatch.GetTimestamp();
            foreach (var call in _calls)
            {
                call.Kind = _keys.Chance(workload.Gets) ? Kind.Get : workload.Swaps ? Kind.CompareAndSet : Kind.Put;
                call.Key = _keys.Next();
                call.Due = now;
            }
            // Not in the loop above: a call may end, and the last one begin the next ones, before Begin returns.
            foreach (var call in _calls) _connection.Begin(call);
        }

        public void Ended(Call call, bool done)
        {
            _all._window.Note(call, done);
            if (Interlocked.Decrement(ref _underWay) > 0) return;
            if (_all._stopping) _stopped.TrySetResult();
            else if (done) Begin();
            else ThreadPool.UnsafeQueueUserWorkItem(static c => c.Begin(), this, preferLocal: false);   // it may have ended within Begin
        }
    }
}
