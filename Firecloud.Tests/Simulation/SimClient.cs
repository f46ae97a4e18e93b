// SimClient.cs - a client with a gateway of its own, which moves between nodes; what the client library is.
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

/// <summary>Where calls are made: a node or a client.</summary>
internal interface ISimPlace
{
    int Id { get; }
    Gateway? Gateway { get; }
    bool IsUp { get; }

    /// <summary>The members that it believes it reaches.</summary>
    uint View { get; }

    uint Suspected { get; }

    int Life { get; }
    void Deliver(int from, object message);
    void Submit(SimCall call);
    void Cancel(SimCall call);
    void SetView(uint view, uint suspected = 0);
    void Tick();
    void Flush();
}

internal sealed class SimClient : ISimPlace
{
    private readonly Simulation _world;
    private readonly ulong _number;
    private ulong _serial;
    private bool _ticking;

    public SimClient(Simulation world, int id)
    {
        (_world, Id, _number) = (world, id, world.Random.NextUInt64());
        Gateway = new Gateway(world.Configuration, -1, _number, world.Limits.Gateway, world.Random, world.Rules);
    }

    public int Id { get; }
    public Gateway Gateway { get; }
    public bool IsUp => true;
    public uint View { get; private set; }

    public uint Suspected { get; private set; }
    public int Life => 0;

    public void Deliver(int from, object message)
    {
        BeforeInput();
        switch (message)
        {
            case ReplyBatch batch:
                foreach (var reply in batch.Replies) Gateway.OnReply(batch.From, reply);
                break;
            case AnnouncementBatch news:
                foreach (var each in news.Announcements) Gateway.OnAnnouncement(news.From, each);
                break;
            default: throw new InvalidOperationException($"{message.GetType().Name} is not for clients.");
        }
        AfterInput();
    }

    public void Submit(SimCall call)
    {
        BeforeInput();
        Gateway.Submit(call);
        AfterInput();
    }

    public void Cancel(SimCall call)
    {
        BeforeInput();
        Gateway.Cancel(call);
        AfterInput();
    }

    public void SetView(uint view, uint suspected = 0)
    {
        (View, Suspected) = (view, suspected);
        BeforeInput();
        Gateway.SetReachable(view, suspected);
        AfterInput();
    }

    public void Tick()
    {
        Gateway.OnTick(_world.NowMs);
        _ticking = Gateway.Pending > 0;
        if (_ticking) _world.After(_world.Options.TickEvery, new SimEvent(EventKind.Tick, Id, Id, null, 0));
        Flush();
    }

    public void Flush()
    {
        for (var member = 0; member < Simulation.Members; member++)
        {
            foreach (var part in Batching.Cut(Gateway.Take(member), _world.Options.FrameSize))
            {
                _world.Network.Send(Id, member, new RequestBatch(_number, ++_serial, part));
            }
        }
    }

    private void BeforeInput()
    {
        if (!_ticking) Gateway.OnTick(_world.NowMs);
    }

    private void AfterInput()
    {
        if (!_ticking && Gateway.Pending > 0)
        {
            _ticking = true;
            _world.After(_world.Options.TickEvery, new SimEvent(EventKind.Tick, Id, Id, null, 0));
        }
        Flush();
    }
}
