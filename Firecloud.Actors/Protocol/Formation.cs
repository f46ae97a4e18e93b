// Formation.cs - from four empty nodes to a cluster, and never twice (protocol.md section 7, last paragraph).
//
// A brand-new cluster starts only when all configured members are there and empty. One member decides that, so that there is
// one decision: the founder, member 0. It notes the memory of every member in the founding list: a number that is drawn when a
// memory begins empty, and kept with it. A member whose memory is on that list may vote, once its store has kept the cluster;
// any other has lost the memory that its predecessor voted with, and stays out. A memory that is of a cluster already votes at once.
//
// INPUTS   greetings and their answers, and what became of the store. Each may come late, twice or never.
// OUTPUTS  State, ClusterId, Founders, and a sentence on what is missing.
// NOT HERE sockets, clocks, randomness, Akka.
using Firecloud.Actors.Storage;

namespace Firecloud.Actors.Protocol;

/// <summary>Where a node stands.</summary>
public enum NodeState
{
    /// <summary>Empty, and no cluster is known.</summary>
    Waiting,

    /// <summary>A founding member that has not kept the cluster yet: it votes once its store has synced that.</summary>
    Joining,

    /// <summary>Part of the cluster, voting.</summary>
    Voting,

    /// <summary>The cluster knows an earlier life of this node: it has lost its memory and must not vote.</summary>
    LostMemory,

    /// <summary>The store failed; what it held is not certain, so the node does not vote until it is started again.</summary>
    StoreFailed,
}

/// <summary>How one node finds or founds its cluster.</summary>
internal sealed class Formation
{
    private const int Founder = 0;

    private readonly int _self;
    private readonly ulong _memory;
    private readonly ulong _fingerprint;
    private readonly int _members;
    private readonly ulong _newClusterId;
    private readonly string _whyEmpty;
    private readonly ulong[] _memories;
    private readonly bool[] _empty;
    private uint _voting;
    private uint _misfits;
    private uint _full;
    private string? _progress;
    private string? _failure;

    /// <param name="self">The node's member index.</param>
    /// <param name="memory">What its store holds.</param>
    /// <param name="whyEmpty">Why the store began empty, for people: <see cref="IRecordStore.WhyEmpty"/>.</param>
    /// <param name="fingerprint">Hash of members, votes and shards.</param>
    /// <param name="members">Number of members.</param>
    /// <param name="newClusterId">A random number, used if this node founds the cluster; not 0.</param>
    public Formation(int self, StoreIdentity memory, string whyEmpty, ulong fingerprint, int members, ulong newClusterId)
    {
        (_self, _memory, _whyEmpty, _fingerprint, _members, _newClusterId) = (self, memory.Id, whyEmpty, fingerprint, members, newClusterId);
        (_memories, _empty) = (new ulong[members], new bool[members]);
        if (!memory.IsWhole) return;
        (ClusterId, Founders, State) = (memory.ClusterId, memory.Founders, NodeState.Voting);
    }

    /// <summary>The memory that all this is said of.</summary>
    public ulong Memory => _memory;

    public NodeState State { get; private set; } = NodeState.Waiting;

    public ulong ClusterId { get; private set; }

    public IReadOnlyList<ulong> Founders { get; private set; } = [];

    /// <summary>Members that said last that they vote, self included. Bit i is member i.</summary>
    public uint Voting => State == NodeState.Voting ? _voting | 1u << _self : _voting & ~(1u << _self);

    /// <summary>Members with other members, votes or shards in their settings, or of another cluster.</summary>
    public uint Misfits => _misfits;

    /// <summary>Members whose disk has no room for new values, as they said last; self included.</summary>
    public uint Full => _full;

    /// <summary>Whether the own disk has no room for new values.</summary>
    public void SetFull(bool full) => _full = full ? _full | 1u << _self : _full & ~(1u << _self);

    /// <summary>The replica's recovery goes on, or is done.</summary>
    /// <param name="progress">For people; null when it is done.</param>
    public void OnRecovered(string? progress)
    {
        _progress = progress;
        if (progress is null && State == NodeState.LostMemory) State = NodeState.Voting;
    }

