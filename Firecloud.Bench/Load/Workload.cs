using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Firecloud.Bench.Load;

/// <summary>What clients do.</summary>
internal sealed record Workload
{
    /// <summary>Share of gets, 0 to 1; the others are puts.</summary>
    public double Gets { get; init; }

    /// <summary>Compare-and-set in the place of puts.</summary>
    public bool Swaps { get; init; }

    /// <summary>Different keys.</summary>
    public int Keys { get; init; } = 10_000;

    /// <summary>Exponent of Zipf's law, 0 to below 1: 0 chooses all keys alike, 0.99 is YCSB's choice.</summary>
    public double Skew { get; init; }

    /// <summary>Bytes of a value.</summary>
    public int Bytes { get; init; } = 100;

    /// <summary>Clients at a time.</summary>
    public int Clients { get; init; } = 1;

    /// <summary>Calls that a client sends together; it sends the next ones when all have been answered.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>Calls per second that are to begin, whether the others have ended or not; 0: each client begins the next when one has ended.</summary>
    public double Rate { get; init; }

    /// <summary>What the calls are: put, get, 95/5, 50/50 or cas.</summary>
    public string Mix => Gets switch
    {
        0 => Swaps ? "cas" : "put",
        1 => "get",
        _ => FormattableString.Invariant($"{100 * Gets:f0}/{100 * (1 - Gets):f0}"),
    };
}

/// <summary>
/// The keys and values of a load. The value of a key is always the same, so that a compare-and-set knows it; values of different sizes are
/// under different keys.
/// </summary>
internal sealed class Dataset
{
    public const int KeyLength = 16;

    private const int MostVariants = 251;
    private const int MostBytes = 16 << 20;

    private readonly byte[] _head;
    private readonly byte[][] _values;

    public Dataset(int bytes)
    {
        _head = Encoding.ASCII.GetBytes(bytes.ToString("x6", CultureInfo.InvariantCulture));
        var random = new Random(1);
        _values = [.. Enumerable.Range(0, Math.Clamp(MostBytes / bytes, 1, MostVariants)).Select(_ => new byte[bytes])];
        foreach (var value in _values) random.NextBytes(value);
        Bytes = bytes;
    }

    /// <summary>Bytes of a value.</summary>
    public int Bytes { get; }

    /// <summary>The value of a key: random bytes, one of at most 251 values.</summary>
    public byte[] Value(int key) => _values[key % _values.Length];

    public byte[] Key(int key)
    {
        var bytes = new byte[KeyLength];
        WriteKey(key, bytes);
        return bytes;
    }

    /// <summary>Writes the size in six hexadecimal digits and the number of the key in ten decimal ones.</summary>
    public void WriteKey(int key, Span<byte> into)
    {
        _head.CopyTo(into);
        Utf8Formatter.TryFormat(key, into[_head.Length..], out _, new StandardFormat('D', 10));
    }
}
