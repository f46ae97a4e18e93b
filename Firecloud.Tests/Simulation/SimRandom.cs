// SimRandom.cs - the only source of chance in a simulation: SplitMix64 (Steele, Lea, Flood 2014), so that one seed gives the same
// run on every machine and runtime. It is also what the protocol's classes get for their jitter.
namespace Firecloud.Tests.Simulation;

internal sealed class SimRandom(ulong seed) : Random
{
    private ulong _state = seed;

    public ulong NextUInt64()
    {
        var z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBUL;
        return z ^ z >> 31;
    }

    public override int Next(int maxValue) => (int)((NextUInt64() >> 32) * (ulong)maxValue >> 32);

    public override int Next(int minValue, int maxValue) => minValue + Next(maxValue - minValue);

    public override int Next() => Next(int.MaxValue);

    public override double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    public override long NextInt64() => (long)(NextUInt64() >> 1);

    protected override double Sample() => NextDouble();

    /// <summary>True once in <paramref name="n"/> times.</summary>
    public bool OneIn(int n) => Next(n) == 0;

    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    public T Pick<T>(params ReadOnlySpan<T> from) => from[Next(from.Length)];
}
