using Akka.Actor;
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
