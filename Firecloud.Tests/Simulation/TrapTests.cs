// TrapTests.cs - the simulator finds every planted bug, and the directed schedules tell each from the protocol.
using Firecloud.Actors.Protocol;
using Xunit;

namespace Firecloud.Tests.Simulation;

public sealed class TrapTests
{
    public static TheoryData<string> Scripted => [.. Scripts.ByTrap.Keys];

    [Theory, MemberData(nameof(Scripted))]
    public void Directed_schedule_is_linearizable_under_the_protocol_and_not_under_its_trap(string trap)
    {
        var sound = Scripts.Play(trap, Rules.Protocol);
        Assert.True(sound.IsOk, sound.IsOk ? "" : sound.Report());
        var trapped = Scripts.Play(trap, Trap.Named(trap).Make());
        Assert.True(trapped.Failure == FailureKind.NotLinearizable, trapped.Report());
    }
}
