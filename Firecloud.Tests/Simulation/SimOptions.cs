// SimOptions.cs - what one simulated run is like. Everything is drawn from the seed, most of it switched off in some runs: a run
// with few kinds of faults goes further into their combinations than one with all of them (swarm testing, Groce et al. 2012).
//
// All times are virtual milliseconds.
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

/// <summary>What the faults of one run may be.</summary>
[Flags]
internal enum Faults
{
    CutLinks = 1,
    Partition = 2,
    Heal = 4,
    Pause = 8,
    Crash = 16,
    LoseMemory = 32,
    WrongReachability = 64,
    SlowNode = 128,
    Cancel = 256,
    QuietCut = 512,
    All = 1023,
}

internal sealed record SimOptions
{
    public int Shards { get; init; } = 1;
    public int Keys { get; init; } = 1;
    public int Clients { get; init; }
    public int Operations { get; init; } = 8;

    /// <summary>Mean time between two calls.</summary>
    public int CallEvery { get; init; } = 20;

    /// <summary>How often each kind of operation is called, by its place in <see cref="Workload"/>.</summary>
    public int[] Weights { get; init; } = [4, 2, 2, 1, 1, 2, 1, 1];

    /// <summary>How often a call is made at the same place as the one before.</summary>
    public double Loyalty { get; init; }

    /// <summary>Time a caller gives; 0 is for ever.</summary>
    public int Timeout { get; init; }

    /// <summary>Share of calls that a caller tries at several nodes under one id.</summary>
    public double Repeats { get; init; }

    public int Delay { get; init; } = 5;
    public int LocalDelay { get; init; }
    public double Loss { get; init; }
    public double Duplicates { get; init; }

    /// <summary>Share of messages that take up to <see cref="LateBy"/> longer.</summary>
    public double Late { get; init; }
    public int LateBy { get; init; } = 1500;
    public bool Fifo { get; init; }

    /// <summary>A cut link keeps half of what is sent and delivers it when it is healed.</summary>
    public bool CutLinksHold { get; init; }

    public Faults Faults { get; init; }

    /// <summary>Mean time between two faults; 0 is never.</summary>
    public int FaultEvery { get; init; }

    /// <summary>Time until a change of the links is noticed.</summary>
    public int DetectAfter { get; init; } = 100;

    /// <summary>Time that a store needs to sync; 0 is none, and nothing is ever unsynced.</summary>
    public int SyncTime { get; init; }

    /// <summary>A node that lost its memory takes it over from a quorum of others; else it stays out.</summary>
    public bool Recovers { get; init; }

    /// <summary>Pause between two comparisons of hash trees; 0 is none, and no tombstones are tidied up either.</summary>
    public int CompareEvery { get; init; }

    /// <summary>Whoever is deceived about its links may suspect members instead, wrongly or not.</summary>
    public bool Suspects { get; init; }

    /// <summary>Every value counts as large: a Read gets it from the own replica only.</summary>
    public bool Withholds { get; init; }

    /// <summary>Inputs that arrive within this time are flushed together; 0 flushes after each.</summary>
    public int FlushAfter { get; init; }
    public int TickEvery { get; init; } = 25;
    public int AnnounceEvery { get; init; } = 200;
    public bool ThroughCodec { get; init; }

    /// <summary>After the healing, every healthy node has to do a put and a get of its own.</summary>
    public bool AsksEveryNode { get; init; }

    /// <summary>Share of calls that give a value an expiry.</summary>
    public double Expiring { get; init; }

    /// <summary>Until it expires, at most.</summary>
    public int LifeTime { get; init; } = 200;

    /// <summary>Every node's wall clock is wrong by up to this.</summary>
    public int ClockSkew { get; init; }

    public ProposerLimits Proposer { get; init; } = new(10_000, 1000, 100, 100, 20, 0, 0);
    public GatewayLimits Gateway { get; init; } = new(1000, 150, 20, 100);
    public int MaxGateways { get; init; } = 100;
    public int FrameSize { get; init; } = 48 << 10;

