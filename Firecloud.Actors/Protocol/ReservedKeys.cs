using System.Text;

namespace Firecloud.Actors.Protocol;

/// <summary>Keys that Firecloud keeps for itself beside its users' keys.</summary>
public static class ReservedKeys
{
    private static ReadOnlySpan<byte> Prefix => "\0firecloud\0"u8;

    /// <summary>True for a key that users may not name.</summary>
    /// <param name="key">The key.</param>
    public static bool Contains(Key key) => key.Span.StartsWith(Prefix);

    /// <summary>A reserved key.</summary>
    /// <param name="name">What it is for.</param>
    public static Key Create(string name) => new([.. Prefix, .. Encoding.UTF8.GetBytes(name)]);
}
