namespace Firecloud.Bench.Load;

/// <summary>What a call does.</summary>
internal enum Kind : byte
{
    Get,
    Put,

    /// <summary>Sets the value of a key that is there if it is what the load put there, which it is: no call fails for another's sake.</summary>
    CompareAndSet,
}

/// <summary>Who is told that a call has ended.</summary>
internal interface ICaller
{
    /// <summary>Called once for each call that was begun, on any thread; may begin the call anew.</summary>
    /// <param name="call">The call.</param>
    /// <param name="done">False: refused, unknown, or a wrong answer.</param>
    void Ended(Call call, bool done);
}

/// <summary>One operation under way; the object is used again for the next one.</summary>
internal sealed class Call(ICaller caller)
{
    public Kind Kind { get; set; }

    /// <summary>Number of the key, from 0.</summary>
    public int Key { get; set; }

    /// <summary>When it began or, where a rate is kept, when it was to begin: ticks of Stopwatch.</summary>
    public long Due { get; set; }

    /// <summary>What came instead of the answer it should get, for people; null where nothing is known.</summary>
    public string? Why { get; set; }

    public void End(bool done) => caller.Ended(this, done);
}

/// <summary>One client of a store. Begin may be called by several threads.</summary>
internal interface IConnection : IAsyncDisposable
{
    /// <summary>Begins a call and returns; its end is told to its caller.</summary>
    void Begin(Call call);
}
