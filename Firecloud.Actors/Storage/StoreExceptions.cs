namespace Firecloud.Actors.Storage;

/// <summary>
/// A folder that may not be used as this member's store, though nothing says that its data is damaged: in use, foreign, of another
/// member or a newer format, without permission, or the disk fails. The operator must act; the message names the folder, the value
/// and what to do.
/// </summary>
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

/// <summary>
/// This member's store is not what it wrote: bytes changed, files or the end of the log are missing. Nothing damaged is ever served.
/// The store counts as lost: it is set aside (<see cref="StoreFolder.SetAside"/>), and the replica recovers from the others.
/// </summary>
public sealed class DamagedStoreException : Exception
{
    /// <summary>Creates the exception without a message.</summary>
    public DamagedStoreException() { }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">The folder and the place: the key where it is a record's.</param>
    public DamagedStoreException(string message) : base(message) { }

    /// <summary>Creates the exception around another one.</summary>
    /// <param name="message">The folder and the place: the key where it is a record's.</param>
    /// <param name="innerException">The cause.</param>
    public DamagedStoreException(string message, Exception innerException) : base(message, innerException) { }
}

/// <summary>
/// The disk failed while the store was open. After a sync that failed, what was written may be lost: the store refuses everything from
/// then on.
/// </summary>
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
