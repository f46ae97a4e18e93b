using Firecloud.Tests.Lab;
using Firecloud.Tests.Simulation;

namespace Firecloud.Tests;

/// <summary>What scripts/lab.sh and scripts/sim.sh run. Test runners don't use it.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args) => args is ["lab", .. var rest]
        ? LabProgram.RunAsync(rest)
        : Task.FromResult(SimulationProgram.Run(args));
}
