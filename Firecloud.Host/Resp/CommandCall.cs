using System.Text;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>One command of one client, with what running it needs.</summary>
/// <param name="Connection">The client's.</param>
/// <param name="Spec">The command.</param>
/// <param name="Arguments">Its name first; their number is one that the command takes.</param>
internal sealed record CommandCall(RespConnection Connection, CommandSpec Spec, byte[][] Arguments)
{
    /// <summary>The node's server.</summary>
    public RespServer Server => Connection.Server;

    /// <summary>What is known of the client.</summary>
    public RespSession Session => Connection.Session;

    /// <summary>Number of arguments, with the name.</summary>
    public int Count => Arguments.Length;

    /// <summary>An argument.</summary>
    public byte[] this[int index] => Arguments[index];

    /// <summary>An argument as text, in capitals where it is an option's name.</summary>
    public string Text(int index) => Encoding.UTF8.GetString(Arguments[index]);

    /// <summary>True when an argument is this word, in capitals or not.</summary>
    public bool Is(int index, string word) => Is(Arguments[index], word);

    /// <summary>True when an argument is this word, in capitals or not.</summary>
    public static bool Is(ReadOnlySpan<byte> argument, string word) => Ascii.EqualsIgnoreCase(argument, word);

    /// <summary>Reads a whole number.</summary>
    public bool TryInteger(int index, out long number) => RespNumber.TryRead(Arguments[index], out number);

    /// <summary>Puts an operation into the client's batch. What is too long is answered without sending it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="operation">What to do.</param>
    public RespRequest Submit(byte[] key, Operation operation)
    {
        var settings = Server.Node.Settings;
        var name = key.Length == 0 ? NoKey : new Key(key);
        var wrong = key.Length == 0 ? settings.Limits.Violation(0, 0) : settings.Limits.Violation(name, operation.Value?.Length ?? 0);
        var request = new RespRequest(Connection.Batch, Spec.Name, name, operation, settings.RequestTimeoutMs);
        if (wrong is null) Connection.Batch.Add(request);
        else request.Refuse(wrong);
        return request;
    }

    /// <summary>Runs one operation by itself, in a command of several steps.</summary>
    public Task<OperationResult> RunAsync(Key key, Operation operation)
    {
        var call = new PendingCall(key, operation, Server.Node.Settings.RequestTimeoutMs);
        Server.Node.Submit(call);
        return call.Task.WaitAsync(Server.Stopping);
    }

    // Of a request that is refused before it is sent.
    private static readonly Key NoKey = new([0]);
}
