using System.Globalization;
using Firecloud.Client.Backup;
using Spectre.Console;

namespace Firecloud.Host.Commands;

/// <summary>Shows how far a backup has come, on the error stream: the standard output may be data.</summary>
internal static class ProgressBar
{
    /// <summary>Runs something with a bar; without one where nobody looks: a redirected error stream, or --json.</summary>
    public static async Task<T> WithAsync<T>(bool json, Func<IProgress<BackupProgress>?, Task<T>> run)
    {
        if (json || Console.IsErrorRedirected || Console.IsOutputRedirected) return await run(null);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(context => run(new Bar(context)));
    }

    private sealed class Bar(ProgressContext context) : IProgress<BackupProgress>
    {
        private (string Step, ProgressTask Task)? _now;

        public void Report(BackupProgress value)
        {
            if (_now is not { } now || now.Step != value.Step)
            {
                _now?.Task.StopTask();
                _now = now = (value.Step, context.AddTask(value.Step, maxValue: 1));
            }
            now.Task.Value = value.Fraction;
            now.Task.Description = string.Create(CultureInfo.InvariantCulture, $"{value.Step}: {value.Records:N0} keys, {value.Bytes / 1e6:N1} MB");
        }
    }
}
