// Script.cs - a directed schedule: the real nodes, but every packet waits until the script delivers or loses it, and the script says
// which coordinator runs what. For what random schedules hit too rarely; the model's scripts in the product's code.
using Firecloud.Actors.Protocol;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

internal sealed class Script
{
    /// <summary>The place that replies to the script come to.</summary>
    public const int Client = Simulation.Members;

    /// <summary>How wrong clocks may be, in milliseconds; every node's is right until the script sets it.</summary>
    public const int ClockSkew = 1000;
    private const ulong ClientNumber = 0xC11E47;

    private readonly List<Packet> _net = [];
    private readonly Dictionary<RequestId, (Asked Asked, Request Request, int Node)> _requests = [];
    private readonly List<Asked> _asked = [];
    private ulong _serial;
    private long _time;

    public Script(Rules rules)
    {
        var options = new SimOptions { Keys = 2, Clients = 1, ClockSkew = ClockSkew, Proposer = new(1000, 1000, 100, 100, 20, 0, 0) };
        World = new Simulation(1, options, rules);
        World.Network.Manual = _net;
        World.Places[Client] = new ScriptClient(this);
    }

    public Simulation World { get; }

    /// <summary>What was asked, delivered and told, as lines.</summary>
    public List<string> Log { get; } = [];

    /// <summary>The newest version that the script's gateway was told to be chosen.</summary>
    public Version Floor { get; private set; }

    /// <summary>The ballot in the newest reply.</summary>
    public Ballot LastBallot { get; private set; }

    public Store At(int node) => new(World.Nodes[node]);

    /// <summary>Attempt 1, under the ballot that the coordinator holds or takes now.</summary>
    public Asked Call(int node, Operation operation, int key = 0) => Ask(node, operation, key, RequestMode.MustOwn);

    /// <summary>A get that the coordinator answers from a Read at a quorum.</summary>
    public Asked Read(int node, int key = 0) => Ask(node, Operation.Get, key, RequestMode.Any);

    /// <summary>Attempt 1 under a ballot and a floor of the script's choice.</summary>
    public Asked CallNaming(int node, Operation operation, Ballot named, Version floor, int key = 0) =>
        Ask(node, operation, key, RequestMode.MustOwn, named, floor);

    /// <summary>A call whose attempt 1 is on its way for a long time; <see cref="Arrives"/> ends that.</summary>
    public Asked CallLate(Operation operation, int key = 0) => New(Client, operation, key);

    /// <summary>An attempt arrives at a coordinator.</summary>
    /// <param name="asked">The call.</param>
    /// <param name="node">The coordinator.</param>
    /// <param name="attempt">From 1.</param>
    /// <param name="named">The ballot that attempt 1 names.</param>
    /// <param name="order">The place in its gateway's order; the next one where null.</param>
    /// <param name="gateway">Another gateway that passed it on; the script's own where null.</param>
    public void Arrives(
        Asked asked, int node, int attempt, Ballot named, ulong? order = null, ulong? gateway = null)
    {
        var mode = RequestMode.MustOwn | (gateway is null ? RequestMode.Any : RequestMode.Strictly);
        var floor = attempt == 1 || !_requests.TryGetValue(Id(asked), out var known) ? Version.None : known.Request.Floor;
        var request = new Request(Id(asked), asked.Key, asked.Operation, attempt, named, floor, mode);
        Send(asked, request, node, order, gateway);
    }

    /// <summary>The place in the gateway's order that its next batch would have; that one is given away.</summary>
    public ulong NextOrder() => ++_serial;

    public void Deliver(Func<Packet, bool> which)
    {
        for (var guard = 0; guard < 1000; guard++)
        {
            var i = _net.FindIndex(p => which(p));
            if (i < 0) return;
            var packet = _net[i];
            _net.RemoveAt(i);
            Deliver(packet);
        }
        throw new InvalidOperationException("The script's world does not come to rest.");
    }

    /// <summary>The first such packet comes, and comes again.</summary>
    public void DeliverTwice(Func<Packet, bool> which)
    {
        var packet = Take(which);
        Deliver(packet);
        Deliver(packet);
    }

    /// <summary>The ballot that a coordinator holds: it names it to an attempt 1 that names none.</summary>
    public Ballot BallotOf(int node)
    {
        var id = new RequestId(ClientNumber, ulong.MaxValue);
        var request = new Request(id, World.Keys[^1], Operation.Delete(), 1, Ballot.None, Version.None, RequestMode.MustOwn);
        World.Nodes[node].Deliver(Client, new RequestBatch(ClientNumber, ++_serial, [request]));
        Deliver(p => p.To == Client);
        return LastBallot;
    }

    public void DeliverAll() => Deliver(_ => true);

    public void Deliver(Packet packet)
    {
        Log.Add(packet.ToString());
        if (World.Places[packet.To].IsUp) World.Places[packet.To].Deliver(packet.From, packet.Message);
    }

