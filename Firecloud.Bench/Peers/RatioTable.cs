using System.Globalization;
using Firecloud.Bench.Load;
using Firecloud.Bench.Report;

namespace Firecloud.Bench.Peers;

/// <summary>Ours against another's.</summary>
internal sealed record Pairing(string Title, Contender Ours, Contender Theirs);

/// <summary>The tables of a comparison.</summary>
internal static class RatioTable
{
    public static readonly Pairing[] Pairings =
    [
        new("library : etcd", Contender.DiskLibrary, Contender.Etcd),
        new("RESP : etcd", Contender.DiskResp, Contender.Etcd),
        new("RESP : Redis synced, WAIT 2", Contender.DiskResp, Contender.RedisSynced),
        new("in memory, RESP : Redis asynchronous", Contender.MemoryResp, Contender.RedisAsync),
    ];

    /// <summary>One figure of ours to the other's in every event, for those of which both were measured.</summary>
    public static Table Of(IReadOnlyList<Result> results, Func<Measured, double> figure)
    {
        Pairing[] shown = [.. Pairings.Where(p => results.Any(r => r.Contender == p.Ours) && results.Any(r => r.Contender == p.Theirs))];
        var table = new Table(["", .. shown.Select(p => p.Title)]);
        foreach (var workload in Workloads(results)) table.Add([Name(workload), .. shown.Select(p => Cell(results, workload, p, figure))]);
        return table;
    }

    /// <summary>A figure of every contender in every event.</summary>
    public static Table Absolute(IReadOnlyList<Result> results, Func<Measured, string> shown)
    {
        Contender[] contenders = [.. Contender.All.Where(c => results.Any(r => r.Contender == c))];
        var table = new Table(["", .. contenders.Select(c => c.Title)]);
        foreach (var workload in Workloads(results))
        {
            table.Add([Name(workload), .. contenders.Select(c => Find(results, workload, c) is { } result ? shown(result.Measured) : "")]);
        }
        return table;
    }

    /// <summary>What a load is, in words.</summary>
    public static string Name(Workload w)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{w.Mix}, {w.Clients} client{(w.Clients > 1 ? "s" : "")}");
        if (w.Depth > 1) name += string.Create(CultureInfo.InvariantCulture, $", pipelined by {w.Depth}");
        if (w.Bytes != new Workload().Bytes) name += string.Create(CultureInfo.InvariantCulture, $", {w.Bytes:n0} B");
        if (w.Skew > 0) name += string.Create(CultureInfo.InvariantCulture, $", Zipf {w.Skew}");
        if (w.Rate > 0) name += string.Create(CultureInfo.InvariantCulture, $", {w.Rate:n0}/s begun");
        return name;
    }

    private static IEnumerable<Workload> Workloads(IEnumerable<Result> results) => results.Select(r => r.Workload).Distinct();

    private static string Cell(IReadOnlyList<Result> results, Workload workload, Pairing pairing, Func<Measured, double> figure)
    {
        if (Find(results, workload, pairing.Ours) is not { } ours || Find(results, workload, pairing.Theirs) is not { } theirs) return "";
        var (above, below) = (figure(ours.Measured), figure(theirs.Measured));
        return below > 0 ? (above / below).ToString("f2", CultureInfo.InvariantCulture) : "";
    }

    private static Result? Find(IEnumerable<Result> results, Workload workload, Contender contender) =>
        results.FirstOrDefault(r => r.Workload == workload && r.Contender == contender);
}
