namespace Firecloud.Host;

/// <summary>What the process returns; docs/operations.md lists them for people.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>Done, and the answer is no: the key is absent, the comparison did not hold.</summary>
    public const int No = 1;

    /// <summary>The command line or the configuration is wrong; nothing was started or sent.</summary>
    public const int BadInput = 2;

    /// <summary>Refused: certainly not done.</summary>
    public const int Refused = 3;

    /// <summary>Unknown: it may have been done.</summary>
    public const int Unknown = 4;

    /// <summary>The node can't start, for example because its port is in use.</summary>
    public const int CannotStart = 5;
}
