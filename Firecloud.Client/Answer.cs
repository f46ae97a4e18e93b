using Firecloud.Actors.Protocol;

namespace Firecloud.Client;

/// <summary>What became of an operation: <see cref="Done{T}"/>, <see cref="Refused{T}"/> or <see cref="Unknown{T}"/>.</summary>
/// <typeparam name="T">The operation's result.</typeparam>
public abstract record Answer<T>
{
    private protected Answer() { }

    /// <summary>True for <see cref="Done{T}"/>.</summary>
    public bool IsDone => this is Done<T>;

    /// <summary>The result.</summary>
    /// <exception cref="FirecloudException">It was refused, or its outcome is unknown.</exception>
    public T Result => this switch
    {
        Done<T> done => done.Value,
        Refused<T> refused => throw new FirecloudException(refused.Message, mayHaveHappened: false),
        Unknown<T> unknown => throw new FirecloudException(unknown.Message, mayHaveHappened: true),
        _ => throw new InvalidOperationException("There are three kinds of answer."),
    };
}

/// <summary>It was done, exactly once.</summary>
/// <typeparam name="T">The operation's result.</typeparam>
/// <param name="Value">The result.</param>
public sealed record Done<T>(T Value) : Answer<T>;

/// <summary>It was certainly not done and never will be: it is safe to try again.</summary>
/// <typeparam name="T">The operation's result.</typeparam>
/// <param name="Reason">Why.</param>
/// <param name="Message">Why, with values, limits and the remedy.</param>
/// <param name="VotesReachable">For want of a quorum: votes that could be reached.</param>
/// <param name="VotesNeeded">For want of a quorum: votes needed.</param>
public sealed record Refused<T>(RefusalReason Reason, string Message, int VotesReachable, int VotesNeeded) : Answer<T>;

/// <summary>It may have been done, or may yet be, at most once. Get the key before you try again.</summary>
/// <typeparam name="T">The operation's result.</typeparam>
/// <param name="Message">What is known.</param>
public sealed record Unknown<T>(string Message) : Answer<T>;

/// <summary>The result of an operation that was not done was asked for.</summary>
public sealed class FirecloudException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public FirecloudException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    public FirecloudException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">The cause.</param>
    public FirecloudException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="mayHaveHappened">True when the operation may have taken effect.</param>
    public FirecloudException(string message, bool mayHaveHappened) : base(message) => MayHaveHappened = mayHaveHappened;

    /// <summary>True when the operation may have taken effect.</summary>
    public bool MayHaveHappened { get; }
}

/// <summary>A value and its version.</summary>
/// <param name="Value">The bytes; don't change them.</param>
/// <param name="Version">Grows with every write of the key, also across its deletion.</param>
public sealed record Entry(ReadOnlyMemory<byte> Value, Version Version)
{
    /// <summary>The value as UTF-8 text.</summary>
    public string Text => System.Text.Encoding.UTF8.GetString(Value.Span);
}

/// <summary>A write that returned what was there before.</summary>
/// <param name="Old">The value before; null for none.</param>
/// <param name="OldKnown">False when a retry found the write done and its old value not kept any more.</param>
/// <param name="Version">The version written; none after a delete.</param>
public sealed record Replaced(ReadOnlyMemory<byte>? Old, bool OldKnown, Version Version);

/// <summary>What a compare-and-set came to.</summary>
/// <param name="Swapped">True when the condition held and the value was set.</param>
/// <param name="Version">The version written, when swapped.</param>
/// <param name="Current">When not swapped: what is there instead, null for nothing or if it is not known any more.</param>
public sealed record Swap(bool Swapped, Version Version, Entry? Current);