    /// <summary>The store has synced the cluster that this node is a founding member of.</summary>
    public void OnKept()
    {
        if (State == NodeState.Joining) State = NodeState.Voting;
    }

    /// <summary>The store failed.</summary>
    /// <param name="reason">What happened, for people.</param>
    public void OnStoreFailed(string reason) => (State, _failure) = (NodeState.StoreFailed, reason);

    /// <summary>The operator's word that the members that are missing hold no older cluster: founds one without them.</summary>
    /// <returns>Null when done, else why not.</returns>
    public string? TryBootstrap()
    {
        if (State != NodeState.Waiting) return "This node belongs to a cluster already; nothing was done.";
        _memories[_self] = _memory;
        Join(_newClusterId, [.. _memories]);
        return null;
    }

    public Hello Greet() => new(_self, _memory, _fingerprint);

    public Welcome OnHello(Hello hello)
    {
        if (hello.Fingerprint != _fingerprint) _misfits |= 1u << hello.From;
        return new Welcome(_self, _memory, hello.Memory, _fingerprint, ClusterId, Founders, State == NodeState.Voting, (_full >> _self & 1) != 0);
    }

    public void OnWelcome(Welcome welcome)
    {
        if (welcome.HelloMemory != _memory || welcome.From == _self) return;
        var member = 1u << welcome.From;
        var fits = welcome.Fingerprint == _fingerprint
            && (welcome.ClusterId == 0 || ClusterId == 0 || welcome.ClusterId == ClusterId)
            && (welcome.ClusterId == 0 || welcome.Founders.Count == _members);
        _misfits = fits ? _misfits & ~member : _misfits | member;
        _voting = fits && welcome.Votes ? _voting | member : _voting & ~member;
        if (!fits) return;
        _full = welcome.Full ? _full | member : _full & ~member;
        _memories[welcome.From] = welcome.Memory;
        _empty[welcome.From] = welcome.ClusterId == 0;
        if (State != NodeState.Waiting) return;
        if (welcome.ClusterId != 0) Join(welcome.ClusterId, welcome.Founders);
        else if (_self == Founder) TryFound();
    }

    /// <summary>What keeps this node from voting, or is wrong with others, for people; null where nothing does.</summary>
    /// <param name="name">Names a member.</param>
    public string? WhyNotVoting(Func<int, string> name) => State switch
    {
        NodeState.StoreFailed => $"This node does not vote any more: {_failure} It passes requests on to the others. "
            + "Look after the disk, then start it again.",
        NodeState.LostMemory => $"This node has lost its memory (it {_whyEmpty}), so it does not vote yet. "
            + "It passes requests on to the others. " + _progress,
        NodeState.Joining => "The store keeps what the founding decided.",
        _ => WhyMisfits(name) ?? (State == NodeState.Voting ? null : WhyWaiting(name)),
    };

    private string? WhyMisfits(Func<int, string> name)
    {
        var misfits = Enumerable.Range(0, _members).Where(i => (_misfits >> i & 1) != 0).Select(name).ToList();
        return misfits.Count == 0 ? null
            : $"{string.Join(", ", misfits)} started with other members, votes or shards, or in another cluster; make the settings equal"
                + (ClusterId == 0 ? "." : $", or look whose folder it uses: this one is of cluster {ClusterId:x}.");
    }

    private string WhyWaiting(Func<int, string> name)
    {
        var missing = Enumerable.Range(0, _members).Where(i => i != _self && !_empty[i]).Select(name).ToList();
        return missing.Count > 0
            ? $"A new cluster starts when all members are there; waiting for {string.Join(", ", missing)}."
            : $"Waiting for {name(Founder)}, which founds the cluster.";
    }

    private void TryFound()
    {
        for (var i = 0; i < _members; i++)
        {
            if (i != _self && !_empty[i]) return;
        }
        _memories[_self] = _memory;
        Join(_newClusterId, [.. _memories]);
    }

    private void Join(ulong clusterId, IReadOnlyList<ulong> founders)
    {
        ClusterId = clusterId;
        Founders = founders;
        State = founders[_self] == _memory ? NodeState.Joining : NodeState.LostMemory;
    }
}
