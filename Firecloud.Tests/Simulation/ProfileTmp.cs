using System.Diagnostics;
using Xunit;
namespace Firecloud.Tests.Simulation;
public sealed class ProfileTmp
{
    [Fact]
    public void Profile()
    {
        for (ulong s = 0; s < 2000; s++) new Simulation(s).Run();
        long events = 0, sent = 0, ops = 0; long alloc0 = GC.GetAllocatedBytesForCurrentThread();
        var cpu0 = Process.GetCurrentProcess().TotalProcessorTime;
        var w = Stopwatch.StartNew(); const int n = 5000; var kinds = new long[20];
        for (ulong s = 0; s < n; s++) { var sim = new Simulation(s); sim.Run(); events += sim.Events; sent += sim.Network.Sent; ops += sim.Workload.Asked.Count; for (int i = 0; i < 16; i++) kinds[i] += sim.KindCounts[i]; }
        var run = w.Elapsed; var a1 = GC.GetAllocatedBytesForCurrentThread();
        Console.WriteLine($"{n / run.TotalSeconds:f0}/s wall, cpu {(Process.GetCurrentProcess().TotalProcessorTime - cpu0).TotalMilliseconds * 1000 / n:f0} us/run; events {events / n} sent {sent / n} ops {ops / n}; alloc {(a1 - alloc0) / n} B/run; gc {GC.CollectionCount(0)} server={System.Runtime.GCSettings.IsServerGC}");
        Console.WriteLine(string.Join(" ", kinds.Select((k, i) => $"{(EventKind)i}={k / n}")));
        w.Restart();
        for (ulong s = 0; s < n; s++) _ = new Simulation(s);
        Console.WriteLine($"construct only {w.Elapsed.TotalMilliseconds * 1000 / n:f0} us");
        var sims = Enumerable.Range(0, 500).Select(s => { var x = new Simulation((ulong)s); x.Run(); return SimHistory.Of(x.Workload.Asked); }).ToList();
        w.Restart();
        for (int k = 0; k < 10; k++) foreach (var h in sims) Checker.LinearizabilityChecker.Check(h, new Checker.CheckerOptions { Shrink = false });
        Console.WriteLine($"check {w.Elapsed.TotalMilliseconds * 1000 / 5000:f0} us");
    }
}
