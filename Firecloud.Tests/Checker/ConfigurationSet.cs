// ConfigurationSet.cs - the configurations that a search has been in: Lowe's addition to Wing and Gong (2017).
//
// A configuration is which operations are placed, and the state. Two orders that reach the same one have the same future,
// so the second need not be followed. The key is exact (no hash in place of the set), but short: the certain operations are
// placed almost in order of call, so all before the first missing one are one number, and only the words from there to the
// last placed one are kept.
namespace Firecloud.Tests.Checker;

internal sealed class ConfigurationSet(int certainCount, int maybeCount)
{
    private readonly HashSet<ulong[]> _seen = new(WordsComparer.Instance);
    private readonly ulong[] _certain = new ulong[(certainCount >> 6) + 1];
    private readonly ulong[] _maybe = new ulong[(maybeCount >> 6) + 1];
    private readonly Dictionary<RegisterState, uint> _states = [];

    public int Count => _seen.Count;

    public bool IsCertainPlaced(int i) => (_certain[i >> 6] >> (i & 63) & 1) != 0;

    public bool IsMaybePlaced(int i) => (_maybe[i >> 6] >> (i & 63) & 1) != 0;

    public void FlipCertain(int i) => _certain[i >> 6] ^= 1UL << (i & 63);

    public void FlipMaybe(int i) => _maybe[i >> 6] ^= 1UL << (i & 63);

    /// <param name="firstMissing">The first certain operation, in order of call, that is not placed.</param>
    /// <param name="state">The state now.</param>
    /// <param name="pending">The maybe-operation placed last, which the next one must need; -1 if there is none.</param>
    /// <param name="beforePending">The state before that one.</param>
    /// <returns>False if the search has been here.</returns>
    public bool Add(int firstMissing, RegisterState state, int pending, RegisterState beforePending)
    {
        var from = firstMissing >> 6;
        var to = _certain.Length;
        while (to > from && _certain[to - 1] == 0) to--;
        var key = new ulong[2 + to - from + _maybe.Length];
        key[0] = (ulong)(uint)firstMissing << 32 | StateId(state);
        key[1] = pending < 0 ? 0 : (ulong)(uint)(pending + 1) << 32 | StateId(beforePending);
        _certain.AsSpan(from, to - from).CopyTo(key.AsSpan(2));
        _maybe.CopyTo(key.AsSpan(2 + to - from));
        return _seen.Add(key);
    }

    private uint StateId(RegisterState state)
    {
        if (!_states.TryGetValue(state, out var id)) _states.Add(state, id = (uint)_states.Count);
        return id;
    }

    private sealed class WordsComparer : IEqualityComparer<ulong[]>
    {
        public static readonly WordsComparer Instance = new();

        public bool Equals(ulong[]? x, ulong[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(ulong[] obj)
        {
            var hash = 14695981039346656037UL;
            foreach (var word in obj)
            {
                // Multiplication alone never moves high bits down, and the operations' numbers are in the high half.
                hash = unchecked((hash ^ word) * 0x9E3779B97F4A7C15UL);
                hash ^= hash >> 32;
            }
            return (int)(uint)hash;
        }
    }
}