    public static SimOptions Draw(SimRandom r) => new()
    {
        Shards = r.Pick(1, 1, 2, 4),
        Keys = r.Pick(1, 1, 1, 2, 3),
        Clients = r.Pick(0, 1, 1, 2),
        Operations = 6 + r.Next(9),
        CallEvery = r.Pick(5, 20, 60),
        Weights = DrawWeights(r),
        Loyalty = r.Pick(0, 0, 0.5, 0.9),
        Timeout = r.OneIn(4) ? r.Next(50, 1500) : 0,
        Repeats = r.OneIn(8) ? 0.5 : 0,
        Delay = r.Pick(2, 10, 40),
        LocalDelay = r.Pick(0, 0, 2, 20),
        Loss = r.Pick(0, 0.02, 0.05, 0.15),
        Duplicates = r.Pick(0, 0.03, 0.1),
        Late = r.OneIn(4) ? 0 : 1.0 / r.Next(6, 66),
        LateBy = r.OneIn(16) ? 200_000 : r.Pick(300, 1500),
        Fifo = r.OneIn(4),
        CutLinksHold = r.OneIn(2),
        Faults = (Faults)r.Next((int)Faults.All + 1) | Faults.Heal,
        FaultEvery = r.Pick(0, 30, 100, 300),
        DetectAfter = r.Pick(10, 100, 400),
        SyncTime = r.Pick(0, 0, 0, 5, 30),
        Recovers = !r.OneIn(4),
        CompareEvery = r.OneIn(3) ? r.Pick(100, 400) : 0,
        FlushAfter = r.Pick(0, 0, 2, 10),
        TickEvery = r.Pick(15, 50),
        AnnounceEvery = r.Pick(50, 200, 1000),
        ThroughCodec = r.OneIn(16),
        AsksEveryNode = r.OneIn(8),
        Proposer = new(10_000, r.Pick(0, 1, 1000), r.Pick(0, 2, 100), r.Pick(40, 100, 300), r.Pick(5, 20, 50), r.Pick(0, 0, 0, 500), r.Pick(0, 0, 0, 300)),
        Gateway = new(1000, r.Pick(40, 150, 400), r.Pick(5, 20), r.Pick(0, 100)),
        MaxGateways = r.OneIn(8) ? 5 : 100,   // every gateway that is there; a restart makes one more
        FrameSize = r.OneIn(8) ? 150 : 48 << 10,
    };

    /// <summary>The same world, where in two of five few batches may be on their way; drawn apart, so that the others stay as they are.</summary>
    public SimOptions WithBatchWindows(ulong seed)
    {
        var most = (seed % 5) switch { 1 => 1, 4 => 2, _ => int.MaxValue };
        return this with { Proposer = Proposer with { MaxBatches = most }, Gateway = Gateway with { MaxBatches = most } };
    }

    /// <summary>The same world, with suspicions in one of three; drawn apart, so that the others stay as they are.</summary>
    public SimOptions WithSuspicions(ulong seed) => this with { Suspects = seed % 3 == 1 };

    /// <summary>The same world, with large values in one of four; drawn apart, so that the others stay as they are.</summary>
    public SimOptions WithLargeValues(ulong seed) => this with { Withholds = (seed >> 3) % 4 == 2 };

    /// <summary>The same world, with values that expire in one of four; drawn apart, so that the others stay as they are.</summary>
    public SimOptions WithExpiry(ulong seed)
    {
        if (seed % 4 != 3) return this;
        var r = new SimRandom(seed ^ 0xE791);
        return this with { Expiring = r.Pick(0.2, 0.4, 0.7), LifeTime = r.Pick(20, 100, 400), ClockSkew = r.Pick(0, 20, 200, 2000) };
    }

    private static int[] DrawWeights(SimRandom r)
    {
        var weights = new int[Workload.Kinds];
        for (var i = 0; i < weights.Length; i++) weights[i] = r.OneIn(3) ? 0 : 1 + r.Next(4);
        weights[0] = 2 + r.Next(4);   // without gets little is seen
        return weights;
    }

    // The record's own text would not show the arrays.
    public override string ToString() =>
        $"shards={Shards} keys={Keys} clients={Clients} operations={Operations}/{CallEvery} ms "
        + $"weights={string.Join(',', Weights)} loyalty={Loyalty} timeout={Timeout} repeats={Repeats}\n  "
        + $"delay={Delay} local={LocalDelay} loss={Loss} duplicates={Duplicates} late={Late:f3}/{LateBy} ms fifo={Fifo} "
        + $"holds={CutLinksHold} faults=[{Faults}]/{FaultEvery} ms detect={DetectAfter} sync={SyncTime} recovers={Recovers} compare={CompareEvery}\n  "
        + $"flush={FlushAfter} tick={TickEvery} announce={AnnounceEvery} codec={ThroughCodec} suspects={Suspects} withholds={Withholds} everyNode={AsksEveryNode} expiring={Expiring}/{LifeTime} ms skew={ClockSkew} "
        + $"{Proposer} {Gateway} gateways={MaxGateways} frame={FrameSize}";
}
