// VersionRanks.cs - the order among operations that follows from the versions in their answers alone.
//
// In every order that the model accepts, named versions never fall, and the write that made a version comes before those that
// saw it. So an operation that names a version can only be placed when all certain ones with a lower rank are. The model
// would reject the others too, but only after the search has followed them for a while: this changes the time, not the
// verdict. Where all answers carry versions, what is left to search is next to nothing.
namespace Firecloud.Tests.Checker;

internal sealed class VersionRanks
{
    private const int Unranked = -1;
    private readonly int[] _rank;       // per operation
    private readonly int[] _missing;    // per rank: operations not placed
    private int _lowest;                // the lowest rank with operations missing

    public VersionRanks(IReadOnlyList<Operation> operations, bool enabled)
    {
        _rank = new int[operations.Count];
        Array.Fill(_rank, Unranked);
        var groups = Enumerable.Range(0, enabled ? operations.Count : 0)
            .Where(i => operations[i].NamedVersion is not null)
            .GroupBy(i => (Version: operations[i].NamedVersion!.Value, Order: RegisterModel.SurelyWrites(operations[i]) ? 0 : 1))
            .OrderBy(g => g.Key.Version).ThenBy(g => g.Key.Order)
            .ToList();
        _missing = new int[groups.Count];
        for (var rank = 0; rank < groups.Count; rank++)
        {
            foreach (var i in groups[rank]) _rank[i] = rank;
            _missing[rank] = groups[rank].Count();
        }
    }

    public bool MayComeNext(int operation) => _rank[operation] == Unranked || _rank[operation] == _lowest;

    public void Place(int operation)
    {
        var rank = _rank[operation];
        if (rank == Unranked) return;
        _missing[rank]--;
        while (_lowest < _missing.Length && _missing[_lowest] == 0) _lowest++;
    }

    public void Unplace(int operation)
    {
        var rank = _rank[operation];
        if (rank == Unranked) return;
        _missing[rank]++;
        _lowest = Math.Min(_lowest, rank);
    }
}
