// Simulation.cs - four nodes, their clients and the network between them, on virtual time, from one seed.
//
// WHAT     the real Protocol classes and the real batching; a network that loses, repeats, delays and reorders (SimNetwork);
//          crashes, pauses, lost memory, unsynced disks, wrong beliefs about who can be reached (FaultInjector); callers with time-outs
//          and second tries (Workload). Then everything stops but a healthy quorum, which has to finish all that is under way.
// CHECKS   the history with the linearizability checker, every invariant of the product, and that the healthy quorum finished.
// REPLAY   all chance comes from SimRandom and all time from the queue: one seed, one run. TraceHash says whether two were the same.
using Firecloud.Actors;
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

internal sealed partial class Simulation
{
    public const int Members = 4;
    public const int MaxPlaces = 8;

    /// <summary>After the healing everything has to end within this time.</summary>
    private const int PatienceMs = 30_000;

    private static readonly Configuration?[] Configurations = new Configuration?[17];
    private static readonly Key[] AllKeys = [new("a"), new("b"), new("c"), new("d"), new("e"), new("f"), new("g"), new("h")];

    private readonly PriorityQueue<SimEvent, ulong> _queue = new();
    private readonly Workload _workload;
    private readonly FaultInjector _faults;
    private ulong _order;
    private long _healedAtMs = -1;

    public Simulation(ulong seed, SimOptions? options = null, Rules? rules = null)
    {
        Seed = seed;
        Random = new SimRandom(seed);
        Options = options ?? SimOptions.Draw(Random).WithExpiry(seed).WithBatchWindows(seed).WithSuspicions(seed).WithLargeValues(seed);
        Rules = rules ?? Rules.Protocol;
        Configuration = Configurations[Options.Shards] ??= Configure(Options.Shards);
        Limits = new CoordinatorLimits(Options.Gateway, Options.Proposer, Options.MaxGateways, Options.FrameSize);
        Network = new SimNetwork(this, Options, Members + Options.Clients);
        Keys = AllKeys.AsMemory(0, Options.Keys).ToArray();
        Nodes = [.. Enumerable.Range(0, Members).Select(i => new SimNode(this, i))];
        Places = new ISimPlace[Members + Options.Clients];
        for (var i = 0; i < Places.Length; i++) Places[i] = i < Members ? Nodes[i] : new SimClient(this, i);
        _workload = new Workload(this);
        _faults = new FaultInjector(this);
        foreach (var node in Nodes) node.Start();
        foreach (var place in Places) place.SetView(Configuration.Votes.AllMembers);
    }

    public ulong Seed { get; }
    public SimRandom Random { get; }
    public SimOptions Options { get; }
    public Rules Rules { get; }
    public Configuration Configuration { get; }
    public CoordinatorLimits Limits { get; }
    public SimNetwork Network { get; }
    public Key[] Keys { get; }
    public SimNode[] Nodes { get; }
    public ISimPlace[] Places { get; }
    public Workload Workload => _workload;

    /// <summary>A planted bug of the driver, not of the protocol's classes: answers before the sync.</summary>
    public bool SyncsBeforeAnswering { get; init; } = true;

    public long NowMs { get; private set; }

    /// <summary>The true time as wall clocks have it; each of theirs is wrong by up to <see cref="SimOptions.ClockSkew"/>.</summary>
    public long WallMs => WallAtStart + NowMs;

    public const long WallAtStart = 1_000_000_000;
    public long Events { get; private set; }
    public ulong TraceHash { get; private set; } = 14695981039346656037UL;

    /// <summary>Every event as a line, where wanted.</summary>
    public List<string>? Log { get; init; }

    public SimResult Run()
    {
        string? broken = null;
        try
        {
            _workload.Begin();
            _faults.Begin();
            while (!IsOver() && Step()) { }
        }
        catch (Exception e) when (e is InvariantViolationException or InvalidOperationException)
        {
            broken = e.ToString();
        }
        return SimResult.Of(this, broken, _healedAtMs >= 0);
    }

    public void After(long delay, in SimEvent what)
    {
        // Where order is not promised, events of one moment come in any order.
        var tie = Options.Fifo ? ++_order : Random.NextUInt64();
        _queue.Enqueue(what, (ulong)(NowMs + delay) << 24 | tie & 0xFFFFFF);
    }

