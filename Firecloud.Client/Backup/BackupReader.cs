using System.Buffers.Binary;
using Firecloud.Actors.Wire;

namespace Firecloud.Client.Backup;

/// <summary>Reads a backup file and believes nothing that its sums do not confirm.</summary>
internal sealed class BackupReader : IDisposable
{
    private readonly string _file;
    private readonly FileStream _stream;
    private long _blocks;

    /// <summary>Opens a file and reads whose it is.</summary>
    /// <exception cref="BackupFileException">It can't be read, is no backup, or is of a newer format.</exception>
    public BackupReader(string file)
    {
        _file = file;
        try
        {
            _stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupFileException($"{file} can't be read: {e.Message}", e);
        }
        try
        {
            ReadPreamble();
            var (kind, content) = NextBlock();
            if (kind != BlockKind.Header) throw Damaged("The first block is not its header.");
            Header = Parse(content, (ref WireReader r) => BackupFormat.ReadHeader(ref r));
        }
        catch
        {
            _stream.Dispose();
            throw;
        }
    }

    private delegate T Reading<out T>(ref WireReader reader);

    public BackupHeader Header { get; }

    /// <summary>What the file says it holds; null before the last record was read.</summary>
    public BackupSummary? Summary { get; private set; }

    /// <summary>The part that is read, from 0 to 1.</summary>
    public double Fraction => _stream.Length == 0 ? 1 : (double)_stream.Position / _stream.Length;

    /// <summary>Every record, and at the end a check that they are all there. To be called once.</summary>
    /// <exception cref="BackupFileException">The file is damaged, or ends too early.</exception>
    public IEnumerable<BackupRecord> Records()
    {
        var (records, bytes) = (0L, 0L);
        while (true)
        {
            var (kind, content) = NextBlock();
            if (kind == BlockKind.End)
            {
                Summary = Parse(content, (ref WireReader r) => BackupFormat.ReadEnd(ref r, _file, Header));
                break;
            }
            if (kind != BlockKind.Records) throw Damaged($"A block of kind {(byte)kind} among the records.");
            foreach (var record in Parse(content, ReadAll))
            {
                records++;
                bytes += record.Key.Length + record.Value.Length;
                yield return record;
            }
        }
        if (Summary.Records != records || Summary.Bytes != bytes)
        {
            throw Damaged($"It holds {records} keys of {bytes} bytes and says {Summary.Records} of {Summary.Bytes}.");
        }
        if (_stream.Position != _stream.Length) throw Damaged($"{_stream.Length - _stream.Position} bytes follow its end.");
    }

    public void Dispose() => _stream.Dispose();

    private static List<BackupRecord> ReadAll(ref WireReader reader)
    {
        var records = new List<BackupRecord>();
        while (!reader.AtEnd) records.Add(BackupFormat.ReadRecord(ref reader));
        return records;
    }

    private void ReadPreamble()
    {
        var preamble = new byte[BackupFormat.PreambleLength];
        var read = _stream.ReadAtLeast(preamble, preamble.Length, throwOnEndOfStream: false);
        if (read < preamble.Length || !preamble.AsSpan(0, 8).SequenceEqual(BackupFormat.Magic))
        {
            throw new BackupFileException($"{_file} is no backup of Firecloud: it does not begin like one.");
        }
        var format = BinaryPrimitives.ReadUInt32LittleEndian(preamble.AsSpan(8));
        if (format == BackupFormat.Format) return;
        throw new BackupFileException($"{_file} has format {format}, this program knows format {BackupFormat.Format}. Use the program that wrote it, or a newer one.");
    }

    private (BlockKind Kind, byte[] Content) NextBlock()
    {
        var at = _stream.Position;
        var head = Read(BackupFormat.BlockHeadLength);
        var (kind, length) = ((BlockKind)head[0], BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(1)));
        if (length is < 0 or > BackupFormat.MaxBlock) throw Damaged($"The block at byte {at} has {length} bytes, at most {BackupFormat.MaxBlock} are possible.");
        if (length > _stream.Length - _stream.Position) throw EndsEarly();
        var content = Read(length);
        if (BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(5)) != BackupFormat.Sum(kind, _blocks++, content))
        {
            throw Damaged($"The sum of the block at byte {at} does not fit its content.");
        }
        return (kind, content);
    }

    private byte[] Read(int count)
    {
        var bytes = new byte[count];
        try
        {
            return _stream.ReadAtLeast(bytes, count, throwOnEndOfStream: false) == count ? bytes : throw EndsEarly();
        }
        catch (IOException e)
        {
            throw new BackupFileException($"{_file} can't be read: {e.Message}", e);
        }
    }

    private T Parse<T>(byte[] content, Reading<T> read)
    {
        try
        {
            var reader = BackupFormat.Reader(content);
            var result = read(ref reader);
            return reader.AtEnd ? result : throw new WireFormatException("Bytes are left over in a block.");
        }
        catch (WireFormatException e)
        {
            throw Damaged(e.Message, e);
        }
    }

    private BackupFileException EndsEarly() => Damaged($"It ends after {_stream.Length} bytes, before its end mark: it was cut short.");

    private BackupFileException Damaged(string what, Exception? cause = null)
    {
        var message = $"{_file} is damaged, nothing of it is used. {what}";
        return cause is null ? new BackupFileException(message) : new BackupFileException(message, cause);
    }
}
