using System.Text.Json.Serialization;

namespace Firecloud.Tests.Lab;

/// <summary>What was recorded, for the drawing.</summary>
internal sealed record Timeline(IReadOnlyList<Change> Changes, IReadOnlyList<Sample> Samples, Expectations Expectations, long EndUs);

/// <summary>What a scenario came to.</summary>
internal sealed record ScenarioResult
{
    /// <summary>An answer "no" may take so long, ms.</summary>
    public const double SlowNoMs = 1000;

    public required string Scenario { get; init; }

    public required string About { get; init; }

    /// <summary>firecloud or etcd.</summary>
    public required string Store { get; init; }

    public required int Members { get; init; }

    public required int Seed { get; init; }

    public required int TargetMs { get; init; }

    public required int BackTargetMs { get; init; }

    /// <summary>Nodes whose clients had to be served all the time.</summary>
    public required string AlwaysServed { get; init; }

    public required IReadOnlyList<ClientResult> Clients { get; init; }

    /// <summary>Operations in the history, those of the warming up included.</summary>
    public required int Operations { get; init; }

    /// <summary>Ok, Violation or Undecided.</summary>
    public required string Checked { get; init; }

    public string? CheckedText { get; init; }

    /// <summary>Longest that a timer of the lab's own process came late, ms.</summary>
    public required double StallMs { get; init; }

    /// <summary>Longest that the disk took to sync 4 KiB of the lab's own, ms; null where it was not measured.</summary>
    public double? SlowestSyncMs { get; init; }

    /// <summary>Longest that a node that was started took until its client was served; ms, null where none was started.</summary>
    public double? StartMs { get; init; }

    /// <summary>What else went wrong, in words.</summary>
    public required IReadOnlyList<string> Troubles { get; init; }

    [JsonIgnore]
    public Timeline? Timeline { get; init; }

    [JsonIgnore]
    public string Name => $"{Store} {Members}";

    /// <summary>A wrong history, or a node that did not come back: what no target excuses.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Failures => [.. Checked == "Ok" ? Troubles : [.. Troubles, $"not linearizable ({Checked}): {CheckedText}"]];

    /// <summary>What was aimed at and not reached.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Missed
    {
        get
        {
            var missed = new List<string>();
            foreach (var client in Clients)
            {
                Miss(client, "went without a success for", client.FaultMs, TargetMs);
                Miss(client, "after the healing went without a success for", client.HealedMs, TargetMs);
                Miss(client, "was served again only after", client.BackMs, BackTargetMs);
                Miss(client, "waited for a no for", client.SlowestNoMs, SlowNoMs);
                if (client.Unexpected.Count > 0) missed.Add($"client {client.Client} saw errors that should not be: {ClientResult.Line(client.Unexpected)}");
            }
            return missed;

            void Miss(ClientResult client, string what, double? ms, double target)
            {
                if (ms >= target) missed.Add(FormattableString.Invariant($"client {client.Client} {what} {ms:0} ms (target {target:0})"));
            }
        }
    }

    /// <summary>The longest of all clients, and whose it was.</summary>
    public (double Ms, string Client)? Worst(Func<ClientResult, double?> of) => Clients.Where(c => of(c) is not null)
        .OrderByDescending(c => of(c)).Select(c => (of(c)!.Value, c.Client)).Cast<(double, string)?>().FirstOrDefault();

    /// <summary>Errors of all clients, by what was said.</summary>
    public IReadOnlyDictionary<string, int> Sum(Func<ClientResult, IReadOnlyDictionary<string, int>> of) =>
        Clients.SelectMany(c => of(c)).GroupBy(e => e.Key).ToDictionary(g => g.Key, g => g.Sum(e => e.Value));
}
