// KeySearch.cs - is there an order of the operations on one key that explains all answers?
// The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of Lowe ("Testing for
// linearizability", 2017), as in Porcupine: place one operation that may come next, follow, step back where nothing fits.
//
// CERTAIN  operations (answered done) must all be placed between their call and return. Placing the last one ends the search.
// MAYBE    operations (unknown, unanswered) may be placed at any time after their call, or never.
//
// Four rules leave out orders without losing the answer. Take, of all orders that explain the history, one with the fewest
// maybe-operations, of these one with them as late as possible, of these one that takes equal ones in order of call:
//   Free      a certain operation that never has an effect, fits now and leaves the state as it is can be moved here from
//             wherever it comes later, so nothing else need be tried here. (Not one that only has no effect here, as a delete
//             of an absent key: later its effect may be needed.)
//   No effect a maybe-operation that does not change the value could be left out.
//   Needed    the operation after a maybe-operation u must need it: if leaving u out, or moving it behind that operation,
//             ends in a state that allows at least as much, the chosen order would not have u here.
//   Twins     of maybe-operations with the same effect, the one called first is placed first. Values that nothing in the
//             history could tell apart count as the same.
// All are checked against a search by brute force in BruteForceAgreementTests.
namespace Firecloud.Tests.Checker;

internal sealed class KeySearch
{
    private const int Fresh = -1;
    private const int None = -1;

    // Id is an index into _certain, or _certain.Count + an index into _maybe.
    private readonly record struct Frame(int Id, RegisterState State, int Pending, RegisterState BeforePending, bool Only);

    private readonly List<Operation> _certain;
    private readonly List<Operation> _maybe;
    private readonly int[] _twin;
    private readonly RegisterModel _model;
    private readonly EventList _events;
    private readonly VersionRanks _ranks;
    private readonly ConfigurationSet _configurations;
    private readonly SearchBudget _budget;
    private readonly Stack<Frame> _path = new();
    private RegisterState _state;
    private RegisterState _beforePending;
    private int _pending = None;
    private int _left;

    /// <param name="operations">All of one key; refused ones and gets without an answer must have been left out.</param>
    /// <param name="options">Which rules to use.</param>
    /// <param name="budget">Charged one step for every operation tried.</param>
    public KeySearch(IEnumerable<Operation> operations, CheckerOptions options, SearchBudget budget)
    {
        var all = operations.OrderBy(o => o.Call).ToList();
        _certain = all.Where(o => o.IsCertain).ToList();
        _maybe = all.Where(o => !o.IsCertain).ToList();
        _twin = MaybeTwins.Find(all, _maybe);
        _model = new RegisterModel(options.UseVersions);
        _events = new EventList(_certain);
        _ranks = new VersionRanks(_certain, options.UseVersions && options.PruneByVersions);
        _configurations = new ConfigurationSet(_certain.Count, _maybe.Count);
        _budget = budget;
        _left = _certain.Count;
    }

    /// <summary>The longest order found, and the value after it; says where a violation hurts.</summary>
    public IReadOnlyList<Operation> Longest { get; private set; } = [];
    public string? ValueAfterLongest { get; private set; }
    public int Configurations => _configurations.Count;

    public Verdict Run()
    {
        var cursor = Fresh;
        while (_left > 0)
        {
            if (_budget.IsSpent) return Verdict.Undecided;
            if (TryAdvance(cursor)) cursor = Fresh;
            else if (!TryStepBack(out cursor)) return Verdict.Violation;
        }
        return Verdict.Ok;
    }

