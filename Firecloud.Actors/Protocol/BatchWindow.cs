namespace Firecloud.Actors.Protocol;

/// <summary>
/// How many batches may be on their way to one receiver, or to all replicas, before more waits for an answer and then goes together. A busy
/// node sends few large batches instead of many small ones, and an idle one sends at once, without a timer (Nagle's idea of RFC 896, with
/// answers for acknowledgements). It steers only: whatever waits counts as delayed by the network.
/// </summary>
/// <param name="most">Batches on their way, at least 1.</param>
internal sealed class BatchWindow(int most)
{
    /// <summary>An answer that takes longer holds nothing up: its receiver may be gone.</summary>
    private const int StaleAfterMs = 100;

    private readonly Queue<(ulong First, long SentMs)> _underWay = new();

    /// <summary>A batch may go.</summary>
    public bool IsOpen => _underWay.Count < most;

    /// <summary>A batch goes.</summary>
    /// <param name="first">The lowest number in it. Numbers grow.</param>
    /// <param name="nowMs">When.</param>
    public void Sent(ulong first, long nowMs) => _underWay.Enqueue((first, nowMs));

    /// <summary>One of a batch was answered: it has arrived, and those before it have, or are lost.</summary>
    public void Answered(ulong number)
    {
        while (_underWay.TryPeek(out var oldest) && oldest.First <= number) _underWay.Dequeue();
    }

    /// <summary>Time passes.</summary>
    public void OnTick(long nowMs)
    {
        while (_underWay.TryPeek(out var oldest) && oldest.SentMs <= nowMs - StaleAfterMs) _underWay.Dequeue();
    }

    /// <summary>Whoever was asked may be gone: nothing waits for it.</summary>
    public void Clear() => _underWay.Clear();
}
