using Akka.Actor;
using Firecloud.Actors.Wire;

namespace Firecloud.Actors.Node;

/// <summary>The one actor that clients write to: lets through what clients may ask, to whom it concerns.</summary>
/// <remarks>Who proved only the clients' secret reaches no other actor (the transport's client-paths), so members' messages and
/// operators' orders, which the other actors take, need the members' secret.</remarks>
internal sealed class ClientsActor(IActorRef coordinator, IActorRef master, NodeCounters counters) : UntypedActor
{
    protected override void OnReceive(object message)
    {
        switch (message is Frame frame ? Codec.KindOf(frame.Bytes) : 0)
        {
            case MessageKind.Requests: coordinator.Forward(message); break;
            case MessageKind.StatusRequest or MessageKind.ConfigurationRequest: master.Forward(message); break;
            default: counters.CountBadFrame(); break;
        }
    }
}
