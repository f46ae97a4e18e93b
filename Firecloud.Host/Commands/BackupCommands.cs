using System.CommandLine;
using System.Globalization;
using Firecloud.Client;
using Firecloud.Client.Backup;

namespace Firecloud.Host.Commands;

/// <summary>backup, restore, export, import: all keys of a running cluster.</summary>
internal static class BackupCommands
{
    private const string Standard = "-";   // the standard output or input

    public static IEnumerable<Command> All(Option<string[]> nodes, Option<bool> json) =>
        [Backup(nodes, json), Restore(nodes, json), Export(nodes, json), Import(nodes, json)];

    private static Command Backup(Option<string[]> nodes, Option<bool> json)
    {
        var target = new Argument<string>("FOLDER|FILE") { Description = "A folder that exists: the file gets a name by cluster and time. Or a file that does not." };
        var command = Base("backup", "Save all keys of the running cluster to a file.", nodes, json, target);
        command.SetAction((parsed, stop) => RunAsync(parsed, nodes, json, isWriting: false, async (client, progress) =>
        {
            var summary = await FirecloudBackup.BackupAsync(client, parsed.GetValue(target)!, progress, stop);
            return () => Answered(parsed.GetValue(json), $"{summary.Records} keys, {summary.Bytes} bytes, saved to {summary.File}", summary);
        }));
        return command;
    }

    private static Command Restore(Option<string[]> nodes, Option<bool> json)
    {
        var file = new Argument<string>("FILE") { Description = "A backup." };
        var force = new Option<bool>("--force") { Description = "Also into a cluster that holds keys: those of the same name are overwritten, others stay." };
        var command = Base("restore", "Write all keys of a backup to an empty running cluster. The file is checked before anything is written.", nodes, json, file);
        command.Options.Add(force);
        command.SetAction((parsed, stop) => RunAsync(parsed, nodes, json, isWriting: true, async (client, progress) =>
        {
            var summary = await FirecloudBackup.RestoreAsync(client, parsed.GetValue(file)!, parsed.GetValue(force), progress, stop);
            return () => Answered(parsed.GetValue(json), $"{summary.Records} keys, {summary.Bytes} bytes, restored from {summary.File}", summary);
        }));
        return command;
    }

    private static Command Export(Option<string[]> nodes, Option<bool> json)
    {
        var file = new Argument<string>("FILE") { Description = "Where the lines go; - is the standard output." };
        var command = Base("export", "Write all keys as JSON lines.", nodes, json, file);
        command.SetAction((parsed, stop) => RunAsync(parsed, nodes, json, isWriting: false, async (client, progress) =>
        {
            var name = parsed.GetValue(file)!;
            var keys = await ExportAsync(client, name, progress, stop);
            // The standard output has the lines and nothing else.
            return () => name == Standard ? ExitCodes.Done : Printer.Answered(parsed.GetValue(json), ExitCodes.Done, $"{keys} keys exported to {name}", ("keys", keys));
        }));
        return command;
    }

    private static async Task<long> ExportAsync(FirecloudClient client, string name, IProgress<BackupProgress>? progress, CancellationToken stop)
    {
        if (name == Standard) return await FirecloudLines.ExportAsync(client, Console.OpenStandardOutput(), progress, stop);
        await using var output = Opened(name, FileMode.CreateNew, FileAccess.Write);
        try
        {
            return await FirecloudLines.ExportAsync(client, output, progress, stop);
        }
        catch
        {
            File.Delete(name);   // half of the keys look like all of them
            throw;
        }
    }

    private static Command Import(Option<string[]> nodes, Option<bool> json)
    {
        var file = new Argument<string>("FILE") { Description = "JSON lines, as export writes them; - is the standard input." };
        var command = Base("import", "Put the key of every line. A file is checked before anything is written.", nodes, json, file);
        command.SetAction((parsed, stop) => RunAsync(parsed, nodes, json, isWriting: true, async (client, progress) =>
        {
            var name = parsed.GetValue(file)!;
            await using var input = name == Standard ? Console.OpenStandardInput() : Opened(name, FileMode.Open, FileAccess.Read);
            try
            {
                var keys = await FirecloudLines.ImportAsync(client, input, progress, stop);
                return () => Printer.Answered(parsed.GetValue(json), ExitCodes.Done, $"{keys} lines imported", ("lines", keys));
            }
            catch (ImportLineException e)
            {
                var (before, code) = input.CanSeek ? ("Nothing was written.", ExitCodes.BadInput) : ("The lines before it were written.", ExitCodes.Unknown);
                return () => Printer.Failure("refused", $"{name}: {e.Message} {before}", parsed.GetValue(json), code);
            }
        }));
        return command;
    }

    private static Command Base(string name, string description, Option<string[]> nodes, Option<bool> json, Argument argument)
    {
        var command = new Command(name, description);
        command.Arguments.Add(argument);
        command.Options.Add(nodes);
        command.Options.Add(json);
        SecretOptions.AddTo(command);
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult parsed, Option<string[]> nodes, Option<bool> json, bool isWriting,
        Func<FirecloudClient, IProgress<BackupProgress>?, Task<Func<int>>> run)
    {
        int Failure(string status, string message, int code) => Printer.Failure(status, message, parsed.GetValue(json), code);
        try
        {
            await using var client = await FirecloudClient.ConnectAsync(parsed.GetValue(nodes)!, SecretOptions.For(parsed, new FirecloudClientOptions()));
            var print = await ProgressBar.WithAsync(parsed.GetValue(json), progress => run(client, progress));
            return print();
        }
        catch (BackupFileException e)
        {
            return Failure("refused", e.Message, ExitCodes.BadInput);
        }
        catch (IOException e)
        {
            return Failure("refused", $"The file can't be written or read: {e.Message}", ExitCodes.BadInput);
        }
        catch (FirecloudException e)
        {
            return e.MayHaveHappened ? Failure("unknown", $"{e.Message} Some keys were written.", ExitCodes.Unknown) : Failure("refused", e.Message, ExitCodes.Refused);
        }
        catch (OperationCanceledException)
        {
            return isWriting ? Failure("unknown", "It was cancelled; some keys may have been written.", ExitCodes.Unknown)
                : Failure("refused", "It was cancelled.", ExitCodes.Refused);
        }
    }

    private static FileStream Opened(string file, FileMode mode, FileAccess access)
    {
        try
        {
            return new FileStream(file, mode, access);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupFileException($"{file} can't be opened: {e.Message}", e);
        }
    }

    private static int Answered(bool json, string text, BackupSummary summary) => Printer.Answered(
        json, ExitCodes.Done, text,
        ("file", summary.File), ("cluster", summary.Header.ClusterId.ToString("x16", CultureInfo.InvariantCulture)),
        ("begun", Time(summary.Header.Begun)), ("ended", Time(summary.Ended)), ("keys", summary.Records), ("bytes", summary.Bytes));

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
