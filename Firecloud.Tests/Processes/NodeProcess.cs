using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Firecloud.Tests.Processes;

/// <summary>One node as a process of its own.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _log = new();

    private NodeProcess(ProcessStartInfo info)
    {
        _process = new Process { StartInfo = info };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool IsRunning => !_process.HasExited;

    /// <summary>What it printed so far.</summary>
    public string Log
    {
        get { lock (_log) return _log.ToString(); }
    }

    public static NodeProcess Start(params string[] arguments) => Start(Command.Host(arguments));

    /// <summary>With an environment of its own.</summary>
    public static NodeProcess Start(ProcessStartInfo info) => new(info);

    /// <summary>As kill -9.</summary>
    public async Task KillAsync()
    {
        if (IsRunning) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM.</summary>
    /// <returns>A task with the exit code, and the time it took to end.</returns>
    public async Task<(int ExitCode, TimeSpan Took)> TerminateAsync()
    {
        var clock = Stopwatch.StartNew();
        await Command.RunAsync(Command.Program("kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)));
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await _process.WaitForExitAsync(late.Token);
        return (_process.ExitCode, clock.Elapsed);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Note(string? line)
    {
        lock (_log) _log.AppendLine(line);
    }
}
