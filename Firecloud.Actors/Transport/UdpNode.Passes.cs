// UdpNode.Passes.cs - passes: what one thread sends about what came in or is due leaves together when the pass ends, in as few
// system calls as the platform allows; nothing waits for a later pass. A thread outside of a pass sends each datagram at once.
using System.Net;
using System.Net.Sockets;

namespace Firecloud.Actors.Transport;

internal sealed partial class UdpNode
{
    [ThreadStatic]
    private static SendBatch? _threadBatch;

    // Links with something to send at the end of the receive thread's pass.
    private readonly HashSet<PeerLink> _wanting = [];

    private volatile bool _taking;

    /// <summary>Whether datagrams wait to be read, or were read and wait to be taken.</summary>
    public bool HasDatagramsWaiting => _taking || _socket.HasWaiting;

    private bool TakesMany => Settings.DatagramsPerCall > 1 && _socket.TakesMany;

    /// <summary>Begins a pass of the calling thread.</summary>
    /// <returns>For <see cref="EndPass"/>: false within a greater pass, or where one call takes one datagram.</returns>
    public bool BeginPass()
    {
        if (!TakesMany) return false;
        var batch = _threadBatch ??= new SendBatch();
        if (batch.Owner is not null) return false;
        batch.Owner = this;
        return true;
    }

    /// <summary>Sends what the pass left to send so far, also within a greater one.</summary>
    /// <param name="begun">What <see cref="BeginPass"/> returned.</param>
    public void EndPass(bool begun)
    {
        if (_threadBatch is not { } batch || batch.Owner != this) return;
        if (batch.Count > 0) _socket.Send(batch);
        if (begun) batch.Owner = null;
    }

    /// <summary>Gives a datagram to the socket, now or at the end of the pass.</summary>
    private void Hand(ReadOnlySpan<byte> datagram, SocketAddress to)
    {
        if (_threadBatch is not { } batch || batch.Owner != this)
        {
            _socket.Send(datagram, to);
            return;
        }
        if (!batch.TryAdd(datagram, to))
        {
            _socket.Send(batch);
            Invariant.That(batch.TryAdd(datagram, to));
        }
        if (batch.Count >= Settings.DatagramsPerCall) _socket.Send(batch);
    }

    private void ReceiveLoop()
    {
        if (TakesMany) ReceiveMany();
        else ReceiveOneByOne();
    }

    private void ReceiveOneByOne()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(65_536, pinned: true);
        var from = new SocketAddress(AddressFamily.InterNetwork);
        while (!_socket.IsClosed)
        {
            var length = _socket.Receive(buffer, from);
            if (length < 0) PauseAfterError();
            else
            {
                TakeDatagram(buffer.AsSpan(0, length), from);
                SendWanting();
            }
        }
    }

    private void ReceiveMany()
    {
        var batch = new ReceiveBatch(Settings.DatagramsPerCall);
        var from = new SocketAddress(AddressFamily.InterNetwork);
        while (!_socket.IsClosed)
        {
            var count = _socket.Receive(batch);
            if (count < 0) PauseAfterError();
            _taking = true;
            var pass = BeginPass();
            for (var i = 0; i < count && !_socket.IsClosed; i++) TakeDatagram(batch.Take(i, from), from);
            SendWanting();
            EndPass(pass);
            _taking = false;
        }
    }

    // An error of the network layer: rare, but if it lasts it must not take a whole core.
    private void PauseAfterError()
    {
        if (!_socket.IsClosed) Thread.Sleep(1);
    }

    private void TakeDatagram(Span<byte> datagram, SocketAddress from)
    {
        try
        {
            OnDatagram(datagram, from);
        }
        catch (Exception e)
        {
            OnInternalError(e, "receive");
        }
    }

    private void SendWanting()
    {
        if (_wanting.Count == 0) return;
        foreach (var link in _wanting)
        {
            try
            {
                link.SendWaiting();
            }
            catch (Exception e)
            {
                OnInternalError(e, "receive");
            }
        }
        _wanting.Clear();
    }
}
