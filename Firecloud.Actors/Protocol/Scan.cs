// Scan.cs - reads every key of a running cluster: merges the members' pages and decides each key as a Read of it would be decided
// (protocol.md section 5). So each key is read by itself at some moment while the scan runs; nobody is held up and nothing has
// to be kept between two pages.
//
// DECIDED    the newest version is held, not merely heard, by a quorum of members that count: it is chosen, and a write done before
//            the scan began is not newer, because every two quorums share a member.
// TO BE ASKED  any other key: a write is under way, a member is behind, a tombstone is dropped by some. The union of the answers would
//            bring back what was deleted; the driver gets the key instead.
// INPUTS     pages; each may come late, twice or never. Join and Leave: whom the driver asks.
// OUTPUTS    Take: keys in order. Wants and Next: which page to ask for.
namespace Firecloud.Actors.Protocol;

/// <summary>What a scan found of one key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">The version that clients see.</param>
/// <param name="ExpiresAt">When the value may be dropped; 0 is never.</param>
/// <param name="Value">The value; null where it was not asked for, or is not known.</param>
/// <param name="IsDecided">False: the key has to be got.</param>
internal readonly record struct ScannedKey(Key Key, Version Version, long ExpiresAt, byte[]? Value, bool IsDecided);

/// <summary>Merges the pages of one scan.</summary>
/// <param name="configuration">The cluster.</param>
/// <param name="rules">For tests; the protocol's where null.</param>
/// <param name="from">Keys behind this place are read; all of them by default.</param>
internal sealed class Scan(Configuration configuration, Rules? rules = null, ScanPosition from = default)
{
    private const int PagesAhead = 2;   // of one member: one that is merged, one under way or waiting

    private readonly Rules _rules = rules ?? Rules.Protocol;
    private readonly Lane?[] _lanes = new Lane?[configuration.Members.Count];
    private uint _counted;
    private bool _frontsChanged = true;

    /// <summary>Everything up to here is decided.</summary>
    public ScanPosition At { get; private set; } = from;

    public bool IsDone => At.Shard >= configuration.Shards;

    /// <summary>The part that is done, from 0 to 1.</summary>
    public double Fraction => (At.Shard + (double)At.Leaf / HashTree.Leaves) / configuration.Shards;

    /// <summary>The highest ballot that any page named. No version that was chosen before the scan began has a higher one.</summary>
    public Ballot Promised { get; private set; }

    /// <summary>Bit i: member i takes part.</summary>
    public uint Members { get; private set; }

    /// <summary>False: with the members that take part nothing can be decided.</summary>
    public bool HasQuorum => _rules.IsQuorum(configuration.Votes, Members);

    /// <summary>A member takes part, from here on.</summary>
    public void Join(int member)
    {
        _lanes[member] ??= new Lane { Next = At };
        Change(Members | 1u << member);
    }

    /// <summary>A member is not asked any more: it is silent, or said that it can't.</summary>
    public void Leave(int member)
    {
        _lanes[member] = null;
        Change(Members & ~(1u << member));
    }

    /// <summary>True when a member shall be asked for the page at <see cref="Next"/>.</summary>
    public bool Wants(int member) =>
        _lanes[member] is { } lane && lane.Pages.Count < PagesAhead && lane.Next.Shard < configuration.Shards;

    /// <summary>Where a member's next page begins.</summary>
    public ScanPosition Next(int member) => _lanes[member]!.Next;

    /// <summary>A page came.</summary>
    /// <returns>False when no honest member sends such a page.</returns>
    public bool Add(ScanAnswer page)
    {
        if (page.Epoch != configuration.Epoch || !IsInOrder(page)) return false;
        if (_lanes[page.From] is not { } lane || lane.Next != page.After) return true;   // late, or twice
        Promised = Promised >= page.Promised ? Promised : page.Promised;
        lane.Pages.Enqueue(page);
        lane.Next = page.UpTo;
        _frontsChanged |= lane.Pages.Count == 1;
        return true;
    }

