// ReplayWindow.cs - which of the last packet numbers were taken: a sliding bitmap (as in RFC 4303, section 3.4.3).
namespace Firecloud.Actors.Transport;

internal sealed class ReplayWindow
{
    /// <summary>Packet numbers below the highest that are still told apart; anything older counts as taken.</summary>
    public const int Size = 8_192;

    private readonly ulong[] _taken = new ulong[Size / 64];
    private long _end;  // one above the highest taken

    /// <summary>The highest number taken; -1 before the first.</summary>
    public long Highest => _end - 1;

    /// <summary>Whether a number may still be taken.</summary>
    public bool IsNew(long number) => number >= _end || (number >= _end - Size && (Word(number) & Bit(number)) == 0);

    /// <summary>Takes a number that is new and whose datagram is authentic.</summary>
    public void Take(long number)
    {
        Invariant.That(IsNew(number));
        if (number - _end >= Size) Array.Clear(_taken);
        else
        {
            for (; _end <= number; _end++) Word(_end) &= ~Bit(_end);  // what was there is now too old
        }
        if (number >= _end) _end = number + 1;
        Word(number) |= Bit(number);
    }

    private ref ulong Word(long number) => ref _taken[(int)(number / 64 % _taken.Length)];

    private static ulong Bit(long number) => 1UL << (int)(number % 64);
}
