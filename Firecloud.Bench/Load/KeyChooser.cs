namespace Firecloud.Bench.Load;

/// <summary>Chooses keys, all alike or by Zipf's law: the key of rank r in proportion to 1 / r^skew.</summary>
/// <remarks>
/// The generator of Gray et al., Quickly Generating Billion-Record Synthetic Databases (SIGMOD 1994), as YCSB uses it; frequent keys are
/// scattered over the key space, so that they are not neighbours. Not thread-safe.
/// </remarks>
internal sealed class KeyChooser
{
    private readonly int _keys;
    private readonly double _skew;
    private readonly Random _random;
    private readonly double _zeta;
    private readonly double _alpha;
    private readonly double _eta;

    /// <param name="keys">How many there are, at least 1.</param>
    /// <param name="skew">0 to below 1; 0: all alike.</param>
    /// <param name="seed">Of the choices.</param>
    /// <param name="zeta">What <see cref="Zeta"/> gives for these; a load computes it once for all its clients.</param>
    public KeyChooser(int keys, double skew, int seed, double zeta)
    {
        (_keys, _skew, _random, _zeta) = (keys, skew, new Random(seed), zeta);
        if (skew == 0) return;
        _alpha = 1 / (1 - skew);
        _eta = (1 - Math.Pow(2.0 / keys, 1 - skew)) / (1 - Zeta(Math.Min(2, keys), skew) / zeta);
    }

    /// <summary>The sum of 1 / r^skew over ranks 1 to keys; 0 without skew.</summary>
    public static double Zeta(int keys, double skew)
    {
        var sum = 0.0;
        for (var rank = 1; skew > 0 && rank <= keys; rank++) sum += Math.Pow(rank, -skew);
        return sum;
    }

    /// <summary>The next key, 0 to keys - 1.</summary>
    public int Next() => _skew == 0 ? _random.Next(_keys) : Scatter(NextRank());

    /// <summary>The next rank, 0 for the most frequent one.</summary>
    public int NextRank()
    {
        var u = _random.NextDouble();
        var share = u * _zeta;
        if (share < 1) return 0;
        if (share < 1 + Math.Pow(0.5, _skew)) return Math.Min(1, _keys - 1);
        return Math.Min(_keys - 1, (int)(_keys * Math.Pow(_eta * u - _eta + 1, _alpha)));
    }

    /// <summary>True with a probability.</summary>
    public bool Chance(double share) => share >= 1 || (share > 0 && _random.NextDouble() < share);

    // A bijection only where the factor and the number of keys have no common divisor; else some keys share their ranks' weights.
    private int Scatter(int rank) => (int)(rank * 2_654_435_761L % _keys);
}
