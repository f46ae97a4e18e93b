// RespConnection.cs - one client: reads what came, runs it as one batch, answers in order, flushes once; then reads again.
//
// MEMORY   at most max-pipeline operations under way, one command of max-query-buffer half read, and answers of max-output: more ends
//          the connection. While a batch runs nothing is read, so a client that sends faster than it is served waits in TCP.
using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Firecloud.Host.Resp;

/// <summary>Serves one client.</summary>
internal sealed class RespConnection
{
    private const int FlushAt = 64 * 1024;

    private readonly ConnectionContext _context;
    private readonly RespParser _parser;
    private readonly RespWriter _writer;
    private readonly List<byte[][]> _commands = [];
    private readonly List<(CommandCall Call, Answer Answer, bool IsRefused)> _answers = [];
    private (byte[] Name, CommandSpec? Spec) _last = ([], null);
    private bool _closing;

    public RespConnection(RespServer server, ConnectionContext context, RespSession session)
    {
        (Server, _context, Session) = (server, context, session);
        _parser = new RespParser(server.Settings.MaxQueryBytes);
        _writer = new RespWriter(context.Transport.Output);
        Batch = new RespBatch(server.Node);
    }

    public RespServer Server { get; }

    public RespSession Session { get; }

    public RespBatch Batch { get; }

    /// <summary>It was ended from outside, and is going.</summary>
    public bool IsAborted { get; private set; }

    /// <summary>Ends the connection after this answer.</summary>
    public void Close() => _closing = true;

    /// <summary>Ends the connection at once, from any thread.</summary>
    /// <param name="why">For the log.</param>
    public void Abort(string why)
    {
        IsAborted = true;
        _context.Abort(new ConnectionAbortedException(why));   // ends what waits for the client
        Batch.Abandon();                                       // and what waits for the node
    }

    /// <summary>Serves the client until it goes.</summary>
    public async Task RunAsync()
    {
        var input = _context.Transport.Input;
        while (!_closing)
        {
            var read = await input.ReadAsync();
            if (read.IsCanceled) break;
            Session.LastMs = Environment.TickCount64;
            var buffer = read.Buffer;
            var more = Parse(ref buffer);
            // What was looked at in vain is not looked at again before more has come.
            input.AdvanceTo(buffer.Start, more ? buffer.Start : buffer.End);
            await ExecuteAsync();
            if (_parser.Error is { } error && !_closing)
            {
                Server.Counters.CountProtocolError();
                _writer.Error(error);
                _closing = true;
            }
            if (!await FlushAsync() || (read.IsCompleted && !more)) break;
        }
    }

    /// <returns>True when it stopped at the bound, so that the buffer may hold more commands.</returns>
    private bool Parse(ref ReadOnlySequence<byte> buffer)
    {
        // A password changes what is allowed to the commands behind it.
        var most = Session.User is null ? 1 : Server.Settings.MaxPipeline;
        _parser.IsStranger = Session.User is null;
        while (_commands.Count < most)
        {
            if (_parser.TryRead(ref buffer, out var command) != ParseStatus.Command) return false;
            _commands.Add(command);
        }
        return true;
    }

    private async Task ExecuteAsync()
    {
        foreach (var arguments in _commands)
        {
            if (_closing) break;
            var spec = Find(arguments[0]);
            var call = new CommandCall(this, spec ?? CommandTable.Unknown, arguments);
            if (spec is not null) Session.LastCommand = spec.LowerName;
            var error = spec is null ? RespErrors.UnknownCommand(arguments) : CommandRules.WhyNot(call);
            if (error is not null)
            {
                _answers.Add((call, writer => writer.Error(error), true));
            }
            else if (spec!.Plan is { } plan)
            {
                _answers.Add((call, plan(call), false));
                if (Batch.Count >= Server.Settings.MaxPipeline) await FinishAsync();
            }
            else
            {
                await FinishAsync();
                await AnswerAsync(call, await spec.Run!(call), isRefused: false);
            }
        }
        Server.Counters.CountCommands(_commands.Count);
        _commands.Clear();
        await FinishAsync();
    }

    // The parser gives one array to commands of one name that follow each other.
    private CommandSpec? Find(byte[] name)
    {
        if (!ReferenceEquals(name, _last.Name)) _last = (name, CommandTable.Find(name));
        return _last.Spec;
    }

    private async Task FinishAsync()
    {
        await Batch.RunAsync();
        if (Batch.Bytes > Server.Settings.MaxOutputBytes)
        {
            _closing = true;
            throw new ConnectionAbortedException(
                $"The answers have {Batch.Bytes} bytes of values; at most {Server.Settings.MaxOutputBytes} are kept for one client "
                + "(firecloud.resp.max-output). Ask for fewer keys at a time.");
        }
        foreach (var (call, answer, isRefused) in _answers) await AnswerAsync(call, answer, isRefused);
        _answers.Clear();
        Batch.Clear();
    }

    private async ValueTask AnswerAsync(CommandCall call, Answer answer, bool isRefused)
    {
        _writer.Protocol = Session.Protocol;
        _writer.IsMuted = !Session.WantsReplies || Session.Skip > 0;
        if (Session.Skip > 0) Session.Skip--;
        answer(_writer);
        Server.Audit.Note(call, isRefused);
        if (_writer.Written >= FlushAt) await FlushAsync();
    }

    // A client that does not take its answers is cut off.
    private async ValueTask<bool> FlushAsync()
    {
        Server.Counters.CountOutput(_writer.TakeWritten());
        var flush = _context.Transport.Output.FlushAsync();
        if (flush.IsCompletedSuccessfully) return Goes(flush.Result);
        try
        {
            return Goes(await flush.AsTask().WaitAsync(TimeSpan.FromMilliseconds(Server.Settings.OutputTimeoutMs)));
        }
        catch (TimeoutException)
        {
            _closing = true;
            throw new ConnectionAbortedException(
                $"The client took no answers for {Server.Settings.OutputTimeoutMs} ms (firecloud.resp.output-timeout).");
        }

        static bool Goes(FlushResult result) => !result.IsCompleted && !result.IsCanceled;
    }
}
