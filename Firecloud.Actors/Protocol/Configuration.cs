namespace Firecloud.Actors.Protocol;

/// <summary>One member of the replica group.</summary>
/// <param name="Host">Host name or address, as every node writes it.</param>
/// <param name="Port">UDP port, 1 to 65535.</param>
public sealed record Member(string Host, int Port)
{
    /// <summary>host:port.</summary>
    public override string ToString() => $"{Host}:{Port}";
}

/// <summary>Members, votes, shards: the record that everything else is relative to. Immutable.</summary>
/// <remarks>protocol.md sections 2 and 9. One fixed epoch for now; every message and ballot carries it already.</remarks>
public sealed class Configuration
{
    /// <summary>The epoch of a cluster's first configuration.</summary>
    public const uint FirstEpoch = 1;

    /// <summary>Creates a configuration.</summary>
    /// <param name="members">In the same order on every node; the place is the member's index.</param>
    /// <param name="votes">One entry per member.</param>
    /// <param name="shards">Hash slots, 1 to 65536; fixed for the life of the cluster.</param>
    /// <param name="epoch">From <see cref="FirstEpoch"/>.</param>
    /// <exception cref="ArgumentException">Values that can't work together; the message says which.</exception>
    public Configuration(IReadOnlyList<Member> members, Votes votes, int shards, uint epoch = FirstEpoch)
    {
        if (members.Count != votes.Members)
        {
            throw new ArgumentException($"{members.Count} members and {votes.Members} votes were given; give one vote count per member.");
        }
        var twice = members.GroupBy(m => m.ToString()).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null) throw new ArgumentException($"Two members have the address {twice.Key}; every member needs its own.");
        if (shards is < 1 or > 65536) throw new ArgumentException($"{shards} shards were given; 1 to 65536 are allowed.");
        Members = members;
        Votes = votes;
        Shards = shards;
        Epoch = epoch;
    }

    /// <summary>The members, by index.</summary>
    public IReadOnlyList<Member> Members { get; }

    /// <summary>Their votes.</summary>
    public Votes Votes { get; }

    /// <summary>Number of hash slots.</summary>
    public int Shards { get; }

    /// <summary>Grows with every change.</summary>
    public uint Epoch { get; }

    /// <summary>How far a member is from being the preferred owner of a shard: 0 is the first choice.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="member">The member.</param>
    /// <remarks>The master first (its votes need only the fastest single answer), then the others, turned by the shard.</remarks>
    public int Rank(int shard, int member)
    {
        var master = Votes.Master;
        if (member == master) return 0;
        var others = Members.Count - (master < 0 ? 0 : 1);
        var place = master >= 0 && member > master ? member - 1 : member;
        return (master < 0 ? 0 : 1) + (place + shard) % others;
    }

    /// <summary>The most preferred owner of a shard among some members, or -1 where there is none.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="among">Bit i is member i.</param>
    public int Preferred(int shard, uint among)
    {
        var best = -1;
        for (var i = 0; i < Members.Count; i++)
        {
            if ((among >> i & 1) != 0 && (best < 0 || Rank(shard, i) < Rank(shard, best))) best = i;
        }
        return best;
    }
}
