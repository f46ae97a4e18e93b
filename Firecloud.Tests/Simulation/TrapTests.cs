// TrapTests.cs - the simulator finds every planted bug: rare ones by directed schedules, the others by random ones. docs/testing.md has
// the table.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Simulation;

public sealed class TrapTests
{
    // Several times what was needed when this was written: a change elsewhere moves the number.
    private const ulong MostSchedules = 6000;

    public static TheoryData<string> Scripted => [.. Scripts.ByTrap.Keys];

    public static TheoryData<string> Random => [.. Trap.All.Select(t => t.Name).Where(n => !Scripts.ByTrap.ContainsKey(n))];

    [Theory, MemberData(nameof(Scripted))]
    public void Directed_schedule_is_linearizable_under_the_protocol_and_not_under_its_trap(string trap)
    {
        var sound = Scripts.Play(trap, Rules.Protocol);
        Assert.True(sound.IsOk, sound.IsOk ? "" : sound.Report());
        var trapped = Scripts.Play(trap, Trap.Named(trap).Make());
        Assert.True(trapped.Failure == FailureKind.NotLinearizable, trapped.Report());
    }

    [Theory, MemberData(nameof(Random))]
    public void Random_schedules_find_the_trap(string name)
    {
        var trap = Trap.Named(name);
        for (var seed = 0ul; seed < MostSchedules; seed++)
        {
            if (trap.RunFocused(seed).ShowsTrap) return;
        }
        Assert.Fail($"The trap {name} was not noticed within {MostSchedules} schedules.");
    }

    [Fact]
    public void Every_script_belongs_to_a_trap() => Assert.All(Scripts.ByTrap.Keys, name => Trap.Named(name));
}
