namespace Firecloud.Client.Backup;

/// <summary>One key of a backup.</summary>
/// <param name="Key">The key's bytes.</param>
/// <param name="Value">The value's bytes.</param>
/// <param name="Version">The version that clients saw.</param>
/// <param name="ExpiresAt">When the value may be dropped, in milliseconds since 1970; 0 is never.</param>
public sealed record BackupRecord(byte[] Key, byte[] Value, Version Version, long ExpiresAt);

/// <summary>Whose backup a file is.</summary>
/// <param name="ClusterId">The cluster's id.</param>
/// <param name="Begun">When it was begun, by the clock of the machine that took it, UTC.</param>
/// <param name="Epoch">The cluster's epoch.</param>
/// <param name="Shards">Its number of shards.</param>
/// <param name="Members">Its members, host:port, and their votes.</param>
public sealed record BackupHeader(
    ulong ClusterId, DateTimeOffset Begun, uint Epoch, int Shards, IReadOnlyList<(string Address, int Votes)> Members);

/// <summary>What a backup holds.</summary>
/// <param name="File">Its path.</param>
/// <param name="Header">Whose it is.</param>
/// <param name="Ended">When it was complete, UTC.</param>
/// <param name="Records">Keys in it.</param>
/// <param name="Bytes">Bytes of their keys and values together.</param>
/// <param name="LongestKey">Bytes of the longest key.</param>
/// <param name="LongestValue">Bytes of the longest value.</param>
/// <param name="HighestEpoch">No version given before the backup was begun has a higher epoch.</param>
/// <param name="HighestRound">And none of that epoch has a higher round.</param>
public sealed record BackupSummary(
    string File, BackupHeader Header, DateTimeOffset Ended, long Records, long Bytes, int LongestKey, int LongestValue,
    uint HighestEpoch, ulong HighestRound);

/// <summary>How far it has come.</summary>
/// <param name="Step">What is being done, for people.</param>
/// <param name="Fraction">The part of the step that is done, from 0 to 1.</param>
/// <param name="Records">Keys so far.</param>
/// <param name="Bytes">Bytes of their keys and values.</param>
public readonly record struct BackupProgress(string Step, double Fraction, long Records, long Bytes);

/// <summary>A file can't be used: it is damaged, no backup, there already, can't be written. The message says which and what to do.</summary>
public sealed class BackupFileException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public BackupFileException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, with the path.</param>
    public BackupFileException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">What is wrong, with the path.</param>
    /// <param name="innerException">The cause.</param>
    public BackupFileException(string message, Exception innerException) : base(message, innerException) { }
}
