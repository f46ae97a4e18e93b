namespace Firecloud.Actors.Storage;

/// <summary>
/// A thread that writes and syncs for one store. A sync blocks, and the pool, on which everything else runs, has as many threads as the
/// machine has cores: one that waits for a disk there would hold up answers.
/// </summary>
internal sealed class SyncThread : IDisposable
{
    private readonly object _gate = new();
    private readonly Thread _thread;
    private (Action Work, TaskCompletionSource Done)? _next;
    private bool _ends;

    public SyncThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "firecloud-sync" };
        _thread.Start();
    }

    /// <summary>Runs something on the thread. One at a time: the task before must have completed.</summary>
    /// <returns>Completes on the thread itself, so that whoever waits hears at once: what continues there must be short.</returns>
    public Task Begin(Action work)
    {
        var done = new TaskCompletionSource();
        lock (_gate)
        {
            Invariant.That(_next is null && !_ends);
            _next = (work, done);
            Monitor.Pulse(_gate);
        }
        return done.Task;
    }

    /// <summary>Ends the thread, after what is under way.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ends = true;
            Monitor.Pulse(_gate);
        }
        if (Thread.CurrentThread != _thread) _thread.Join();
    }

    private void Run()
    {
        while (Next() is var (work, done))
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                done.SetException(e);
                continue;
            }
            done.SetResult();
        }
    }

    private (Action Work, TaskCompletionSource Done)? Next()
    {
        lock (_gate)
        {
            while (_next is null && !_ends) Monitor.Wait(_gate);
            var next = _next;
            _next = null;
            return next;
        }
    }
}
