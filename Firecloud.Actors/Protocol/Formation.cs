// Formation.cs - from four empty nodes to a cluster, and never twice (protocol.md section 7, last paragraph).
//
// A brand-new cluster starts only when all configured members are there and empty. One member decides that, so that there is
// one decision: the founder, member 0. It notes the boot of every member in the founding list. A member votes at once when
// its own boot is on that list; any other boot has lost the memory that its predecessor voted with, and stays out.
//
// INPUTS   greetings and their answers. Each may come late, twice or never; an answer carries the boot it answers.
// OUTPUTS  State, ClusterId, Founders, and a sentence on what is missing.
// NOT HERE sockets, clocks, randomness, Akka.
namespace Firecloud.Actors.Protocol;

/// <summary>Where a node stands.</summary>
public enum NodeState
{
    /// <summary>Empty, and no cluster is known.</summary>
    Waiting,

    /// <summary>Part of the cluster, voting.</summary>
    Voting,

    /// <summary>The cluster knows an earlier life of this node: it has lost its memory and must not vote.</summary>
    LostMemory,
}

/// <summary>How one node finds or founds its cluster.</summary>
/// <param name="self">The node's member index.</param>
/// <param name="boot">Its boot.</param>
/// <param name="fingerprint">Hash of members, votes and shards.</param>
/// <param name="members">Number of members.</param>
/// <param name="newClusterId">A random number, used if this node founds the cluster; not 0.</param>
internal sealed class Formation(int self, ulong boot, ulong fingerprint, int members, ulong newClusterId)
{
    private const int Founder = 0;

    private readonly ulong[] _boots = new ulong[members];
    private readonly bool[] _empty = new bool[members];
    private uint _voting;
    private uint _misfits;
    private string? _progress;

    public NodeState State { get; private set; } = NodeState.Waiting;

    public ulong ClusterId { get; private set; }

    public IReadOnlyList<ulong> Founders { get; private set; } = [];

    /// <summary>Members that said last that they vote, self included. Bit i is member i.</summary>
    public uint Voting => State == NodeState.Voting ? _voting | 1u << self : _voting & ~(1u << self);

    /// <summary>Members with other members, votes or shards in their settings, or of another cluster.</summary>
    public uint Misfits => _misfits;

    /// <summary>The replica's recovery goes on, or is done.</summary>
    /// <param name="progress">For people; null when it is done.</param>
    public void OnRecovered(string? progress)
    {
        _progress = progress;
        if (progress is null && State == NodeState.LostMemory) State = NodeState.Voting;
    }

    /// <summary>The operator's word that the members that are missing hold no older cluster: founds one without them.</summary>
    /// <returns>Null when done, else why not.</returns>
    public string? TryBootstrap()
    {
        if (State != NodeState.Waiting) return "This node belongs to a cluster already; nothing was done.";
        _boots[self] = boot;
        Join(newClusterId, [.. _boots]);
        return null;
    }

    public Hello Greet() => new(self, boot, fingerprint);

    public Welcome OnHello(Hello hello)
    {
        if (hello.Fingerprint != fingerprint) _misfits |= 1u << hello.From;
        return new Welcome(self, boot, hello.Boot, fingerprint, ClusterId, Founders, State == NodeState.Voting);
    }

    public void OnWelcome(Welcome welcome)
    {
        if (welcome.HelloBoot != boot || welcome.From == self) return;
        var member = 1u << welcome.From;
        var fits = welcome.Fingerprint == fingerprint
            && (welcome.ClusterId == 0 || ClusterId == 0 || welcome.ClusterId == ClusterId)
            && (welcome.ClusterId == 0 || welcome.Founders.Count == members);
        _misfits = fits ? _misfits & ~member : _misfits | member;
        _voting = fits && welcome.Votes ? _voting | member : _voting & ~member;
        if (!fits) return;
        _boots[welcome.From] = welcome.Boot;
        _empty[welcome.From] = welcome.ClusterId == 0;
        if (State != NodeState.Waiting) return;
        if (welcome.ClusterId != 0) Join(welcome.ClusterId, welcome.Founders);
        else if (self == Founder) TryFound();
    }

    /// <summary>What keeps this node from voting, for people; null where nothing does.</summary>
    /// <param name="name">Names a member.</param>
    public string? WhyNotVoting(Func<int, string> name)
    {
        if (State == NodeState.Voting) return null;
        if (State == NodeState.LostMemory)
        {
            return "This node has lost its memory (it kept its records in memory only and was restarted), so it does not vote yet. "
                + "It passes requests on to the others. " + _progress;
        }
        var misfits = Enumerable.Range(0, members).Where(i => (_misfits >> i & 1) != 0).Select(name).ToList();
        if (misfits.Count > 0)
        {
            return $"{string.Join(", ", misfits)} started with other members, votes or shards, or in another cluster; make the settings equal.";
        }
        var missing = Enumerable.Range(0, members).Where(i => i != self && !_empty[i]).Select(name).ToList();
        return missing.Count > 0
            ? $"A new cluster starts when all members are there; waiting for {string.Join(", ", missing)}."
            : $"Waiting for {name(Founder)}, which founds the cluster.";
    }

    private void TryFound()
    {
        for (var i = 0; i < members; i++)
        {
            if (i != self && !_empty[i]) return;
        }
        _boots[self] = boot;
        Join(newClusterId, [.. _boots]);
    }

    private void Join(ulong clusterId, IReadOnlyList<ulong> founders)
    {
        ClusterId = clusterId;
        Founders = founders;
        State = founders[self] == boot ? NodeState.Voting : NodeState.LostMemory;
    }
}
