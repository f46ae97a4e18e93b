namespace Firecloud.Bench.Load;

/// <summary>What begins calls.</summary>
internal interface ICallers
{
    void Start();

    /// <summary>Begins no more calls, and ends when all have ended.</summary>
    Task StopAsync();
}
