// KeyScan.cs - which keys there are, read at members with a quorum of votes and decided key by key (Protocol/Scan.cs): a key that was there
// all the while is found, one that was deleted before is not, one that came or went meanwhile may be.
//
// CURSOR   the number of a leaf of the shards' hash trees: a place among all keys that depends on nothing but the number of shards. So
//          nothing is kept between two calls, any node goes on with it, and no key comes twice. A step reads whole leaves.
using Akka.Actor;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Resp;

/// <summary>Keys, and where to go on; 0 at the end.</summary>
internal sealed record KeyPage(IReadOnlyList<Key> Keys, long Cursor);

/// <summary>The keys can't be read; the message is the error for the client.</summary>
internal sealed class KeyScanException(string message) : Exception(message);

/// <summary>Reads keys in the order of their places.</summary>
/// <param name="node">The node that asks the members.</param>
internal sealed class KeyScan(FirecloudNode node)
{
    private const int Batch = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private ulong _nonce;

    /// <summary>Places of the cluster: cursors are below this.</summary>
    public static long Places(FirecloudNode node) => (long)node.Settings.Configuration.Shards * HashTree.Leaves;

    /// <summary>Reads from a place on.</summary>
    /// <param name="cursor">From 0.</param>
    /// <param name="count">About so many keys, whether they pass the filter or not; whole leaves are read.</param>
    /// <param name="rounds">At most so many pages of each member.</param>
    /// <param name="filter">Which keys are wanted.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="KeyScanException">Too few members answer.</exception>
    public async Task<KeyPage> ReadAsync(long cursor, int count, int rounds, Predicate<Key> filter, CancellationToken stop)
    {
        var places = Places(node);
        if (cursor < 0 || cursor >= places) return new KeyPage([], 0);
        var scan = new Scan(node.Settings.Configuration, from: new ScanPosition((int)(cursor / HashTree.Leaves), (int)(cursor % HashTree.Leaves), null));
        await JoinAsync(scan, stop);
        var (found, open, seen, last) = (new List<Key>(), new List<Key>(), 0, cursor - 1);
        while (true)
        {
            var keys = scan.Take(Batch);
            foreach (var key in keys)
            {
                var place = PlaceOf(key.Key);
                if (place > last && seen >= count) return await PageAsync(found, open, place, stop);
                (last, seen) = (place, seen + 1);
                if (ReservedKeys.Contains(key.Key) || !filter(key.Key)) continue;
                (key.IsDecided ? found : open).Add(key.Key);
            }
            if (scan.IsDone) return await PageAsync(found, open, 0, stop);
            if (keys.Count == Batch) continue;
            // Between two pages that end with a leaf nothing is half read.
            var at = ((long)scan.At.Shard * HashTree.Leaves) + scan.At.Leaf;
            if (scan.At.Key is null && at > cursor && (seen >= count || rounds <= 0)) return await PageAsync(found, open, at, stop);
            rounds--;
            await AskAsync(scan, stop);
        }
    }

    private static long PlaceOf(Key key, int shards) => ((long)key.Shard(shards) * HashTree.Leaves) + key.Leaf;

    private long PlaceOf(Key key) => PlaceOf(key, node.Settings.Configuration.Shards);

    private async Task JoinAsync(Scan scan, CancellationToken stop)
    {
        try
        {
            var status = await node.StatusAsync(Patience).WaitAsync(stop);
            foreach (var member in status.Members.Where(m => m.Reachable && m.Voting)) scan.Join(member.Node);
        }
        catch (AskTimeoutException)
        {
            throw new KeyScanException($"TIMEDOUT The node did not say whom it reaches within {Patience.TotalSeconds:0} s. Nothing was changed; try again.");
        }
        Check(scan);
    }

    private void Check(Scan scan)
    {
        if (scan.HasQuorum) return;
        var votes = node.Settings.Configuration.Votes;
        throw new KeyScanException(
            $"NOQUORUM Members with {votes.Of(scan.Members)} of {votes.Quorum} votes needed can be read. Nothing was changed; it is safe to try again.");
    }

    private async Task AskAsync(Scan scan, CancellationToken stop)
    {
        var members = Enumerable.Range(0, node.Settings.Configuration.Members.Count).Where(m => (scan.Members >> m & 1) != 0 && scan.Wants(m)).ToArray();
        var pages = await Task.WhenAll(members.Select(m => PageAsync(m, scan.Next(m), stop)));
        for (var i = 0; i < members.Length; i++)
        {
            if (pages[i] is not { } page || !scan.Add(page)) scan.Leave(members[i]);
        }
        Check(scan);
    }

    private async Task<ScanAnswer?> PageAsync(int member, ScanPosition after, CancellationToken stop)
    {
        try
        {
            var question = new ScanQuestion(node.Settings.Configuration.Epoch, Interlocked.Increment(ref _nonce), after, WithValues: false);
            return await node.PageAsync(member, question, Patience).WaitAsync(stop);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    // What the members do not agree about yet is asked for as a get is.
    private async Task<KeyPage> PageAsync(List<Key> found, List<Key> open, long cursor, CancellationToken stop)
    {
        foreach (var part in open.Chunk(Batch))
        {
            var gets = part.Select(key => new PendingCall(key, Operation.Get, node.Settings.RequestTimeoutMs)).ToArray();
            node.Submit(gets);
            foreach (var get in gets)
            {
                var result = await get.Task.WaitAsync(stop);
                if (result.Kind != ResultKind.Done) throw new KeyScanException(RespErrors.Of("GET", result));
                if (result.Value is not null) found.Add(get.Key);
            }
        }
        return new KeyPage(found, cursor);
    }
}
