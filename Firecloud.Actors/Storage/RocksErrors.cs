namespace Firecloud.Actors.Storage;

/// <summary>What an error of RocksDB means for the store. Its binding passes on the words only.</summary>
internal static class RocksErrors
{
    /// <summary>True where bytes or files are not what was written: the store counts as lost.</summary>
    /// <param name="message">RocksDB's message: the kind of error comes first.</param>
    public static bool IsDamage(string message)
    {
        if (message.Contains("Permission denied", StringComparison.Ordinal)) return false;
        return message.StartsWith("Corruption", StringComparison.Ordinal)
            || (message.StartsWith("IO error", StringComparison.Ordinal) && message.Contains("No such file", StringComparison.Ordinal));
    }

    public static Exception OfOpening(string folder, Exception e)
    {
        if (e.Message.Contains("lock hold by", StringComparison.Ordinal) || e.Message.Contains("While lock file", StringComparison.Ordinal))
        {
            return new StoreRefusedException($"{folder} is in use, by this process or another one. Stop that one first.", e);
        }
        return IsDamage(e.Message) ? new DamagedStoreException($"{folder} is damaged: {e.Message}", e)
            : new StoreRefusedException($"{folder} can't be opened: {e.Message}", e);
    }

    public static Exception OfReading(string place, Exception e) =>
        IsDamage(e.Message) ? new DamagedStoreException($"{place} can't be read: {e.Message}", e)
            : new StoreFailedException($"{place} can't be read: {e.Message}", e);
}
