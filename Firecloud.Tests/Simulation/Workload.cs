// Workload.cs - the callers: which operations they ask for, where, when they give up, and what they were told.
//
// Values are numbers far apart, so that an increment works on every value and what was incremented can be told.
using System.Text;
using Firecloud.Actors.Protocol;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

internal sealed class Workload(Simulation world)
{
    public const int Kinds = 8;
    private const int ValueStep = 1000;

    private readonly List<Asked> _asked = [];
    private readonly List<SimCall> _calls = [];
    private readonly List<byte[]> _values = [];
    private readonly List<Version> _versions = [];
    private readonly SimRandom _random = world.Random;
    private readonly int _weightOfAll = world.Options.Weights.Sum();
    private int _lastPlace = -1;
    private int _laterTries;
    private int _toAsk;
    private ulong _repeated;
    private long _time;

    public IReadOnlyList<Asked> Asked => _asked;

    /// <summary>Nothing is under way that a healthy place has to finish, and nothing more will be asked.</summary>
    public bool IsFinished => _toAsk == 0 && _laterTries == 0 && Unfinished is null;

    /// <summary>A call under way at a place that is healthy.</summary>
    public SimCall? Unfinished => _calls.Find(c => !c.IsDone && Healthy[c.Place]);

    /// <summary>Places that have to finish what is asked there.</summary>
    public bool[] Healthy { get; } = new bool[Simulation.MaxPlaces];

    public void Begin() => Next();

    /// <summary>A caller makes its call.</summary>
    public void CallNext()
    {
        if (ChoosePlace() is { } place) Call(place);
        Next();
    }

    /// <summary>What AskLater put off.</summary>
    public void Ask(Asked asked)
    {
        _toAsk--;
        Submit(asked.At(_asked.Count), asked.Place, int.MaxValue / 2, null);
    }

    public void AskLater(long delay, int place, int key, bool put, bool mustBeDone = true)
    {
        AskLater(delay, place, world.Keys[key], put ? Operation.Put(NewValue()) : Operation.Get, mustBeDone, triesLeft: 5);
    }

    private void AskLater(long delay, int place, Key key, Operation operation, bool mustBeDone, int triesLeft)
    {
        _toAsk++;
        var asked = new Asked(-1, place, key, operation) { MustBeDone = mustBeDone, TriesLeft = triesLeft };
        world.After(delay, new SimEvent(EventKind.Ask, place, place, asked, -1));
    }

    /// <summary>The caller of a request without an answer tries it at another node, under the same id.</summary>
    public void Repeat(Asked asked)
    {
        _laterTries--;
        if (asked.HasReturned || ChooseNode() is not { } place) return;
        Submit(asked, place, Timeout(), asked.Repeated);
    }

    public void Cancel(SimCall call)
    {
        if (!call.IsDone && world.Places[call.Place].IsUp) world.Places[call.Place].Cancel(call);
    }

    /// <summary>Some call under way, or null.</summary>
    public SimCall? AnyUnderWay() => _calls.Find(c => !c.IsDone);

    /// <summary>Everything under way at a place that crashed never gets an answer.</summary>
    public void Forget(int place) => _calls.RemoveAll(c => c.Place == place && !c.IsDone);

    public void Completed(SimCall call, in OperationResult result)
    {
        var asked = call.Asked;
        if (asked.HasReturned) return;
        // Who tries one request at several nodes only believes a "done": the others may still do it.
        if (asked.Repeated is not null && result.Kind != ResultKind.Done) return;
        (asked.Result, asked.ReturnedAt) = (result, Now());
        // With attempts shorter than a sync, attempts overtake each other until their traces are gone: unknown is honest then.
        if (asked is { MustBeDone: true, TriesLeft: > 0 } && result.Kind == ResultKind.Unknown)
        {
            asked.AskedAgain = true;
            AskLater(1 + _random.Next(100), asked.Place, asked.Key, Operation.Put(NewValue()), mustBeDone: true, asked.TriesLeft - 1);
        }
        if (!result.Version.IsNone) _versions.Add(result.Version);
        if (result.Value is not null) _values.Add(result.Value);
    }

