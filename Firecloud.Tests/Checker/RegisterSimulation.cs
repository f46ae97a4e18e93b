// RegisterSimulation.cs - makes histories of any size that are linearizable by construction, or with one kind of planted bug.
//
// Clients call, take effect and return in random order on one atomic map; each effect happens at one moment between its call
// and its return, so what is recorded is linearizable whatever the order. Lost answers take effect now, later or never.
// All randomness comes from the seed.
namespace Firecloud.Tests.Checker;

public enum PlantedBug
{
    None, StaleRead, NewThenOld, GarbageRead, LostWrite, AppliedTwice, SwapSaidNo, SwapSaidNoThenHappened, SwapSaidYes,
    LostIncrement, DoubledIncrement, UnknownTwice, RefusedHappened, DeleteUndone, VersionReused, OldVersion,
}

internal sealed record SimulationOptions(int Seed)
{
    public int Operations { get; init; } = 2000;
    public int Clients { get; init; } = 16;
    public int Keys { get; init; } = 10;
    public double UnknownRate { get; init; } = 0.02;
    public bool Versions { get; init; }

    /// <summary>Few values, all kinds on every key; else every value is written once and counters are apart.</summary>
    public bool FewValues { get; init; }
    public PlantedBug Bug { get; init; }
    public double BugRate { get; init; } = 0.05;
}

internal sealed class RegisterSimulation(SimulationOptions options)
{
    private sealed class Cell
    {
        public string? Value;
        public string? Before;      // the value before the last write
        public ulong Version;
        public long SeenAt;         // when the first get returned Value; Never if none has
        public Session? Writer;     // who wrote Value, while it has not returned
    }

    private sealed class Session
    {
        public int Client;
        public Operation? Request;
        public HistoryRecorder.Token? Token;
        public Answer? Answer;
    }

    private static readonly string[] FewTexts = ["a", "b", "1"];
    private readonly Random _random = new(options.Seed);
    private readonly HistoryRecorder _recorder = new();
    private readonly Dictionary<string, Cell> _cells = [];
    private readonly List<Operation> _late = [];
    private int _called;

    public int BugsPlanted { get; private set; }

    public IReadOnlyList<Operation> Run()
    {
        var sessions = Enumerable.Range(1, options.Clients).Select(c => new Session { Client = c }).ToList();
        while (_called < options.Operations || sessions.Exists(s => s.Request is not null))
        {
            Step(sessions[_random.Next(sessions.Count)]);
            if (_late.Count > 0 && _random.Next(20) == 0)
            {
                var i = _random.Next(_late.Count);
                Apply(_late[i], null);
                _late.RemoveAt(i);
            }
            if (_random.Next(50) == 0) CellOf(KeyName(_random.Next(options.Keys))).Version++;  // the store writes the value anew
        }
        return _recorder.ToHistory();
    }

    private void Step(Session s)
    {
        if (s.Request is null)
        {
            if (_called >= options.Operations) return;
            _called++;
            s.Request = NextRequest(s.Client);
            s.Token = _recorder.Call(s.Request);
        }
        else if (s.Answer is null) Decide(s);
        else
        {
            if (s.Answer.Outcome != Outcome.Unknown || _random.Next(2) == 0) _recorder.Return(s.Token!, s.Answer);
            var cell = CellOf(s.Request.Key);
            if (cell.Writer == s) cell.Writer = null;
            if (s.Request.Kind == OperationKind.Get && s.Answer.ValueKnown && s.Answer.Value == cell.Value)
            {
                cell.SeenAt = Math.Min(cell.SeenAt, s.Token!.Operation.Return);
            }
            (s.Request, s.Answer) = (null, null);
        }
    }

    private void Decide(Session s)
    {
        var request = s.Request!;
        if (_random.NextDouble() < options.UnknownRate)
        {
            s.Answer = Answer.Unknown;
            if (Plant(PlantedBug.UnknownTwice, request.Kind is OperationKind.Put or OperationKind.Increment))
            {
                Apply(request, null);
                _late.Add(request);
            }
            else if (_random.Next(3) is var fate && fate == 0) Apply(request, null);
            else if (fate == 1) _late.Add(request);
        }
        else if (_random.NextDouble() < 0.02)
        {
            if (Plant(PlantedBug.RefusedHappened, request.Kind != OperationKind.Get)) _late.Add(request);
            s.Answer = Answer.Refused;
        }
        else
        {
            s.Answer = Apply(request, s);
            var isPut = request.Kind is OperationKind.Put or OperationKind.PutReturningOld;
            if (Plant(PlantedBug.AppliedTwice, isPut)) _late.Add(request);
        }
    }

    private bool Plant(PlantedBug bug, bool fits)
    {
        if (options.Bug != bug || !fits || _random.NextDouble() >= options.BugRate) return false;
        BugsPlanted++;
        return true;
    }

    private string KeyName(int i) => !options.FewValues && i % 4 == 3 ? $"n{i}" : $"k{i}";

    private Cell CellOf(string key) => _cells.TryGetValue(key, out var cell) ? cell : _cells[key] = new Cell();

    private string NewText() => options.FewValues ? FewTexts[_random.Next(FewTexts.Length)] : $"v{_called}";

