namespace Firecloud.Actors.Storage;

/// <summary>A folder that may not be used as this member's store: the message names the folder, the value and what to do.</summary>
public sealed class StoreRefusedException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public StoreRefusedException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The folder, what is wrong with it, and what to do.</param>
    public StoreRefusedException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">The folder, what is wrong with it, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public StoreRefusedException(string message, Exception innerException) : base(message, innerException) { }
}

/// <summary>What is stored in one place is not what was written there. It is never served.</summary>
public sealed class DamagedRecordException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public DamagedRecordException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The place: the key where it is a record's.</param>
    public DamagedRecordException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">The place: the key where it is a record's.</param>
    /// <param name="innerException">The cause.</param>
    public DamagedRecordException(string message, Exception innerException) : base(message, innerException) { }
}

/// <summary>A sync failed, so what was written may be lost: the store refuses everything from then on.</summary>
public sealed class StoreFailedException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public StoreFailedException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The folder.</param>
    public StoreFailedException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">The folder.</param>
    /// <param name="innerException">Why the sync failed.</param>
    public StoreFailedException(string message, Exception innerException) : base(message, innerException) { }
}
