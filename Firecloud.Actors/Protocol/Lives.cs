namespace Firecloud.Actors.Protocol;

/// <summary>For every member, how often it is known to have lost its memory. Immutable.</summary>
/// <remarks>
/// protocol.md sections 3, 4 and 7, after Michael, Ports, Sharma, Szekeres: "Recovering Shared Objects Without Stable
/// Storage" (DISC 2017). Every answer of a replica carries its vector.
/// </remarks>
public sealed class Lives : IEquatable<Lives>
{
    private readonly int[] _lives;

    /// <summary>Creates a vector of zeros.</summary>
    /// <param name="members">Number of members.</param>
    public Lives(int members) => _lives = new int[members];

    /// <summary>Creates a vector.</summary>
    /// <param name="lives">One number per member.</param>
    public Lives(ReadOnlySpan<int> lives) => _lives = lives.ToArray();

    /// <summary>Number of members.</summary>
    public int Members => _lives.Length;

    /// <summary>The life known of one member.</summary>
    /// <param name="member">Index, from 0.</param>
    public int this[int member] => _lives[member];

    /// <summary>The same vector, with at least this life for one member.</summary>
    /// <param name="member">Index, from 0.</param>
    /// <param name="life">The life announced.</param>
    public Lives Raised(int member, int life)
    {
        if (_lives[member] >= life) return this;
        var copy = new Lives(_lives);
        copy._lives[member] = life;
        return copy;
    }

    /// <summary>The larger of both in every place.</summary>
    /// <param name="other">A vector of the same length.</param>
    public Lives Merged(Lives other)
    {
        var merged = this;
        for (var i = 0; i < _lives.Length; i++) merged = merged.Raised(i, other._lives[i]);
        return merged;
    }

    /// <inheritdoc/>
    public bool Equals(Lives? other) => other is not null && _lives.AsSpan().SequenceEqual(other._lives);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Lives);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var life in _lives) hash.Add(life);
        return hash.ToHashCode();
    }

    /// <summary>For example 0,1,0,0.</summary>
    public override string ToString() => string.Join(',', _lives);
}

/// <summary>
/// Vectors that are equal become one object, so that a tally compares references and old vectors are not kept alive.
/// </summary>
internal sealed class InternedLives(int members)
{
    private readonly Lives?[] _last = new Lives?[members];

    /// <summary>The vector as it is known already.</summary>
    /// <param name="from">Who sent it.</param>
    /// <param name="lives">What it sent.</param>
    public Lives Interned(int from, Lives lives)
    {
        foreach (var known in _last)
        {
            if (known is not null && known.Equals(lives)) return _last[from] = known;
        }
        return _last[from] = lives;
    }
}
