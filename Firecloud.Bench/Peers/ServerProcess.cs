using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Firecloud.Bench.Peers;

/// <summary>A measurement that can't be made; the message says what is missing and what to do.</summary>
internal sealed class BenchException(string message) : Exception(message);

/// <summary>A process of a server under test. All that run are killed by their ids when this process ends, whichever way but kill -9.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int KeptLines = 30;
    private const double TicksPerSecond = 100;   // USER_HZ, the same on all Linux machines

    private static readonly ConcurrentDictionary<ServerProcess, bool> Running = [];
    private static readonly List<PosixSignalRegistration> Signals = [];

    private readonly Process _process;
    private readonly Queue<string> _lines = [];

    private ServerProcess(ProcessStartInfo info)
    {
        _process = new Process { StartInfo = info };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        try
        {
            _process.Start();
        }
        catch (Win32Exception e)
        {
            throw new BenchException($"{info.FileName} can't be run: {e.Message}");
        }
        Running.TryAdd(this, true);
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>The last lines that it printed.</summary>
    public string LastWords
    {
        get { lock (_lines) return string.Join('\n', _lines); }
    }

    /// <summary>User and system time of all its threads so far, seconds, in steps of 10 ms.</summary>
    public double CpuSeconds
    {
        get
        {
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');   // the name before it may hold anything
            return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
        }
    }

    /// <summary>Memory of its own and shared that it has in RAM, bytes.</summary>
    public long ResidentBytes => 1024 * Number(
        File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);

    public static ServerProcess Start(string program, string folder, params string[] arguments)
    {
        lock (Signals)
        {
            if (Signals.Count == 0) WatchForTheEnd();
        }
        return new ServerProcess(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        });
    }

    /// <summary>Ports of 127.0.0.1 that are free, for TCP or UDP.</summary>
    public static int[] FreePorts(int count, ProtocolType protocol = ProtocolType.Tcp)
    {
        var type = protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram;
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, type, protocol)).ToArray();
        foreach (var socket in sockets) socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int[] ports = [.. sockets.Select(s => ((IPEndPoint)s.LocalEndPoint!).Port)];
        foreach (var socket in sockets) socket.Dispose();
        return ports;
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        Running.TryRemove(this, out _);
        _process.Dispose();
    }

    private void Kill()
    {
        try
        {
            if (!_process.HasExited) _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has just ended.
        }
    }

    // A signal ends this process by Environment.Exit, so that ProcessExit is raised, which also follows an exception.
    private static void WatchForTheEnd()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            Signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                End();
                Environment.Exit(130);
            }));
        }
    }

    private static void End()
    {
        foreach (var server in Running.Keys) server.Kill();
        foreach (var server in Running.Keys) server._process.WaitForExit(TimeSpan.FromSeconds(5));
        WorkFolder.RemoveAll();
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_lines)
        {
            if (_lines.Count == KeptLines) _lines.Dequeue();
            _lines.Enqueue(line);
        }
    }
}

/// <summary>A temporary folder for the data of servers, removed with all in it at the end.</summary>
internal sealed class WorkFolder : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> Folders = [];

    public WorkFolder() => Folders.TryAdd(Path, true);

    public string Path { get; } = Directory.CreateTempSubdirectory("firecloud-bench-").FullName;

    public string Sub(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    public static void RemoveAll()
    {
        foreach (var folder in Folders.Keys) Remove(folder);
    }

    public void Dispose() => Remove(Path);

    private static void Remove(string folder)
    {
        Folders.TryRemove(folder, out _);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
