using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Firecloud.Actors;

/// <summary>A broken invariant: a bug in Firecloud, never the result of bad input. The node stops.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public InvariantViolationException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was expected, with the values seen.</param>
    public InvariantViolationException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">What was expected, with the values seen.</param>
    /// <param name="innerException">The cause.</param>
    public InvariantViolationException(string message, Exception innerException) : base(message, innerException) { }
}

/// <summary>Assertions that stay on in Release.</summary>
public static class Invariant
{
    /// <summary>Throws when <paramref name="condition"/> does not hold.</summary>
    /// <param name="condition">What must be true.</param>
    /// <param name="expression">Filled in by the compiler.</param>
    /// <exception cref="InvariantViolationException">The condition is false.</exception>
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition) Broken(expression);
    }

    [DoesNotReturn]
    private static void Broken(string expression) =>
        throw new InvariantViolationException($"Broken invariant: {expression}. This is a bug in Firecloud; please report it.");
}