    /// <summary>The first such packet waits in the script's hand.</summary>
    public Packet Take(Func<Packet, bool> which)
    {
        var packet = _net.First(which);
        _net.Remove(packet);
        return packet;
    }

    public IReadOnlyList<Packet> TakeAll(Func<Packet, bool> which)
    {
        var taken = _net.Where(which).ToArray();
        _net.RemoveAll(p => which(p));
        return taken;
    }

    public void Lose(Func<Packet, bool> which) => _net.RemoveAll(p => which(p));

    /// <summary>What was written, and by which answers it was seen; ends the script.</summary>
    public SimResult Result() => SimResult.Of(World, _asked);

    private Asked Ask(int node, Operation operation, int key, RequestMode mode, Ballot named = default, Version floor = default)
    {
        var asked = New(node, operation, key);
        Send(asked, new Request(Id(asked), asked.Key, operation, 1, named, floor, mode), node, null, null);
        return asked;
    }

    private Asked New(int place, Operation operation, int key)
    {
        var asked = new Asked(_asked.Count, place, World.Keys[key], operation) { CalledAt = ++_time };
        _asked.Add(asked);
        return asked;
    }

    private static RequestId Id(Asked asked) => new(ClientNumber, (ulong)asked.Number);

    private void Send(Asked asked, Request request, int node, ulong? order, ulong? gateway)
    {
        _requests[request.Id] = (asked, request, node);
        Log.Add($"#{asked.Number} attempt {request.Attempt} at {node}: {PacketText.Text(asked.Operation)}");
        var batch = new RequestBatch(gateway ?? ClientNumber, order ?? (gateway is null ? ++_serial : 1), [request]);
        World.Nodes[node].Deliver(Client, batch);
        Deliver(p => p.To == Client);
    }

    // As the gateway does it, without its retries.
    private void OnReply(Reply reply)
    {
        LastBallot = reply.Ballot;
        if (!_requests.TryGetValue(reply.Id, out var known)) return;
        var (asked, request, node) = known;
        if (Floor < reply.Chosen) Floor = reply.Chosen;
        if (asked.HasReturned) return;
        if (reply.Status == ReplyStatus.OtherBallot && reply.Attempt == request.Attempt)
        {
            Send(asked, request with { Named = reply.Ballot }, node, null, null);
        }
        if (reply.Status != ReplyStatus.Done) return;
        var isNo = reply.Outcome != Outcome.Applied && !asked.Operation.IsGet;
        if (isNo && !World.Rules.TakesNo(reply, request.Attempt)) return;
        asked.ReturnedAt = ++_time;
        asked.Result = new OperationResult(ResultKind.Done)
        {
            Outcome = reply.Outcome,
            Value = reply.Value,
            ValueKnown = reply.ValueKnown,
            Version = reply.Visible,
            Number = reply.Number,
        };
    }

    /// <summary>What one node is doing, for scripts.</summary>
    internal readonly record struct Store(SimNode Node)
    {
        public Ballot Promised => Node.Store.GetPromised(0);

        /// <summary>The coordinator learns of a ballot, so that its own will be higher.</summary>
        public void Saw(Ballot ballot) => Node.Coordinator!.Proposer.Saw(0, ballot);

        /// <summary>Its clock is wrong by so many milliseconds from now on.</summary>
        public void SetClock(long error) => Node.ClockError = error;

        /// <summary>It loses its memory, starts again and begins to recover.</summary>
        public void LoseMemory()
        {
            Node.LoseMemory();
            Node.Recovers = true;
            Node.Start();
        }

        /// <summary>It loses its memory and takes it over from these.</summary>
        public void Forget(params SimNode[] from)
        {
            Node.LoseMemory();
            Node.Start();
            Node.RecoverAtOnce(from);
        }
    }

    private sealed class ScriptClient(Script script) : ISimPlace
    {
        public int Id => Client;
        public Gateway? Gateway => null;
        public bool IsUp => true;
        public uint View => 0;

        public uint Suspected => 0;
        public int Life => 0;

        public void Deliver(int from, object message)
        {
            foreach (var reply in ((ReplyBatch)message).Replies) script.OnReply(reply);
        }

        public void Submit(SimCall call) { }
        public void Cancel(SimCall call) { }
        public void SetView(uint view, uint suspected = 0) { }
        public void Tick() { }
        public void Flush() { }
    }
}

internal static class Packets
{
    public static bool Asks(this Packet packet, ReplicaAsk ask) =>
        packet.Message is ReplicaRequest request && request.Items.Any(i => i.Ask == ask);

    public static bool Answers(this Packet packet) => packet.Message is ReplicaAnswer;

    public static bool Recovers(this Packet packet) => packet.Message
        is LifeQuestion or LifeAnswer or LifeAnnouncement or LifeNoted or StateQuestion or StateChunk;

    public static bool Between(this Packet packet, params ReadOnlySpan<int> nodes) =>
        nodes.Contains(packet.From) && nodes.Contains(packet.To);
}
