// StoreFolder.cs - the folder around the database: whether it may be opened, marked as damaged, set aside. Names that must outlive a
// loss of power are synced with the folder that holds them.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Firecloud.Actors.Storage;

/// <summary>What is done with a store's folder as a whole.</summary>
public static partial class StoreFolder
{
    /// <summary>The file in a folder that is known to be damaged; it holds the reason.</summary>
    internal const string DamageName = "DAMAGED";

    /// <summary>The file in a folder that was set aside; it holds the reason.</summary>
    internal const string ReasonName = "REASON";

    // What is left when a process is stopped while it makes a new folder: logs of data come after CURRENT. Without CURRENT, RocksDB
    // would begin anew beside anything, and the replica would not know that it forgot.
    private static readonly string[] NewFolder =
        ["LOCK", "LOG", "IDENTITY", "MANIFEST-000001", "000000.dbtmp", "000001.dbtmp", SyncedMark.Name, SyncedMark.NewName];

    /// <summary>For tests: the folders that were synced on this thread, where not null.</summary>
    [ThreadStatic]
    internal static List<string>? Synced;

    /// <summary>Renames a damaged store's folder, so that a new one can be made in its place. The store must be closed.</summary>
    /// <param name="folder">The store's folder.</param>
    /// <param name="reason">The sentence that says what was found; kept in its file REASON.</param>
    /// <returns>The folder's new name: with ".damaged-", the time (UTC, yyyyMMdd-HHmmss) and, where that exists, a number.</returns>
    /// <exception cref="StoreRefusedException">It can't be renamed: not there, a mount point, no permission.</exception>
    public static string SetAside(string folder, string reason)
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var stem = $"{folder}.damaged-{DateTime.UtcNow.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
        var name = stem;
        for (var i = 2; Path.Exists(name); i++) name = $"{stem}-{i}";
        try
        {
            WriteSynced(Path.Combine(folder, ReasonName), reason);
            File.Delete(Path.Combine(folder, DiskSpace.Name));   // its room is for the new store
            SyncFolder(folder);
            Directory.Move(folder, name);
            SyncFolder(Path.GetDirectoryName(folder)!);
            return name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"{folder} is damaged and can't be renamed to {name}: {e.Message} Move it away. ({reason})", e);
        }
    }

    /// <summary>Deletes a store that is closed. Renamed first: half of it is never found under its own name.</summary>
    internal static void Delete(string folder)
    {
        var old = folder + ".unfinished";
        if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        Directory.Move(folder, old);
        Directory.Delete(old, recursive: true);
    }

    /// <summary>Marks a folder as damaged, open or not: every further opening ends with <see cref="DamagedStoreException"/>.</summary>
    /// <param name="folder">The store's folder.</param>
    /// <param name="reason">The sentence that says what was found.</param>
    /// <exception cref="IOException">The mark could not be written.</exception>
    public static void MarkDamaged(string folder, string reason)
    {
        WriteSynced(Path.Combine(folder, DamageName), reason);
        SyncFolder(folder);
    }

    /// <summary>Makes the folder where it does not exist, and checks what can be checked before it is opened.</summary>
    /// <returns>How far it was synced; null where nothing says so.</returns>
    internal static SyncedMark? Prepare(string folder)
    {
        if (File.Exists(folder)) throw new StoreRefusedException($"{folder} is a file. The store needs a folder.");
        try
        {
            if (!Directory.Exists(folder)) Create(folder);
            var damage = Path.Combine(folder, DamageName);
            if (File.Exists(damage)) throw new DamagedStoreException($"{folder} was marked as damaged: {File.ReadAllText(damage)}");
            return File.Exists(Path.Combine(folder, "CURRENT")) ? SyncedMark.Open(folder) : PrepareNew(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"{folder} can't be used: {e.Message}", e);
        }
    }

    /// <summary>Syncs the names in a folder. Windows has no such call and does without.</summary>
    internal static void SyncFolder(string folder)
    {
        Synced?.Add(folder);
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Libc.open(Encoding.UTF8.GetBytes(folder + '\0'), 0);
        if (descriptor < 0) throw new IOException($"{folder} can't be opened to sync it: error {Marshal.GetLastPInvokeError()}.");
        var result = Libc.fsync(descriptor);
        var error = Marshal.GetLastPInvokeError();
        _ = Libc.close(descriptor);
        if (result != 0) throw new IOException($"{folder} can't be synced: error {error}.");
    }

    private static void Create(string folder)
    {
        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        if (parent is null)
        {
            Directory.CreateDirectory(folder);
            return;
        }
        if (!Directory.Exists(parent)) Create(parent);
        Directory.CreateDirectory(folder);
        SyncFolder(parent);
    }

    private static SyncedMark PrepareNew(string folder)
    {
        var names = Directory.EnumerateFileSystemEntries(folder).Select(f => Path.GetFileName(f)).ToList();
        var foreign = names.Find(f => !NewFolder.Contains(f));
        var mark = SyncedMark.Open(folder);
        if (foreign is null && mark is null or { Number: 0 })
        {
            mark ??= SyncedMark.Create(folder);
            SyncFolder(folder);
            return mark;
        }
        mark?.Dispose();
        if (mark is { Number: > 0 } || (mark is not null && names.Exists(OfDatabase().IsMatch)))
        {
            throw new DamagedStoreException($"{folder} lost its file CURRENT; it still holds {foreign ?? SyncedMark.Name}.");
        }
        throw new StoreRefusedException($"{folder} holds {foreign}, but no store (the file CURRENT is missing). Name an empty folder.");
    }

    private static void WriteSynced(string path, string text)
    {
        using var file = File.Create(path);
        file.Write(Encoding.UTF8.GetBytes(text));
        file.Flush(flushToDisk: true);
    }

    [GeneratedRegex(@"^(\d{6,}\.(log|sst)|(MANIFEST|OPTIONS)-\d{6,})$")]
    private static partial Regex OfDatabase();

    private static class Libc
    {
        [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int open(byte[] path, int flags);

        [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int fsync(int descriptor);

        [DllImport("libc"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int close(int descriptor);
    }
}
