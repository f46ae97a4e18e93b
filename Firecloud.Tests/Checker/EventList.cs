// EventList.cs - the calls and returns of the operations not placed yet, in order of time (Wing and Gong 1993).
//
// A doubly linked list in arrays: taking an operation out and putting it back are O(1), the latter only in reverse order.
// The operations that may come next are those whose call stands before the first return.
namespace Firecloud.Tests.Checker;

internal sealed class EventList
{
    private const int Head = 0;
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly long[] _time;
    private readonly int _count;

    /// <param name="operations">Certain ones, ordered by call.</param>
    public EventList(IReadOnlyList<Operation> operations)
    {
        _count = operations.Count;
        var end = 2 * _count + 1;
        (_next, _previous, _time) = (new int[end + 1], new int[end + 1], new long[end + 1]);
        for (var i = 0; i < _count; i++)
        {
            (_time[CallOf(i)], _time[ReturnOf(i)]) = (operations[i].Call, operations[i].Return);
        }
        // Equal times (histories written by hand) count as concurrent: calls sort before returns.
        var order = Enumerable.Range(1, 2 * _count).OrderBy(n => _time[n]).ThenBy(IsReturn).ToList();
        _time[end] = Operation.Never;
        var last = Head;
        foreach (var node in order.Append(end))
        {
            (_next[last], _previous[node]) = (node, last);
            last = node;
        }
    }

    public int First => _next[Head];

    public int Next(int node) => _next[node];

    public long Time(int node) => _time[node];

    public bool IsCall(int node) => node >= 1 && node <= _count;

    /// <summary>The operation whose call this is.</summary>
    public static int OperationAt(int callNode) => callNode - 1;

    public static int CallOf(int operation) => operation + 1;

    public void Lift(int operation)
    {
        Unlink(CallOf(operation));
        Unlink(ReturnOf(operation));
    }

    public void Unlift(int operation)
    {
        Link(ReturnOf(operation));
        Link(CallOf(operation));
    }

    private int ReturnOf(int operation) => operation + 1 + _count;

    private bool IsReturn(int node) => node > _count;

    private void Unlink(int node) => (_next[_previous[node]], _previous[_next[node]]) = (_next[node], _previous[node]);

    private void Link(int node) => (_next[_previous[node]], _previous[_next[node]]) = (node, node);
}
