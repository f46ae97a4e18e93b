// DiskSpace.cs - how much room is left for a store, and a reserve for the time when there is none.
//
// The reserve is a file of allocated bytes that nobody else can eat. When the disk is nearly full it is deleted: the room that it
// leaves is for what must go on (promises, tombstones, RocksDB's flushes), while the replica takes no new values. It is made anew
// when there is room for it and more, and only then the disk counts as not full. In bytes free, with W for one write buffer:
//
//   below 3 W + batch             full: two buffers wait to be flushed to tables, with the log of one more
//   below 2 W + batch             exhausted, though the reserve is gone: the replica writes nothing, or the next sync may fail
//   3 W + batch and more          not exhausted any more
//   reserve + 6 W and more        not full any more; the reserve is made
//
// WATCH  the file system must allocate what it is asked to (fallocate): on one that compresses or does not know the call the file
//        takes no room, and there is no reserve.
namespace Firecloud.Actors.Storage;

internal sealed class DiskSpace
{
    public const string Name = "reserve";
    public const string NewName = "reserve.new";

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly string _newPath;
    private readonly long _reserve;
    private readonly long _buffer;
    private readonly Func<long> _free;
    private long _freeBytes;
    private volatile bool _full;
    private volatile bool _exhausted;

    /// <summary>Looks at the disk (a test: at a number), and makes the reserve where there is room for it.</summary>
    public DiskSpace(string folder, long reserveBytes, long writeBufferBytes, Func<long>? free = null)
    {
        (_path, _newPath) = (Path.Combine(folder, Name), Path.Combine(folder, NewName));
        (_reserve, _buffer) = (reserveBytes, writeBufferBytes);
        _free = free ?? FreeOf(folder);
        File.Delete(_newPath);
        if (new FileInfo(_path) is { Exists: true } found && found.Length != _reserve) found.Delete();
        _full = !File.Exists(_path);   // and the first look ends that, where there is room
        Look(0);
    }

    /// <summary>Bytes free when it was last looked at.</summary>
    public long FreeBytes => Interlocked.Read(ref _freeBytes);

    /// <summary>The reserve is not there: no new values.</summary>
    public bool IsFull => _full;

    /// <summary>Not even what must go on has room.</summary>
    public bool IsExhausted => _exhausted;

    private long Low => 3 * _buffer;

    /// <summary>Looks at the disk. From any thread.</summary>
    /// <param name="coming">Bytes that are about to be written.</param>
    public void Look(long coming)
    {
        lock (_lock)
        {
            var free = _free();
            if (!_full && free < Low + coming)
            {
                _full = true;
                File.Delete(_path);
                free = _free();
            }
            else if (_full && free >= _reserve + 2 * Low && TryMakeReserve())
            {
                _full = false;
                free = _free();
            }
            _exhausted = free < (_exhausted ? Low : Low - _buffer) + coming;
            Interlocked.Exchange(ref _freeBytes, free);
        }
    }

    private static Func<long> FreeOf(string folder)
    {
        var disk = new DriveInfo(Path.GetFullPath(folder));
        return () =>
        {
            try
            {
                return disk.AvailableFreeSpace;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return 0;   // a disk that does not answer has no room
            }
        };
    }

    private bool TryMakeReserve()
    {
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write, PreallocationSize = _reserve,
            };
            using (var file = new FileStream(_newPath, options)) file.SetLength(_reserve);
            File.Move(_newPath, _path, overwrite: true);
            return true;
        }
        catch (IOException)
        {
            File.Delete(_newPath);   // somebody else was faster; the next look tries again
            return false;
        }
    }
}
