// EchoWay.cs - the way back while a cut is fresh. Of a member that is believed to reach us directly something comes by a relay: its
// own datagrams are lost, and perhaps ours to it too. Until the probes tell, what is small goes back over that relay as well.
namespace Firecloud.Actors.Transport;

internal struct EchoWay()
{
    /// <summary>Longest datagram that is sent twice, bytes.</summary>
    private const int Longest = 1_200;

    /// <summary>For how long after something came by the relay, microseconds.</summary>
    private const long Time = 100_000;

    private long _until = long.MinValue;
    private int _relay = -1;

    /// <summary>A new datagram came by way of a relay.</summary>
    /// <param name="via">The relay.</param>
    /// <param name="heard">Whether who sent it is believed to reach us directly.</param>
    /// <param name="now">Microseconds.</param>
    public void OnRelayed(int via, bool heard, long now)
    {
        if (heard) (_relay, _until) = (via, now + Time);
    }

    /// <summary>The relay over which a datagram goes back too.</summary>
    /// <returns>-1 for none.</returns>
    public readonly int For(int length, long now) => length <= Longest && now < _until ? _relay : -1;
}
