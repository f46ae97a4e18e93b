// PathMtu.cs - how large a datagram may be: path MTU discovery by probes, without ICMP (RFC 8899; with QUIC: RFC 9000, 14.3).
// A probe is a PING padded to the size in question; it was carried when it is acknowledged. Pure: time is passed in.
//
// SEARCH   the size that worked before a change, then common sizes from the largest down, then halving what is left between the
//          largest that works and the smallest that does not. A size does not work when MaxProbes probes of it were lost.
// FALLBACK to Base when large datagrams vanish while small ones pass (a black hole), and when the path changed.
// WATCH    the loss of a probe says nothing about congestion: the session must not report it to the window.
namespace Firecloud.Actors.Transport;

/// <param name="max">Largest size worth a try, bytes of UDP payload; at most <see cref="Base"/> means no search.</param>
internal sealed class PathMtu(int max)
{
    /// <summary>Bytes of UDP payload that every path carries (RFC 8899, section 5.1.2, and RFC 9000, section 14).</summary>
    public const int Base = 1_200;

    /// <summary>Lost probes of one size after which it does not work (RFC 8899, section 5.1.2).</summary>
    public const int MaxProbes = 3;

    /// <summary>Large datagrams lost in a row, with small ones acknowledged meanwhile, that make a black hole. At 10 % random
    /// loss once in 10,000 datagrams, and then it costs one round trip.</summary>
    public const int BlackHoleLosses = 4;

    /// <summary>Time until sizes that did not work are tried again, microseconds: the path may have changed unnoticed
    /// (PMTU_RAISE_TIMER of RFC 8899, section 5.1.1).</summary>
    public const long RaiseAfter = 600_000_000;

    /// <summary>The search ends when the size is known to this many bytes.</summary>
    private const int Precision = 16;

    // UDP payloads of common links: the protocol's largest, loopback by halves, jumbo frames of Ethernet under IPv4 and IPv6,
    // Ethernet under IPv4, under IPv6, and behind a tunnel.
    private static readonly int[] Common = [65_507, 32_768, 16_384, 8_972, 8_952, 1_472, 1_452, 1_372];

    private readonly int _max = Math.Max(max, Base);
    private int _tooLarge = Math.Max(max, Base) + 1;  // does not work, as far as known
    private int _first = Math.Max(max, Base);         // tried before everything else, when it is between
    private int _probing;                             // size of the probe on its way; 0 without
    private int _probesLost;
    private int _vanished;                            // large datagrams lost in a row
    private int _leastVanished = int.MaxValue;        // the smallest of them, bytes
    private bool _smallerAcked;
    private long _raiseAt = long.MaxValue;

    /// <summary>Size of datagrams now, bytes of UDP payload; it works as far as known.</summary>
    public int Size { get; private set; } = Base;

    /// <summary>Black holes found.</summary>
    public long BlackHoles { get; private set; }

    /// <summary>When <see cref="OnTimer"/> must run, microseconds; long.MaxValue for never.</summary>
    public long Deadline => _raiseAt;

    /// <summary>Size of the probe that should go out now, bytes; 0 for none.</summary>
    public int ProbeSize => _probing > 0 ? 0 : Candidate;

    private int Candidate
    {
        get
        {
            if (_tooLarge - Size <= Precision && !IsBetween(_first)) return 0;
            if (IsBetween(_first)) return _first;
            foreach (var size in Common)
            {
                if (IsBetween(size)) return size;
            }
            return Size + ((_tooLarge - Size) / 2);
        }
    }

    public void OnProbeSent(int size) => _probing = size;

    /// <summary>A datagram was acknowledged.</summary>
    /// <param name="size">Its length, bytes.</param>
    /// <param name="isProbe">Whether it was a probe.</param>
    /// <param name="now">Microseconds.</param>
    public void OnAcked(int size, bool isProbe, long now)
    {
        if (size >= _leastVanished) (_vanished, _leastVanished, _smallerAcked) = (0, int.MaxValue, false);
        else _smallerAcked = true;
        // The acknowledgement of a probe from before a fallback is old news.
        if (!isProbe || size != _probing) return;
        (_probing, _probesLost, Size) = (0, 0, size);
        EndSearch(now);
    }

    /// <summary>A datagram was lost.</summary>
    /// <param name="size">Its length, bytes.</param>
    /// <param name="isProbe">Whether it was a probe.</param>
    /// <param name="now">Microseconds.</param>
    public void OnLost(int size, bool isProbe, long now)
    {
        if (isProbe)
        {
            if (size != _probing) return;
            _probing = 0;
            if (++_probesLost < MaxProbes) return;
            (_tooLarge, _probesLost) = (size, 0);
            EndSearch(now);
        }
        else if (size > Base)
        {
            if (_vanished++ == 0) _smallerAcked = false;
            _leastVanished = Math.Min(_leastVanished, size);
        }
    }

    /// <summary>Falls back if large datagrams vanish. To be called when all that an ACK frame said, losses first, was
    /// told.</summary>
    /// <returns>Whether it fell back.</returns>
    public bool FellIntoBlackHole()
    {
        if (_vanished < BlackHoleLosses || !_smallerAcked || Size == Base) return false;
        BlackHoles++;
        OnPathChanged();
        return true;
    }

    /// <summary>Datagrams take another way from now on, or took one unseen: small ones until a probe shows what it carries. The
    /// size that worked so far is tried first, so that the same way again costs one round trip.</summary>
    public void OnPathChanged()
    {
        if (Size > Base) _first = Size;
        (Size, _tooLarge, _probing, _probesLost, _raiseAt) = (Base, _max + 1, 0, 0, long.MaxValue);
        (_vanished, _leastVanished, _smallerAcked) = (0, int.MaxValue, false);
    }

    /// <summary>Begins the search anew if it is time.</summary>
    public void OnTimer(long now)
    {
        if (now < _raiseAt) return;
        (_tooLarge, _raiseAt) = (_max + 1, long.MaxValue);
    }

    private bool IsBetween(int size) => size > Size && size < _tooLarge;

    private void EndSearch(long now)
    {
        if (Candidate == 0 && Size < _max) _raiseAt = now + RaiseAfter;
    }
}
