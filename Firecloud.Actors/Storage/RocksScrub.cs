// RocksScrub.cs - reads everything in a store, slowly and over and over, so that bytes that decayed on disk are found while the other
// replicas still have what they held, and not years later when another disk fails.
//
// Each step reads on from where the last one ended, with an iterator of its own: one that stays open would keep merged files on disk.
// RocksDB checks the sums of the blocks that it reads, and each value's own sum is checked here. Blocks in the cache are not read
// from disk; only keys and values that are still valid are read, and no log.
namespace Firecloud.Actors.Storage;

/// <summary>Reads a store in the background to find damage. Ends with the first damage, or when it is disposed.</summary>
public sealed class RocksScrub : IDisposable
{
    private const int StepBytes = 256 << 10;
    private static readonly TimeSpan RoundPause = TimeSpan.FromHours(1);

    private readonly RocksFolder _folder;
    private readonly long _bytesPerSecond;
    private readonly TimeSpan _roundPause;
    private readonly Action<Exception> _failed;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;
    private byte[] _next = [];
    private long _bytesRead;
    private long _rounds;

    /// <summary>Begins at once, on a thread of low priority.</summary>
    internal RocksScrub(RocksFolder folder, long bytesPerSecond, Action<Exception> failed, TimeSpan? roundPause = null)
    {
        (_folder, _bytesPerSecond, _failed, _roundPause) = (folder, bytesPerSecond, failed, roundPause ?? RoundPause);
        _thread = new Thread(Run) { IsBackground = true, Priority = ThreadPriority.Lowest, Name = "firecloud-scrub" };
        _thread.Start();
    }

    /// <summary>Bytes of keys and values read since it began. From any thread.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>How often everything was read. From any thread.</summary>
    public long Rounds => Interlocked.Read(ref _rounds);

    /// <summary>Ends it, and waits for the step under way. Not from its own callback.</summary>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            for (var pause = TimeSpan.Zero; !_stop.Wait(pause); pause = Step()) { }
        }
        catch (Exception e) when (e is DamagedStoreException or StoreFailedException)
        {
            _failed(e);
        }
    }

    // How long to wait until the next one.
    private TimeSpan Step()
    {
        var bytes = 0L;
        byte[]? end = null;
        foreach (var (key, value) in _folder.ScanAll(_next))
        {
            if (bytes >= StepBytes)
            {
                end = key;
                break;
            }
            _folder.Check(key, value);
            bytes += key.Length + value.Length;
        }
        Interlocked.Add(ref _bytesRead, bytes);
        _next = end ?? [];
        if (end is null) Interlocked.Increment(ref _rounds);
        var pace = TimeSpan.FromSeconds((double)bytes / _bytesPerSecond);
        return end is not null || pace > _roundPause ? pace : _roundPause;
    }
}