    // A cursor is Fresh, a node of the event list, or beyond those a maybe-operation: ~index below Fresh.
    private bool TryAdvance(int cursor)
    {
        if (cursor == Fresh)
        {
            var free = FindFree();
            if (free != None) return TryPlace(free, only: true);
            cursor = _events.First;
        }
        var maybe = 0;
        if (cursor < Fresh)
        {
            maybe = -2 - cursor;
            cursor = _events.First;
            while (_events.IsCall(cursor)) cursor = _events.Next(cursor);
        }
        for (; _events.IsCall(cursor); cursor = _events.Next(cursor))
        {
            if (TryPlace(EventList.OperationAt(cursor), only: false)) return true;
        }
        var firstReturn = _events.Time(cursor);
        for (; maybe < _maybe.Count && _maybe[maybe].Call <= firstReturn; maybe++)
        {
            if (TryPlace(_certain.Count + maybe, only: false)) return true;
        }
        return false;
    }

    private int FindFree()
    {
        for (var node = _events.First; _events.IsCall(node); node = _events.Next(node))
        {
            var id = EventList.OperationAt(node);
            if (RegisterModel.SurelyReads(_certain[id]) && Fits(id, out var next) && next == _state) return id;
        }
        return None;
    }

    private bool Fits(int id, out RegisterState next)
    {
        next = _state;
        _budget.Spend();
        if (id < _certain.Count)
        {
            return _ranks.MayComeNext(id) && _model.TryStep(_certain[id], _state, out next) && NeedsPending(_certain[id], next);
        }
        var maybe = id - _certain.Count;
        if (_configurations.IsMaybePlaced(maybe)) return false;
        if (_twin[maybe] != None && !_configurations.IsMaybePlaced(_twin[maybe])) return false;
        _model.TryStep(_maybe[maybe], _state, out next);
        return next.Value != _state.Value && NeedsPending(_maybe[maybe], next);
    }

    /// <summary>If the last step was a maybe-operation: would this one, with this result, not do as well without it?</summary>
    private bool NeedsPending(Operation o, RegisterState next)
    {
        if (_pending == None || !_model.TryStep(o, _beforePending, out var without)) return true;
        if (without.Allows(next)) return false;
        if (!o.IsCertain) return true;
        _model.TryStep(_maybe[_pending], without, out var swapped);
        return !swapped.Allows(next);
    }

    private bool TryPlace(int id, bool only)
    {
        if (!Fits(id, out var next)) return false;
        _path.Push(new Frame(id, _state, _pending, _beforePending, only));
        (_pending, _beforePending) = id < _certain.Count ? (None, default) : (id - _certain.Count, _state);
        _state = next;
        Flip(id, placing: true);
        var firstMissing = _left == 0 ? _certain.Count : EventList.OperationAt(_events.First);
        if (_configurations.Add(firstMissing, _state, _pending, _beforePending))
        {
            if (_path.Count > Longest.Count) RememberLongest();
            return true;
        }
        Undo();
        return false;
    }

    private bool TryStepBack(out int cursor)
    {
        cursor = Fresh;
        while (_path.Count > 0)
        {
            var frame = Undo();
            if (frame.Only) continue;
            cursor = frame.Id < _certain.Count
                ? _events.Next(EventList.CallOf(frame.Id))
                : -2 - (frame.Id - _certain.Count + 1);
            return true;
        }
        return false;
    }

    private Frame Undo()
    {
        var frame = _path.Pop();
        (_state, _pending, _beforePending) = (frame.State, frame.Pending, frame.BeforePending);
        Flip(frame.Id, placing: false);
        return frame;
    }

    private void Flip(int id, bool placing)
    {
        if (id >= _certain.Count)
        {
            _configurations.FlipMaybe(id - _certain.Count);
            return;
        }
        _configurations.FlipCertain(id);
        _left += placing ? -1 : 1;
        if (placing)
        {
            _events.Lift(id);
            _ranks.Place(id);
        }
        else
        {
            _events.Unlift(id);
            _ranks.Unplace(id);
        }
    }

    private void RememberLongest()
    {
        Longest = [.. _path.Reverse().Select(f => f.Id < _certain.Count ? _certain[f.Id] : _maybe[f.Id - _certain.Count])];
        ValueAfterLongest = _state.Value;
    }
}