    private void Call(int place)
    {
        var options = world.Options;
        var key = world.Keys[_random.Next(world.Keys.Length)];
        var operation = Choose();
        var repeats = place < Simulation.Members && _random.Chance(options.Repeats);
        var asked = new Asked(_asked.Count, place, key, operation);
        if (repeats)
        {
            var floor = _random.OneIn(2) ? Version.None : world.Places[place].Gateway!.Floor(key.Shard(options.Shards));
            asked.Repeated = (new RequestId(0xC11E47, ++_repeated), floor);
            for (var tries = _random.Next(3); tries > 0; tries--)
            {
                _laterTries++;
                world.After(10 + _random.Next(400), new SimEvent(EventKind.Repeat, 0, place, asked, -1));
            }
        }
        Submit(asked, place, Timeout(), asked.Repeated);
    }

    private void Submit(Asked asked, int place, int timeout, (RequestId Id, Version Floor)? repeated)
    {
        if (_asked.Count == asked.Number)
        {
            _asked.Add(asked);
            asked.CalledAt = Now();
        }
        if (!world.Places[place].IsUp) return;
        var call = new SimCall(world, asked, place, timeout) { Repeated = repeated };
        _calls.Add(call);
        world.Log?.Add($"{world.NowMs,7} {asked} called at {place}");
        world.Places[place].Submit(call);
    }

    private void Next()
    {
        if (_asked.Count >= world.Options.Operations)
        {
            world.After(_random.Next(world.Options.FaultEvery == 0 ? 100 : 1000), new SimEvent(EventKind.Heal, 0, 0, null, -1));
            return;
        }
        var delay = _random.Next(2 * world.Options.CallEvery);
        // Now and then a long silence, so that packets get old.
        if (_random.OneIn(30)) delay += _random.Next(world.Options.LateBy);
        world.After(delay, new SimEvent(EventKind.Call, 0, 0, null, -1));
    }

    private int Timeout() => world.Options.Timeout == 0 ? int.MaxValue / 2 : 1 + _random.Next(2 * world.Options.Timeout);

    private int? ChoosePlace()
    {
        if (_lastPlace >= 0 && world.Places[_lastPlace].IsUp && _random.Chance(world.Options.Loyalty)) return _lastPlace;
        var place = _random.Next(world.Places.Length);
        if (!world.Places[place].IsUp) return null;
        return _lastPlace = place;
    }

    private int? ChooseNode()
    {
        var node = _random.Next(Simulation.Members);
        return world.Nodes[node].IsUp ? node : null;
    }

    // Every moment of the history is another one, and says the time.
    private long Now() => _time = Math.Max(_time + 1, world.NowMs << SimHistory.MomentsBits);

    private Operation Choose()
    {
        if (_random.Chance(world.Options.Expiring)) return ChooseExpiring();
        var weights = world.Options.Weights;
        var draw = _random.Next(_weightOfAll);
        var kind = 0;
        while (draw >= weights[kind]) draw -= weights[kind++];
        return kind switch
        {
            0 => Operation.Get,
            1 => Operation.Put(NewValue()),
            2 => Operation.Put(NewValue(), returnsOld: true),
            3 => Operation.Delete(),
            4 => Operation.Delete(returnsOld: true),
            5 => Operation.CompareAndSet(_random.OneIn(4) ? null : OldValue(), _random.OneIn(8) ? null : NewValue()),
            6 => Operation.CompareAndSet(OldVersion(), _random.OneIn(8) ? null : NewValue()),
            _ => Operation.Increment(1 + _random.Next(9)),
        };
    }

    private Operation ChooseExpiring()
    {
        var at = world.WallMs + _random.Next(world.Options.LifeTime);
        return _random.Next(5) switch
        {
            0 or 1 => Operation.Put(NewValue()) with { ExpiresAt = at },
            2 => Operation.Put(NewValue(), returnsOld: true) with { ExpiresAt = at },
            3 => Operation.Of(
                new Update { If = UpdateCondition.Absent, Change = UpdateChange.Set, Expiry = ExpiryRule.At }, NewValue(), at),
            _ => Operation.Of(
                new Update { If = UpdateCondition.Present, Change = UpdateChange.Keep, Expiry = ExpiryRule.At, ReturnsNew = true },
                expiresAt: at),
        };
    }

    private byte[] NewValue()
    {
        var value = Encoding.ASCII.GetBytes($"{(_values.Count + _asked.Count + 1) * ValueStep + _asked.Count}");
        _values.Add(value);
        return value;
    }

    // The newest ones are the likeliest to be there.
    private byte[]? OldValue() => _values.Count == 0 ? null : _values[Math.Max(0, _values.Count - 1 - _random.Next(3))];

    private Version OldVersion() =>
        _versions.Count == 0 ? Version.None : _versions[Math.Max(0, _versions.Count - 1 - _random.Next(3))];
}
