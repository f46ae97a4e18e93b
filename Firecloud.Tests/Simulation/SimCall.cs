// SimCall.cs - one call of a simulated caller: the request as the gateway sees it, and what the caller was told.
using Firecloud.Actors.Protocol;
using Checked = Firecloud.Tests.Checker;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Simulation;

/// <summary>What a caller asked and was told; one per operation in the history.</summary>
internal sealed class Asked(int number, int place, Key key, Operation operation)
{
    public int Number => number;
    public int Place => place;
    public Key Key => key;
    public Operation Operation => operation;
    public long CalledAt { get; set; }
    public long ReturnedAt { get; set; } = Checked.Operation.Never;
    public OperationResult Result { get; set; }

    /// <summary>Set where the caller tries it at several nodes under one id.</summary>
    public (RequestId Id, Version Floor)? Repeated { get; set; }

    /// <summary>Made after the healing: it has to be answered with done, as one of a few new requests where rule 5 says unknown.</summary>
    public bool MustBeDone { get; init; }

    /// <summary>How often the caller may still ask anew.</summary>
    public int TriesLeft { get; init; }

    /// <summary>The caller was told unknown and asked anew.</summary>
    public bool AskedAgain { get; set; }

    /// <summary>The same with its number in the history.</summary>
    public Asked At(int place) => new(place, Place, Key, Operation) { MustBeDone = MustBeDone, TriesLeft = TriesLeft };

    public bool HasReturned => ReturnedAt != Checked.Operation.Never;

    public override string ToString() =>
        $"#{number} at {place}: {key} {PacketText.Text(operation)}"
        + (HasReturned ? $" -> {Result.Kind} {Result.Reason} {Result.Message}" : " -> no answer");
}

internal sealed class SimCall(Simulation world, Asked asked, int place, int timeoutMs)
    : PendingRequest(asked.Key, asked.Operation, timeoutMs)
{
    public Asked Asked => asked;
    public int Place => place;
    public bool IsDone { get; private set; }

    public override void Complete(in OperationResult result)
    {
        if (IsDone) throw new InvalidOperationException($"Answered twice: {asked}");
        IsDone = true;
        world.Completed(this, result);
    }
}
