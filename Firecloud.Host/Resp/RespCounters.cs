namespace Firecloud.Host.Resp;

/// <summary>What the server counted, for INFO.</summary>
internal sealed class RespCounters
{
    private long _connections;
    private long _commands;
    private long _rejected;
    private long _protocolErrors;
    private long _output;

    /// <summary>Connections taken.</summary>
    public long Connections => Interlocked.Read(ref _connections);

    /// <summary>Commands read, wrong ones included.</summary>
    public long Commands => Interlocked.Read(ref _commands);

    /// <summary>Connections not taken.</summary>
    public long Rejected => Interlocked.Read(ref _rejected);

    /// <summary>Connections ended because what came was no command.</summary>
    public long ProtocolErrors => Interlocked.Read(ref _protocolErrors);

    /// <summary>Bytes of answers.</summary>
    public long Output => Interlocked.Read(ref _output);

    public void CountConnection() => Interlocked.Increment(ref _connections);

    public void CountCommands(int count) => Interlocked.Add(ref _commands, count);

    public void CountRejected() => Interlocked.Increment(ref _rejected);

    public void CountProtocolError() => Interlocked.Increment(ref _protocolErrors);

    public void CountOutput(long bytes) => Interlocked.Add(ref _output, bytes);
}
