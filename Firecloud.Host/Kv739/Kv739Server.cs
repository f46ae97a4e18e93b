// Kv739Server.cs - the original's datagrams (docs/kv739.md) on the node's own UDP port.
//
// An id of one client address is one request, whichever node it reaches. The first node that sees it notes, as a key of the
// store itself, the newest version of the key's shard known then: the claim. Every node that sees the same id finds that claim
// and runs the request as a further attempt above that version (protocol.md section 6, rule 5), so it is applied at most once.
// A claim expires after ten minutes; a datagram that the network kept longer counts as new. Claims cost one more write each.
using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Net;
using System.Text;
using Akka.Actor;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Transport;

namespace Firecloud.Host.Kv739;

/// <summary>Answers GET and PUT datagrams.</summary>
internal sealed class Kv739Server : IAsyncDisposable
{
    private const int TimeoutMs = 3000;
    private const int MaxUnderWay = 4096;
    private const long KeptMs = 600_000;
    private static readonly TimeSpan Sweep = TimeSpan.FromSeconds(30);
    private static readonly Update NewClaim = new() { If = UpdateCondition.Absent, Change = UpdateChange.Set, Expiry = ExpiryRule.At };

    private readonly ActorSystem _system;
    private readonly FirecloudNode _node;
    private readonly ConcurrentDictionary<(IPEndPoint, ulong), bool> _underWay = new();
    private readonly ConcurrentQueue<long> _claims = new();   // when each was written; they expire by themselves
    private readonly Timer _sweeper;

    private Kv739Server(ActorSystem system, FirecloudNode node)
    {
        (_system, _node) = (system, node);
        _sweeper = new Timer(_ => ForgetOld(), null, Sweep, Sweep);
    }

    public static async Task<Kv739Server> StartAsync(ActorSystem system, FirecloudNode node)
    {
        var server = new Kv739Server(system, node);
        await UdpTransport.Manage(system, new SetTextHandler(server.OnText));
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync();
        if (!_system.WhenTerminated.IsCompleted) await UdpTransport.Manage(_system, new SetTextHandler(null));
    }

    private void OnText(ReadOnlySpan<byte> text, IDatagramReply reply)
    {
        if (Kv739Request.TryParse(text) is not { } request) return;
        // The same text again while it is under way: its answer goes to the same address.
        if (_underWay.Count >= MaxUnderWay || !_underWay.TryAdd((reply.From, request.Id), true)) return;
        _ = AnswerAsync(request, reply);
    }

    private async Task AnswerAsync(Kv739Request request, IDatagramReply reply)
    {
        try
        {
            var result = request.IsPut ? await PutAsync(request, reply.From) : await RunAsync(request.Key, Operation.Get);
            var known = result is { Kind: ResultKind.Done, ValueKnown: true } && Kv739Request.Fits(result.Value);
            reply.Send(known ? [.. Encoding.ASCII.GetBytes($"OK [{request.Id}] ["), .. result.Value ?? [], (byte)']']
                : Encoding.ASCII.GetBytes($"FL [{request.Id}]"));
        }
        finally
        {
            _underWay.TryRemove((reply.From, request.Id), out _);
        }
    }

    private async Task<OperationResult> PutAsync(Kv739Request request, IPEndPoint client)
    {
        if (_claims.Count >= _node.Settings.Kv739MaxIds) return OperationResult.Refused(RefusalReason.Busy, "Too many ids.");
        var claim = ReservedKeys.Create($"kv739 {client} {request.Id}");
        var floor = await _node.FloorAsync(new Key(request.Key));
        var claiming = Operation.Of(NewClaim, Encoding.ASCII.GetBytes(floor.ToString()), KeptMs) with { ExpiresFromNow = true };
        var claimed = await RunAsync(claim.Bytes, claiming);
        if (claimed.Kind != ResultKind.Done) return claimed;
        if (claimed.Outcome == Outcome.Applied)
        {
            _claims.Enqueue(Environment.TickCount64);
        }
        else if (!claimed.ValueKnown || !Version.TryParse(Encoding.ASCII.GetString(claimed.Value ?? []), out floor))
        {
            return OperationResult.Unknown("The claim of this id can't be read any more.");
        }
        var id = new RequestId(XxHash3.HashToUInt64(Encoding.ASCII.GetBytes($"kv739 {client}")), request.Id);
        return await RunAsync(request.Key, Operation.Put(request.Value, returnsOld: true), (id, floor));
    }

    private Task<OperationResult> RunAsync(byte[] key, Operation operation, (RequestId, Version)? repeated = null)
    {
        var call = new PendingCall(new Key(key), operation, TimeoutMs) { Repeated = repeated };
        _node.Submit(call);
        return call.Task;
    }

    private void ForgetOld()
    {
        while (_claims.TryPeek(out var oldest) && oldest <= Environment.TickCount64 - KeptMs) _claims.TryDequeue(out _);
    }
}
