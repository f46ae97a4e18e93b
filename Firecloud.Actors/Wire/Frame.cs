using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Firecloud.Actors.Wire;

/// <summary>An encoded message on its way through Akka.Remote. Immutable after it was told.</summary>
/// <param name="Bytes">What <see cref="Codec"/> wrote.</param>
public sealed record Frame(byte[] Bytes);

/// <summary>Carries <see cref="Frame"/>s as they are: no manifest, no copy.</summary>
/// <remarks>
/// No general object serializer ever sees bytes of ours; actors decode frames themselves, on their own threads.
/// </remarks>
public sealed class FrameSerializer(ExtendedActorSystem system) : Serializer(system)
{
    /// <summary>Unique among Akka's serializers; 0 to 40 are Akka's own.</summary>
    public const int Number = 739;

    /// <inheritdoc/>
    public override int Identifier => Number;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => ((Frame)obj).Bytes;

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => new Frame(bytes);
}

/// <summary>Takes the place of serializers that build whatever object the bytes name: refuses both ways.</summary>
/// <remarks>An application that sends messages of its own through this system binds a serializer of its own to them.</remarks>
public sealed class RefusingSerializer(ExtendedActorSystem system) : Serializer(system)
{
    /// <summary>Unique among Akka's serializers; 0 to 40 are Akka's own.</summary>
    public const int Number = 738;

    /// <summary>Called by Akka where the serializer that it replaces had settings.</summary>
    /// <param name="system">The actor system.</param>
    /// <param name="settings">Not used.</param>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : this(system)
    {
    }

    /// <inheritdoc/>
    public override int Identifier => Number;

    /// <inheritdoc/>
    public override bool IncludeManifest => true;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw new SerializationException(
        $"{obj?.GetType()} has no serializer of its own and is not sent: an ActorSystem with Firecloud has none for any object. "
        + "Bind one to it in akka.actor.serialization-bindings.");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException(
        $"A message as {type} came over the network and is dropped: no general serializer reads such bytes here.");
}
