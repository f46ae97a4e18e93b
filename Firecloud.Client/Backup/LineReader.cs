namespace Firecloud.Client.Backup;

/// <summary>Lines of a stream, each at most so long.</summary>
internal sealed class LineReader(Stream input, int longest)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _atEnd;

    /// <summary>The number of the last line, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>The next line without its end, valid until the next call; null at the end.</summary>
    /// <exception cref="ImportLineException">It is too long.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync(CancellationToken cancellationToken)
    {
        var searched = 0;
        while (true)
        {
            var found = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            var length = found >= 0 ? searched + found : _end - _start;
            if (length > longest) throw new ImportLineException(Number + 1, $"It has more than {longest} bytes; no key and value of this cluster are that long.");
            if (found >= 0 || (_atEnd && length > 0))
            {
                var line = _buffer.AsMemory(_start, length);
                _start += found >= 0 ? length + 1 : length;
                Number++;
                return line;
            }
            if (_atEnd) return null;
            searched = length;
            MakeRoom();
            var read = await input.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            _end += read;
            _atEnd = read == 0;
        }
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length) return;
        var larger = _end - _start > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, _end - _start).CopyTo(larger);
        (_buffer, _start, _end) = (larger, 0, _end - _start);
    }
}
