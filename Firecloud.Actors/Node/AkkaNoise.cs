using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;

namespace Firecloud.Actors.Node;

/// <summary>ActorSystems whose log leaves out what Akka.Remote says of every peer that ends: the transport says it in one line.</summary>
public static class AkkaNoise
{
    /// <summary>Creates an ActorSystem.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="config">Its configuration, complete.</param>
    public static ActorSystem CreateSystem(string name, Config config)
    {
        var filter = new LogFilterBuilder().ExcludeMessageContaining("Disassociated").Build();
        return ActorSystem.Create(name, ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config), filter));
    }
}
