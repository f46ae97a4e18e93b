namespace Firecloud.Actors.Protocol;

/// <summary>How many votes each member has; a quorum is more than half of all of them.</summary>
/// <remarks>Weighted voting: Gifford 1979; protocol.md section 2. Any two quorums share a member.</remarks>
public sealed class Votes
{
    /// <summary>The most members one replica group may have: an answer mask and the inlined tallies are sized by it.</summary>
    public const int MaxMembers = 8;

    private readonly int[] _votes;

    /// <summary>Creates the table.</summary>
    /// <param name="votes">One entry per member, 1 to 8 members, each 0 to 100 votes.</param>
    /// <exception cref="ArgumentException">No votes at all, or a number out of range; the message names value and limit.</exception>
    public Votes(IReadOnlyList<int> votes)
    {
        if (votes.Count is < 1 or > MaxMembers)
        {
            throw new ArgumentException($"{votes.Count} members were given; a group has 1 to {MaxMembers}.");
        }
        foreach (var each in votes)
        {
            if (each is < 0 or > 100) throw new ArgumentException($"A member has {each} votes; 0 to 100 are allowed.");
        }
        _votes = [.. votes];
        Total = _votes.Sum();
        if (Total == 0) throw new ArgumentException("All members have 0 votes, so no quorum exists; give at least one member a vote.");
        Quorum = Total / 2 + 1;
        AllMembers = (1u << _votes.Length) - 1;
    }

    /// <summary>Number of members.</summary>
    public int Members => _votes.Length;

    /// <summary>Votes of all members together.</summary>
    public int Total { get; }

    /// <summary>Votes that decide: more than half of <see cref="Total"/>.</summary>
    public int Quorum { get; }

    /// <summary>The mask with every member's bit set.</summary>
    public uint AllMembers { get; }

    /// <summary>Votes of one member.</summary>
    /// <param name="member">Index, from 0.</param>
    public int this[int member] => _votes[member];

    /// <summary>Votes of a set of members.</summary>
    /// <param name="members">Bit i is member i.</param>
    public int Of(uint members)
    {
        var sum = 0;
        for (var i = 0; i < _votes.Length; i++)
        {
            if ((members >> i & 1) != 0) sum += _votes[i];
        }
        return sum;
    }

    /// <summary>True when the set of members is a quorum.</summary>
    /// <param name="members">Bit i is member i.</param>
    public bool IsQuorum(uint members) => Of(members) >= Quorum;

    /// <summary>The member with more votes than any other, or -1 where there is none: it breaks ties.</summary>
    public int Master
    {
        get
        {
            var most = _votes.Max();
            return _votes.Count(v => v == most) == 1 ? Array.IndexOf(_votes, most) : -1;
        }
    }
}
