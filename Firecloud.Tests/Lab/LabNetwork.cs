// LabNetwork.cs - every node in a network namespace of its own, with a link to a bridge on which this process has an address too. What a
// node must not hear is dropped by iptables where it arrives, by the sender's address; clients come from the bridge's own address, so no
// fault is ever between a client and its node.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Firecloud.Tests.Processes;

namespace Firecloud.Tests.Lab;

/// <summary>The network of one run.</summary>
internal sealed class LabNetwork : IAsyncDisposable
{
    private static readonly Lazy<string?> Reason = new(() => FindReasonAsync().GetAwaiter().GetResult());

    private readonly int _members;
    private readonly string[] _rules;

    private LabNetwork(LabSlot slot, int members)
    {
        (Slot, _members) = (slot, members);
        _rules = [.. Enumerable.Repeat("", members)];
    }

    public LabSlot Slot { get; }

    /// <summary>Why this machine can't run a lab; null where it can.</summary>
    public static string? WhyNot => Reason.Value;

    /// <summary>Builds it.</summary>
    /// <exception cref="InvalidOperationException">A command failed; the message has its words.</exception>
    public static async Task<LabNetwork> CreateAsync(int members)
    {
        var network = new LabNetwork(await LabSlot.TakeAsync(), members);
        try
        {
            await network.BuildAsync();
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    public string Address(int member) => Slot.Address(member);

    /// <summary>A program within a node's namespace.</summary>
    public ProcessStartInfo Inside(int member, string program, params string[] arguments) =>
        Command.Program("ip", ["netns", "exec", Slot.Namespace(member), program, .. arguments]);

    /// <summary>Cuts and loses as the situation says.</summary>
    /// <param name="situation">By numbers of nodes.</param>
    /// <param name="places">The member that stands for each node.</param>
    public Task SetAsync(Situation situation, IReadOnlyList<int> places) => Task.WhenAll(Enumerable.Range(0, _members).Select(async to =>
    {
        var rules = Rules(situation, places, to);
        var member = places[to];
        if (rules == _rules[member]) return;
        // One call puts all rules of a node in place at one moment.
        Check(await Command.RunAsync(Inside(member, "iptables-restore", "-w", "5"), rules));
        _rules[member] = rules;
    }));

    public ValueTask DisposeAsync() => Slot.DisposeAsync();

    private static void Check(Finished finished)
    {
        if (finished.ExitCode != 0) throw new InvalidOperationException($"The network could not be built: {finished.Errors.Trim()}");
    }

    private static async Task<string?> FindReasonAsync()
    {
        if (!OperatingSystem.IsLinux()) return "Network namespaces need Linux.";
        if (!Environment.IsPrivilegedProcess) return "Network namespaces need root.";
        foreach (var (program, package) in new[] { ("ip", "iproute2"), ("iptables-restore", "iptables") })
        {
            var folders = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin".Split(':');
            if (!folders.Any(f => File.Exists(Path.Combine(f, program)))) return $"{program} is not installed (package {package}).";
        }
        try
        {
            await using var probe = await CreateAsync(2);
            await probe.SetAsync(Situation.Healthy(2).With(new Fault(FaultKind.Loss, "probe") { Arcs = [(0, 1)], Amount = 0.5 }), [0, 1]);
            return null;
        }
        catch (InvalidOperationException e)
        {
            return $"Namespaces are not allowed here: {e.Message}";
        }
    }

    private string Rules(Situation situation, IReadOnlyList<int> places, int to)
    {
        var text = new StringBuilder("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
        for (var from = 0; from < _members; from++)
        {
            var source = $"-A INPUT -s {Address(places[from])}";
            if (situation.IsCut(from, to)) text.Append(CultureInfo.InvariantCulture, $"{source} -j DROP\n");
            else if (situation.LossOf(from, to) is > 0 and var loss) text.Append(CultureInfo.InvariantCulture, $"{source} -m statistic --mode random --probability {loss:0.####} -j DROP\n");
        }
        return text.Append("COMMIT\n").ToString();
    }

    private async Task BuildAsync()
    {
        var lines = new StringBuilder($"link add {Slot.Bridge} type bridge\naddr add {Slot.OwnAddress}/24 dev {Slot.Bridge}\nlink set {Slot.Bridge} up\n");
        for (var i = 0; i < _members; i++)
        {
            Check(await Command.RunAsync(Command.Program("ip", "netns", "add", Slot.Namespace(i))));
            lines.Append(CultureInfo.InvariantCulture, $"link add {Slot.Link(i)} type veth peer name eth0 netns {Slot.Namespace(i)}\nlink set {Slot.Link(i)} master {Slot.Bridge} up\n");
        }
        Check(await Command.RunAsync(Command.Program("ip", "-batch", "-"), lines.ToString()));
        for (var i = 0; i < _members; i++)
        {
            var inner = $"addr add {Address(i)}/24 dev eth0\nlink set eth0 up\nlink set lo up\n";
            Check(await Command.RunAsync(Command.Program("ip", "-n", Slot.Namespace(i), "-batch", "-"), inner));
        }
        Directory.CreateDirectory(Slot.Folder);
    }
}

/// <summary>A test that needs network namespaces.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LabFactAttribute : Xunit.FactAttribute
{
    public LabFactAttribute() => Skip = LabNetwork.WhyNot;
}
