using System.Runtime.CompilerServices;

namespace Firecloud.Actors.Protocol;

/// <summary>Who answered one round, and with how many votes: each member once, none of a life that another answer outdates.</summary>
/// <remarks>protocol.md section 4. A mutable struct: one per round, never copied.</remarks>
internal struct Tally
{
    private LivesOfMembers _lives;

    /// <summary>Bit i: member i answered.</summary>
    public uint Answered { get; private set; }

    /// <summary>Notes an answer; a second one of the same member replaces the first.</summary>
    public void Add(int member, Lives lives)
    {
        _lives[member] = lives;
        Answered |= 1u << member;
    }

    public void Clear() => this = default;

    /// <summary>Members that count: those that answered, without those of which another answer knows a later life.</summary>
    public readonly uint Counted(Votes votes, Rules? rules = null)
    {
        rules ??= Rules.Protocol;
        var counted = Answered;
        for (var i = 0; i < votes.Members; i++)
        {
            if ((Answered >> i & 1) == 0) continue;
            var own = _lives[i]![i];
            for (var j = 0; j < votes.Members; j++)
            {
                // Equal vectors are one object (see Proposer.Interned), so the common case compares references.
                if ((Answered >> j & 1) == 0 || ReferenceEquals(_lives[i], _lives[j])) continue;
                if (rules.IsOutdated(_lives[j]![i], own)) counted &= ~(1u << i);
            }
        }
        return counted;
    }

    /// <summary>True when the members that count are a quorum.</summary>
    public readonly bool IsQuorum(Votes votes, Rules? rules = null) =>
        (rules ?? Rules.Protocol).IsQuorum(votes, Counted(votes, rules));

    /// <summary>True when those of <paramref name="members"/> that count among themselves are a quorum.</summary>
    /// <remarks>
    /// As in the model: staleness is judged within the set that is counted. A set that holds a version is a subset of the
    /// answers, so it is first narrowed to members that count among all of them.
    /// </remarks>
    public readonly bool IsQuorum(Votes votes, uint members, Rules? rules = null) =>
        (rules ?? Rules.Protocol).IsQuorum(votes, Counted(votes, rules) & members);

    [InlineArray(Votes.MaxMembers)]
    private struct LivesOfMembers
    {
        private Lives? _first;
    }
}