    private Operation NextRequest(int client)
    {
        var key = KeyName(_random.Next(options.Keys));
        var cell = CellOf(key);
        if (key[0] == 'n') return _random.Next(2) == 0 ? Operation.Get(client, key) : Operation.Increment(client, key, 1);
        switch (_random.Next(options.FewValues ? 13 : 12))
        {
            case <= 3: return Operation.Get(client, key);
            case <= 5: return Operation.Put(client, key, NewText());
            case 6: return Operation.PutReturningOld(client, key, NewText());
            case 7: return Operation.Delete(client, key);
            case 8: return Operation.DeleteReturningOld(client, key);
            case <= 10: return Operation.CompareAndSet(client, key, _random.Next(4) == 0 ? cell.Before : cell.Value, NewText());
            case 11:
                var expected = _random.Next(4) == 0 || cell.Version == 0 ? (HistoryVersion?)null
                    : HistoryVersion.Of(Math.Max(1, cell.Version - (ulong)_random.Next(2)));
                return Operation.CompareAndSetByVersion(client, key, expected, NewText());
            default: return Operation.Increment(client, key, _random.Next(1, 3));
        }
    }

    /// <summary>Takes effect; the answer is for <paramref name="by"/>, null if nobody is told.</summary>
    private Answer Apply(Operation o, Session? by)
    {
        var cell = CellOf(o.Key);
        var old = cell.Value;
        switch (o.Kind)
        {
            case OperationKind.Get:
                return Read(cell, by);
            case OperationKind.Put or OperationKind.PutReturningOld:
                if (!Plant(PlantedBug.LostWrite, by is not null)) Write(cell, o.Value, by);
                var oldKnown = o.Kind == OperationKind.PutReturningOld && _random.Next(10) > 0;
                return oldKnown ? Answer.WithOld(old, Named(cell)) : Answer.OldNotKnown(Named(cell));
            case OperationKind.Delete or OperationKind.DeleteReturningOld:
                if (old is not null) Write(cell, null, by);
                if (Plant(PlantedBug.DeleteUndone, old is not null)) _late.Add(Operation.Put(o.Client, o.Key, old!));
                if (o.Kind == OperationKind.DeleteReturningOld) return Answer.WithOld(old, Named(cell));
                return _random.Next(2) == 0 ? Answer.Written(Named(cell)) : Answer.Deleted(old is not null, Named(cell));
            case OperationKind.Increment:
                return Increment(o, cell, by);
            default:
                return Compare(o, cell, by);
        }
    }

    private void Write(Cell cell, string? value, Session? by)
    {
        (cell.Before, cell.Value, cell.SeenAt, cell.Writer) = (cell.Value, value, Operation.Never, by);
        if (!Plant(PlantedBug.VersionReused, by is not null && cell.Version > 0)) cell.Version += (ulong)_random.Next(1, 3);
    }

    private HistoryVersion? Named(Cell cell) =>
        options.Versions && cell.Version > 0 && _random.Next(8) > 0 ? HistoryVersion.Of(cell.Version) : null;

    private Answer Read(Cell cell, Session? by)
    {
        var old = cell.Before != cell.Value;
        if (Plant(PlantedBug.StaleRead, old && cell.Writer is null)) return Answer.Got(cell.Before);
        var newSeenBefore = cell.Writer is not null && by is not null && by.Token!.Operation.Call > cell.SeenAt;
        if (Plant(PlantedBug.NewThenOld, old && newSeenBefore && cell.Before is not null)) return Answer.Got(cell.Before);
        if (Plant(PlantedBug.GarbageRead, true)) return Answer.Got("garbage");
        if (Plant(PlantedBug.OldVersion, cell.Version > 3)) return Answer.Got(cell.Value, HistoryVersion.Of(cell.Version - 3));
        return Answer.Got(cell.Value, Named(cell));
    }

    private Answer Increment(Operation o, Cell cell, Session? by)
    {
        if (!long.TryParse(cell.Value ?? "0", out var old)) return Answer.Refused;
        var factor = Plant(PlantedBug.LostIncrement, by is not null) ? 0 : Plant(PlantedBug.DoubledIncrement, true) ? 2 : 1;
        if (factor > 0) Write(cell, $"{old + factor * o.Delta}", by);
        return _random.Next(10) == 0 ? Answer.Written(Named(cell)) : Answer.Counted(old + o.Delta, Named(cell));
    }

    private Answer Compare(Operation o, Cell cell, Session? by)
    {
        var matches = o.Kind == OperationKind.CompareAndSet ? cell.Value == o.Expected
            : o.ExpectedVersion is { } version ? version == HistoryVersion.Of(cell.Version) : cell.Value is null;
        if (!matches)
        {
            if (Plant(PlantedBug.SwapSaidYes, by is not null)) return Answer.Swapped();
            if (Plant(PlantedBug.SwapSaidNoThenHappened, by is not null && o.Value != null))
            {
                _late.Add(Operation.Put(o.Client, o.Key, o.Value!));
            }
            return _random.Next(2) == 0 ? Answer.NotSwapped(Named(cell)) : Answer.NotSwappedBecause(cell.Value, Named(cell));
        }
        Write(cell, o.Value, by);
        return Plant(PlantedBug.SwapSaidNo, by is not null) ? Answer.NotSwapped() : Answer.Swapped(Named(cell));
    }
}
