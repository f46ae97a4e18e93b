// TransportBench.cs - messages between two ActorSystems: our UDP transport, the same with one system call for each datagram, Akka's
// own TCP transport (DotNetty), and plain datagrams without any of it as the limit. In the manner of Akka's RemotePingPong: many
// pairs of actors, each with some messages under way; a message counts once in each direction. All runs take turns, another one
// first in each round, as the first pays for compiling; the round before does not count. The median of each is shown.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Firecloud.Bench.Transport;

/// <summary>One way to carry messages there and back.</summary>
internal interface IPingPong : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Messages that have arrived so far, both directions.</summary>
    long Messages { get; }
}

/// <summary>What all runs have in common.</summary>
/// <param name="Pairs">Pairs of actors.</param>
/// <param name="Depth">Messages of a pair under way.</param>
/// <param name="Datagram">Largest datagram of ours, bytes.</param>
internal readonly record struct Load(int Pairs, int Depth, int Datagram);

/// <summary>What one run showed.</summary>
/// <param name="PerSecond">Messages per second, both directions.</param>
/// <param name="CpuMicros">CPU time of the process per message, microseconds.</param>
internal readonly record struct Measured(double PerSecond, double CpuMicros);

internal static class TransportBench
{
    private static readonly int[] Sizes = [64, 1024, 16 * 1024];
    private static readonly string[] Order = [ActorPingPong.Udp, ActorPingPong.UdpSingly, ActorPingPong.DotNetty];

    public static Command Command()
    {
        var seconds = new Option<double>("--seconds") { Description = "Time of each run, 0.2 to 60.", DefaultValueFactory = _ => 2 };
        var rounds = new Option<int>("--rounds") { Description = "Runs of each, 1 to 99.", DefaultValueFactory = _ => 3 };
        var pairs = new Option<int>("--pairs") { Description = "Pairs of actors, 1 to 1000.", DefaultValueFactory = _ => 16 };
        var depth = new Option<int>("--depth") { Description = "Messages of each pair under way, 1 to 10000.", DefaultValueFactory = _ => 32 };
        var datagram = new Option<int>("--datagram") { Description = "Largest datagram of ours, 1200 to 65507 bytes (1472: Ethernet).", DefaultValueFactory = _ => 16 * 1024 };
        seconds.Validators.Add(r => Check(r.GetValueOrDefault<double>(), 0.2, 60, "--seconds", r.AddError));
        rounds.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1, 99, "--rounds", r.AddError));
        pairs.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1, 1000, "--pairs", r.AddError));
        depth.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1, 10_000, "--depth", r.AddError));
        datagram.Validators.Add(r => Check(r.GetValueOrDefault<int>(), 1_200, 65_507, "--datagram", r.AddError));
        var command = new Command("transport", "Ping-pong: the UDP transport, DotNetty TCP, and plain datagrams.") { seconds, rounds, pairs, depth, datagram };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(seconds), parsed.GetValue(rounds),
            new Load(parsed.GetValue(pairs), parsed.GetValue(depth), parsed.GetValue(datagram))));
        return command;
    }

    private static void Check(double value, double least, double most, string name, Action<string> add)
    {
        if (!(value >= least && value <= most)) add(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; {least} to {most} are allowed."));
    }

    private static async Task<int> RunAsync(double seconds, int rounds, Load load)
    {
        Say($"{Environment.ProcessorCount} cores, {load.Pairs} pairs with {load.Depth} messages each under way; {rounds} runs of {seconds} s each, medians");
        Say($"{"bytes",6} {"",-10} {"messages/s",11} {"CPU us/msg",11} {"x DotNetty",11} {"CPU",6}");
        foreach (var size in Sizes)
        {
            var results = new Dictionary<string, List<Measured>>();
            Func<Task<IPingPong>>[] starts =
            [
                () => ActorPingPong.StartAsync(ActorPingPong.Udp, size, load),
                () => ActorPingPong.StartAsync(ActorPingPong.UdpSingly, size, load),
                () => ActorPingPong.StartAsync(ActorPingPong.DotNetty, size, load),
                () => Task.FromResult<IPingPong>(new RawPingPong(size, load)),
            ];
            for (var round = 0; round <= rounds; round++)
            {
                for (var i = 0; i < starts.Length; i++)
                {
                    await using var pingPong = await starts[(round + i) % starts.Length]();
                    var measured = await MeasureAsync(pingPong, TimeSpan.FromSeconds(seconds));
                    if (round == 0) continue;
                    if (!results.TryGetValue(pingPong.Name, out var list)) results.Add(pingPong.Name, list = []);
                    list.Add(measured);
                }
            }
            Print(size, results);
        }
        return 0;
    }

    private static async Task<Measured> MeasureAsync(IPingPong pingPong, TimeSpan time)
    {
        await Task.Delay(time);   // to warm up
        var process = Process.GetCurrentProcess();
        var (messages, cpu, clock) = (pingPong.Messages, process.TotalProcessorTime, Stopwatch.StartNew());
        await Task.Delay(time);
        var count = pingPong.Messages - messages;
        process.Refresh();
        return new Measured(count / clock.Elapsed.TotalSeconds, (process.TotalProcessorTime - cpu).TotalMicroseconds / Math.Max(1, count));
    }

    private static void Print(int size, Dictionary<string, List<Measured>> results)
    {
        var tcp = Median(results[ActorPingPong.DotNetty]);
        foreach (var (name, list) in results.OrderBy(r => Array.IndexOf(Order, r.Key)))
        {
            var median = Median(list);
            Say($"{size,6} {name,-10} {median.PerSecond,11:n0} {median.CpuMicros,11:f2} {median.PerSecond / tcp.PerSecond,11:f2} {median.CpuMicros / tcp.CpuMicros,6:f2}");
        }
    }

    private static Measured Median(List<Measured> list) => new(
        list.Select(m => m.PerSecond).Order().ElementAt(list.Count / 2), list.Select(m => m.CpuMicros).Order().ElementAt(list.Count / 2));

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
