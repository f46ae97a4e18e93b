// FirecloudLines.cs - export and import: one JSON object per line, for people and other programs.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Firecloud.Actors.Protocol;

namespace Firecloud.Client.Backup;

/// <summary>Writes all keys as JSON lines, and puts keys from such lines.</summary>
public static class FirecloudLines
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes one line per key: {"key":…,"value":…,"version":…}, in no particular order; "keyBase64" and "valueBase64" where the bytes are
    /// not UTF-8 text. For each key what a get would have returned at some moment between the call and its end.
    /// </summary>
    /// <param name="client">A client of the cluster, with the members' secret where there is one.</param>
    /// <param name="output">Where the lines go; not closed.</param>
    /// <param name="progress">Told about ten times per second.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many keys were written.</returns>
    /// <exception cref="FirecloudException">Too few members answer.</exception>
    /// <exception cref="IOException">The output can't be written.</exception>
    public static async Task<long> ExportAsync(
        FirecloudClient client, Stream output, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var cluster = await ClusterView.AskAsync(client, cancellationToken).ConfigureAwait(false);
        var scan = new ScanReader(client, cluster, withValues: true);
        var report = new Pace(progress);
        var (records, bytes) = (0L, 0L);
        using var line = new MemoryStream();
        await foreach (var record in scan.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            line.SetLength(0);
            Write(line, record);
            await output.WriteAsync(line.GetBuffer().AsMemory(0, (int)line.Length), cancellationToken).ConfigureAwait(false);
            records++;
            bytes += record.Key.Length + record.Value.Length;
            report.Say("export", scan.Fraction, records, bytes);
        }
        await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        report.End("export", records, bytes);
        return records;
    }

    /// <summary>Puts the key of every line. Where a key is there twice, the last line counts.</summary>
    /// <param name="client">A client of the cluster.</param>
    /// <param name="input">The lines, UTF-8. Where it can seek, all of it is checked before anything is written.</param>
    /// <param name="progress">Told about ten times per second.</param>
    /// <param name="cancellationToken">Gives up; some keys may have been written.</param>
    /// <returns>How many lines were put.</returns>
    /// <exception cref="ImportLineException">A line can't be used: its number and why.</exception>
    /// <exception cref="FirecloudException">Puts were not done.</exception>
    public static async Task<long> ImportAsync(
        FirecloudClient client, Stream input, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var cluster = await ClusterView.AskAsync(client, cancellationToken).ConfigureAwait(false);
        if (input.CanSeek)
        {
            var start = input.Position;
            await foreach (var checkedOnly in RecordsAsync(input, cluster, cancellationToken).ConfigureAwait(false)) { }
            input.Position = start;
        }
        var report = new Pace(progress);
        var puts = new PutPipeline(client, cluster.Limits.Value, cancellationToken);
        await using var _ = puts.ConfigureAwait(false);
        try
        {
            await foreach (var record in RecordsAsync(input, cluster, cancellationToken).ConfigureAwait(false))
            {
                await puts.AddAsync(record).ConfigureAwait(false);
                report.Say("import", input.CanSeek ? (double)input.Position / Math.Max(1, input.Length) : 0, puts.Done, puts.Bytes);
            }
        }
        catch (ImportLineException)
        {
            await puts.CompleteAsync().ConfigureAwait(false);   // the lines before it count
            throw;
        }
        await puts.CompleteAsync().ConfigureAwait(false);
        report.End("import", puts.Done, puts.Bytes);
        return puts.Done;
    }

    internal static void Write(Stream line, BackupRecord record)
    {
        using (var json = new Utf8JsonWriter(line, Readable))
        {
            json.WriteStartObject();
            WriteBytes(json, "key", record.Key);
            WriteBytes(json, "value", record.Value);
            json.WriteString("version", record.Version.ToString());
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
    }

    /// <summary>The key and value of a line.</summary>
    /// <exception cref="ImportLineException">It can't be used.</exception>
    internal static BackupRecord Read(ReadOnlyMemory<byte> line, long number)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw new ImportLineException(number, "It is not a JSON object.");
            byte[]? key = null, value = null;
            foreach (var property in json.RootElement.EnumerateObject())
            {
                switch (property.Name)
                {
                    case "key" or "keyBase64": key = Once(key, property, number); break;
                    case "value" or "valueBase64": value = Once(value, property, number); break;
                    case "version": break;   // of another time; the put gets a new one
                    default: throw new ImportLineException(number, $"\"{property.Name}\" is not known; there are key, keyBase64, value, valueBase64 and version.");
                }
            }
            return new BackupRecord(
                key ?? throw new ImportLineException(number, "It has no key."), value ?? throw new ImportLineException(number, "It has no value."),
                Version.None, 0);
        }
        catch (JsonException e)
        {
            throw new ImportLineException(number, $"It is not JSON: {e.Message}");
        }
    }

    private static async IAsyncEnumerable<BackupRecord> RecordsAsync(
        Stream input, ClusterView cluster, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Escaped, a byte takes at most six.
        var lines = new LineReader(input, 6 * (cluster.Limits.Key + cluster.Limits.Value) + 4096);
        while (await lines.NextAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (IsBlank(line.Span)) continue;
            var record = Read(line, lines.Number);
            if (Wrong(record, cluster) is { } wrong) throw new ImportLineException(lines.Number, wrong);
            yield return record;
        }
    }

    private static string? Wrong(BackupRecord record, ClusterView cluster) => record.Key.Length == 0
        ? "The key is empty; a key has at least one byte."
        : cluster.Limits.Violation(new Key(record.Key), record.Value.Length);

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.Trim(" \t\r"u8).IsEmpty;

    private static void WriteBytes(Utf8JsonWriter json, string name, byte[] bytes)
    {
        if (Utf8.IsValid(bytes)) json.WriteString(name, bytes);
        else json.WriteBase64String(name + "Base64", bytes);
    }

    private static byte[] Once(byte[]? before, JsonProperty property, long number)
    {
        if (before is not null) throw new ImportLineException(number, $"\"{property.Name}\" is there twice.");
        if (property.Value.ValueKind != JsonValueKind.String) throw new ImportLineException(number, $"\"{property.Name}\" is not a text.");
        if (property.Name.EndsWith("Base64", StringComparison.Ordinal))
        {
            return property.Value.TryGetBytesFromBase64(out var bytes) ? bytes : throw new ImportLineException(number, $"\"{property.Name}\" is not base64.");
        }
        try
        {
            return System.Text.Encoding.UTF8.GetBytes(property.Value.GetString()!);
        }
        catch (InvalidOperationException)
        {
            throw new ImportLineException(number, $"\"{property.Name}\" is not valid text: half a surrogate pair, or not UTF-8.");
        }
    }
}

/// <summary>A line of an import can't be used.</summary>
/// <param name="line">Its number, from 1.</param>
/// <param name="why">What is wrong with it.</param>
public sealed class ImportLineException(long line, string why) : Exception($"Line {line}: {why}")
{
    /// <summary>Its number, from 1.</summary>
    public long Line { get; } = line;
}
