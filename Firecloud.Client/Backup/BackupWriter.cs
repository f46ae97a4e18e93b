using System.Globalization;
using Firecloud.Actors.Wire;

namespace Firecloud.Client.Backup;

/// <summary>Writes a backup file: under another name, synced, then renamed. So a file that has its name is whole.</summary>
internal sealed class BackupWriter : IDisposable
{
    private readonly string _target;
    private readonly string _partial;
    private readonly bool _isFolder;
    private readonly FileStream _stream;
    private WireWriter _records = new(BackupFormat.BlockSize);
    private BackupHeader? _header;
    private long _blocks;
    private (int Key, int Value) _longest;

    /// <summary>Begins a file.</summary>
    /// <param name="target">A folder that exists, or a file that does not.</param>
    /// <exception cref="BackupFileException">The file can't be written there.</exception>
    public BackupWriter(string target)
    {
        _target = Path.GetFullPath(target);
        _isFolder = Directory.Exists(_target);
        if (File.Exists(_target)) throw Exists(_target);
        var folder = _isFolder ? _target : Path.GetDirectoryName(_target)!;
        _partial = Path.Combine(folder, $".firecloud-backup-{Path.GetRandomFileName()}.partial");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 1 << 16 };
        // It holds everything that the cluster holds.
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            _stream = new FileStream(_partial, options);
            _stream.Write(BackupFormat.Preamble());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupFileException($"{folder} can't be written: {e.Message} Name an existing folder that you may write to.", e);
        }
    }

    public long Records { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Says whose backup it is; before the first record.</summary>
    public void Begin(BackupHeader header)
    {
        _header = header;
        WriteBlock(BlockKind.Header, BackupFormat.Write(header));
    }

    public void Add(BackupRecord record)
    {
        BackupFormat.Write(_records, record);
        Records++;
        Bytes += record.Key.Length + record.Value.Length;
        _longest = (Math.Max(_longest.Key, record.Key.Length), Math.Max(_longest.Value, record.Value.Length));
        if (_records.Length >= BackupFormat.BlockSize) WriteRecords();
    }

    /// <summary>Ends the file and gives it its name.</summary>
    /// <exception cref="BackupFileException">The disk is full, or a file of that name is there by now.</exception>
    public BackupSummary Complete(DateTimeOffset ended, Firecloud.Actors.Protocol.Ballot highest)
    {
        var path = _isFolder ? Path.Combine(_target, NameOf(_header!)) : _target;
        var summary = new BackupSummary(
            path, _header!, ended, Records, Bytes, _longest.Key, _longest.Value, highest.Epoch, highest.Round);
        if (_records.Length > 0) WriteRecords();
        WriteBlock(BlockKind.End, BackupFormat.Write(summary));
        try
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            if (File.Exists(path)) throw Exists(path);
            File.Move(_partial, path, overwrite: false);
        }
        catch (IOException e)
        {
            throw new BackupFileException($"{path} can't be written: {e.Message}", e);
        }
        return summary;
    }

    /// <summary>Leaves nothing of a file that was not completed.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
            File.Delete(_partial);   // nothing, where it has got its name
        }
        catch (IOException)
        {
            // The disk that failed the backup fails this too; the name says what it is.
        }
    }

    private static BackupFileException Exists(string path) => new($"{path} is there already. Name another file, or a folder.");

    private static string NameOf(BackupHeader header) => string.Create(
        CultureInfo.InvariantCulture, $"firecloud-{header.ClusterId:x16}-{header.Begun.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}.backup");

    private void WriteRecords()
    {
        WriteBlock(BlockKind.Records, _records);
        _records = new WireWriter(BackupFormat.BlockSize);
    }

    private void WriteBlock(BlockKind kind, WireWriter content)
    {
        var bytes = content.ToArray();
        try
        {
            _stream.Write(BackupFormat.BlockHead(kind, _blocks++, bytes));
            _stream.Write(bytes);
        }
        catch (IOException e)
        {
            throw new BackupFileException($"{_partial} can't be written: {e.Message}", e);
        }
    }
}
