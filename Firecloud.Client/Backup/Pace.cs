using System.Diagnostics;

namespace Firecloud.Client.Backup;

/// <summary>Passes progress on, about ten times per second.</summary>
internal sealed class Pace(IProgress<BackupProgress>? progress)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _nextMs;

    public void Say(string step, double fraction, long records, long bytes)
    {
        if (progress is null || _clock.ElapsedMilliseconds < _nextMs) return;
        _nextMs = _clock.ElapsedMilliseconds + 100;
        progress.Report(new BackupProgress(step, fraction, records, bytes));
    }

    public void End(string step, long records, long bytes) => progress?.Report(new BackupProgress(step, 1, records, bytes));
}