    /// <param name="delay">Until it comes.</param>
    /// <param name="packet">The message.</param>
    /// <param name="life">The life of the receiver that it is for, or <see cref="Packet.AnyLife"/>.</param>
    public void DeliverAfter(long delay, Packet packet, int life) =>
        After(delay, new SimEvent(EventKind.Deliver, packet.From, packet.To, packet.Message, life));

    public void Completed(SimCall call, in OperationResult result)
    {
        Log?.Add(
            $"{NowMs,7} {call.Asked.Number} told at {call.Place}: {result.Kind} {result.Outcome} {PacketText.Value(result.Value)} "
            + $"{result.Version} {result.Reason}");
        Note((ulong)call.Asked.Number << 8 | (ulong)result.Kind);
        _workload.Completed(call, result);
    }

    public void NoticeLinksSoon() => _faults.NoticeLinks();

    /// <summary>What this place would find if it looked at its links now.</summary>
    public uint TrueView(int place)
    {
        var view = 0u;
        foreach (var node in Nodes)
        {
            var reached = node.IsUp && node.HasMemory && (node.Id == place || Network.IsUpBothWays(place, node.Id));
            if (reached) view |= 1u << node.Id;
        }
        return view;
    }

    private static Configuration Configure(int shards) => new(
        [.. Enumerable.Range(0, Members).Select(i => new Member($"n{i}", 1000 + i))], new Votes([2, 1, 1, 1]), shards);

    private bool IsOver()
    {
        if (_healedAtMs < 0) return false;
        return NowMs > _healedAtMs + PatienceMs || !_faults.CanBeLive || _workload.IsFinished;
    }

    private bool Step()
    {
        if (!_queue.TryDequeue(out var what, out var key)) return false;
        NowMs = (long)(key >> 24);
        var place = what.To < Places.Length ? Places[what.To] : null;
        if (what.Life >= 0 && place is not null && place.Life != what.Life) return true;
        if (place is SimNode node && node.PausedUntilMs > NowMs && what.Kind <= EventKind.Call)
        {
            After(node.PausedUntilMs - NowMs, what);
            return true;
        }
        Events++;
        Note((ulong)NowMs << 16 | (ulong)what.Kind << 8 | (uint)(what.From << 4) | (uint)what.To);
        Log?.Add($"{NowMs,7} {Describe(what)}");
        Happen(what, place);
        return true;
    }

    private void Happen(in SimEvent what, ISimPlace? place)
    {
        switch (what.Kind)
        {
            case EventKind.Deliver: if (place!.IsUp) place.Deliver(what.From, what.Subject!); break;
            case EventKind.Tick: place!.Tick(); break;
            case EventKind.Flush: place!.Flush(); break;
            case EventKind.Synced: Nodes[what.To].Synced(what.Number); break;
            case EventKind.Call: _workload.CallNext(); break;
            case EventKind.Repeat: _workload.Repeat((Asked)what.Subject!); break;
            case EventKind.Cancel: _workload.Cancel((SimCall)what.Subject!); break;
            case EventKind.Ask: _workload.Ask((Asked)what.Subject!); break;
            case EventKind.Fault: if (_healedAtMs < 0) _faults.Strike(); break;
            case EventKind.Restart: _faults.Restart(Nodes[what.To]); break;
            case EventKind.NoticeLinks: NoticeLinks(place!); break;
            case EventKind.Heal:
                _healedAtMs = NowMs;
                _faults.Heal();
                break;
        }
    }

    private void NoticeLinks(ISimPlace place)
    {
        var view = TrueView(place.Id);
        if (place.IsUp && (place.View != view || place.Suspected != 0)) place.SetView(view);
    }

    private void Note(ulong value) => TraceHash = (TraceHash ^ value) * 0x9E3779B97F4A7C15UL ^ TraceHash >> 29;

    private static string Describe(in SimEvent what) => what.Kind switch
    {
        EventKind.Deliver => new Packet(what.From, what.To, what.Subject!).ToString(),
        EventKind.Fault => "fault",
        _ => $"{what.Kind} at {what.To}{(what.Subject is null ? "" : $": {what.Subject}")}",
    };
}
