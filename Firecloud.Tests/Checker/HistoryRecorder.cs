// HistoryRecorder.cs - collects a history from clients on any number of threads.
//
// One counter, raised atomically, gives all times. So two times are never equal, and if one call returned before another
// began in real time, the counter says so too; a clock could not promise that.
// WATCH    take the time of Call before the request leaves and of Return after the answer came. Call and Return do that if
//          they are the lines next to the request. The other way round, the checker would report errors that are none.
using System.Collections.Concurrent;

namespace Firecloud.Tests.Checker;

public sealed class HistoryRecorder
{
    /// <summary>A call under way; hand it back to Return once, or never if no answer came.</summary>
    public sealed class Token
    {
        internal Token(Operation operation) => _operation = operation;

        private Operation _operation;

        internal Operation Operation => Volatile.Read(ref _operation);

        internal void Finish(long time, Answer answer)
        {
            var open = Operation;
            var closed = open with { Return = time, Answer = answer };
            // A second answer for one call would silently replace what the client saw first.
            if (open.Return != Operation.Never
                || !ReferenceEquals(Interlocked.CompareExchange(ref _operation, closed, open), open))
            {
                throw new InvalidOperationException($"Answered twice: {Operation}; the second answer: {answer}");
            }
        }
    }

    private readonly ConcurrentQueue<Token> _tokens = new();
    private long _time;

    /// <summary>Records that the call begins now. The times and the answer in <paramref name="request"/> are ignored.</summary>
    public Token Call(Operation request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var open = request with { Call = Interlocked.Increment(ref _time), Return = Operation.Never, Answer = Answer.Unknown };
        var token = new Token(open);
        _tokens.Enqueue(token);
        return token;
    }

    /// <exception cref="InvalidOperationException">This call was answered before.</exception>
    public void Return(Token token, Answer answer)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(answer);
        token.Finish(Interlocked.Increment(ref _time), answer);
    }

    /// <summary>Everything so far, in order of call; calls that have not returned yet count as unanswered.</summary>
    public IReadOnlyList<Operation> ToHistory() => [.. _tokens.Select(t => t.Operation).OrderBy(o => o.Call)];
}
