// Refusals.cs - counts what is dropped for its seal, and says so in words, now and then: a flood must not fill the log.
// All but the counters' readers run on the receive thread.
using System.Net;
using Akka.Event;

namespace Firecloud.Actors.Transport;

internal sealed class Refusals(ILoggingAdapter log, bool hasSecret)
{
    /// <summary>Between two warnings of a kind, microseconds.</summary>
    private const long Quiet = 10_000_000;

    private readonly long[] _counts = new long[Enum.GetValues<DatagramError>().Length + 1];
    private readonly long[] _warnAt = new long[Enum.GetValues<DatagramError>().Length + 1];

    private static int MessageKind => Enum.GetValues<DatagramError>().Length;

    /// <summary>Messages that their sender may not send; any thread.</summary>
    public long Messages => Interlocked.Read(ref _counts[MessageKind]);

    public long Of(DatagramError error) => Interlocked.Read(ref _counts[(int)error]);

    /// <summary>Counts a datagram that is dropped.</summary>
    public void Count(DatagramError error, SocketAddress from, long now)
    {
        _counts[(int)error]++;
        if (_warnAt[(int)error] > now || Words(error) is not { } words) return;
        _warnAt[(int)error] = now + Quiet;
        log.Warning("UDP datagrams from {0} {1} ({2} such datagrams so far)", new IPEndPoint(0, 0).Create(from), words, _counts[(int)error]);
    }

    /// <summary>Counts a message that is dropped; any thread.</summary>
    /// <param name="what">Who did what, for people.</param>
    public void CountMessage(string what)
    {
        var now = UdpNode.Now;
        var count = Interlocked.Increment(ref _counts[MessageKind]);
        var due = Interlocked.Read(ref _warnAt[MessageKind]);
        if (due > now || Interlocked.CompareExchange(ref _warnAt[MessageKind], now + Quiet, due) != due) return;
        log.Warning("{0}; it is dropped ({1} messages dropped so far)", what, count);
    }

    private string? Words(DatagramError error) => error switch
    {
        DatagramError.WrongKey when !hasSecret => "are sealed, but this node has no secret; give it the others' (secrets)",
        DatagramError.WrongKey => "are sealed with a secret that this node does not have; make the secrets equal",
        DatagramError.Forged => "fail authentication: its secret differs, or somebody alters them",
        DatagramError.Unsealed => "are not sealed and are refused, because this node has a secret; give it to the sender too",
        _ => null,
    };
}