    /// <summary>The next keys that are there or have to be asked for; none when more pages are needed, or at the end.</summary>
    /// <param name="most">At most so many.</param>
    public IReadOnlyList<ScannedKey> Take(int most)
    {
        var found = new List<ScannedKey>();
        while (found.Count < most && !IsDone && HasQuorum && HasFronts() && CountsFronts())
        {
            var (head, end) = (default(ScanPosition?), new ScanPosition(configuration.Shards, 0, null));
            foreach (var lane in _lanes)
            {
                if (lane is null) continue;
                if (lane.Head is { } next && !(head <= next)) head = next;
                if (lane.Front.UpTo < end) end = lane.Front.UpTo;
            }
            At = head <= end ? head.Value : end;
            if (head <= end && Decide(head.Value.Key!.Value) is { } key) found.Add(key);
        }
        return found;
    }

    private void Change(uint members)
    {
        Members = members;
        _frontsChanged = true;
    }

    // Every member that takes part has a page that reaches beyond what is decided.
    private bool HasFronts()
    {
        foreach (var lane in _lanes)
        {
            if (lane is null) continue;
            while (lane.Pages.Count > 0 && lane.Front.UpTo <= At)
            {
                lane.Pages.Dequeue();
                lane.Index = 0;
                _frontsChanged = true;
            }
            if (lane.Pages.Count == 0) return false;
            lane.SkipTo(At, configuration.Shards);
        }
        return true;
    }

    // A page of a life that another page outdates counts for nothing: it is asked for again.
    private bool CountsFronts()
    {
        if (!_frontsChanged) return true;
        var tally = default(Tally);
        for (var i = 0; i < _lanes.Length; i++)
        {
            if (_lanes[i] is { } lane) tally.Add(i, lane.Front.Lives);
        }
        _counted = tally.Counted(configuration.Votes, _rules);
        _frontsChanged = !_rules.IsQuorum(configuration.Votes, _counted);
        for (var i = 0; i < _lanes.Length && _frontsChanged; i++)
        {
            if (_lanes[i] is not null && (_counted >> i & 1) == 0) _lanes[i] = new Lane { Next = At };
        }
        return !_frontsChanged;
    }

    private ScannedKey? Decide(Key key)
    {
        var newest = default(ScanEntry);
        var holders = 0u;
        byte[]? value = null;
        for (var i = 0; i < _lanes.Length; i++)
        {
            if (_lanes[i] is not { } lane || lane.Take(key) is not { } entry) continue;
            if (entry.Version > newest.Version) (newest, holders, value) = (entry, 0, null);
            if (entry.Version != newest.Version) continue;
            value ??= entry.Value;
            var counts = (_counted >> i & 1) != 0 && _rules.CountsAsHeld(new StoredRecord(Record.None, entry.Heard));
            if (counts) holders |= 1u << i;
        }
        var decided = _rules.ScanDecides(configuration.Votes, holders);
        if (decided && newest.IsTombstone) return null;
        return new ScannedKey(key, newest.Modified, newest.ExpiresAt, value, decided);
    }

    private bool IsInOrder(ScanAnswer page)
    {
        var last = page.After;
        foreach (var entry in page.Entries)
        {
            var place = ScanPosition.Of(entry.Key, configuration.Shards);
            if (place <= last) return false;
            last = place;
        }
        return last <= page.UpTo && page.After < page.UpTo && page.UpTo.Shard <= configuration.Shards;
    }

    private sealed class Lane
    {
        public Queue<ScanAnswer> Pages { get; } = new();

        public int Index { get; set; }

        public ScanPosition Next { get; set; }

        public ScanAnswer Front => Pages.Peek();

        public ScanPosition? Head { get; private set; }

        // A member that joined anew may send keys that are decided already.
        public void SkipTo(ScanPosition at, int shards)
        {
            if (Head > at) return;
            for (Head = null; Index < Front.Entries.Count; Index++)
            {
                Head = ScanPosition.Of(Front.Entries[Index].Key, shards);
                if (Head > at) return;
                Head = null;
            }
        }

        public ScanEntry? Take(Key key)
        {
            if (Head?.Key != key) return null;
            return Front.Entries[Index];
        }
    }
}
