namespace Firecloud.Client;

/// <summary>How a client behaves. Immutable.</summary>
public sealed record FirecloudClientOptions
{
    /// <summary>Time for one operation whose call names none. Default 5 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 10 ms or above 10 minutes.</exception>
    public TimeSpan OperationTimeout
    {
        get;
        init => field = Checked(value, nameof(OperationTimeout));
    } = TimeSpan.FromSeconds(5);

    /// <summary>Time for the first node to answer. Default 5 s.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 10 ms or above 10 minutes.</exception>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = Checked(value, nameof(ConnectTimeout));
    } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// While this long has not passed since an operation was last done, operations wait for the return of a quorum; then they are
    /// refused at once. Default 1 s. 0 is allowed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 0 or above 10 minutes.</exception>
    public TimeSpan QuorumGrace
    {
        get;
        init => field = value == TimeSpan.Zero ? value : Checked(value, nameof(QuorumGrace));
    } = TimeSpan.FromSeconds(1);

    /// <summary>Name of the nodes' ActorSystem. Default firecloud.</summary>
    public string NodeSystemName { get; init; } = "firecloud";

    /// <summary>The secret to prove to the nodes: the clients' one, or the members' for operators' orders. The text itself, or
    /// "file:PATH". Default none: then the nodes must have none either. Only for clients with an ActorSystem of their own; an
    /// application's has it in its configuration, akka.remote.firecloud-udp.secrets.</summary>
    public string? Secret { get; init; }

    /// <summary>Go to nodes on other machines without a secret. Default false.</summary>
    public bool AllowInsecure { get; init; }

    /// <summary>Everything but the secret.</summary>
    public override string ToString() =>
        $"OperationTimeout = {OperationTimeout}, ConnectTimeout = {ConnectTimeout}, NodeSystemName = {NodeSystemName}, "
        + $"Secret = {(Secret is null ? "none" : "set")}, AllowInsecure = {AllowInsecure}";

    internal static TimeSpan Checked(TimeSpan value, string name) =>
        value >= TimeSpan.FromMilliseconds(10) && value <= TimeSpan.FromMinutes(10)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, "10 ms to 10 minutes are allowed, for example 5 s.");
}
