namespace Firecloud.Actors.Transport;

/// <summary>Share of packets lost lately: an exponentially weighted mean over some 128 packets. Pure.</summary>
internal sealed class LossRate
{
    private const int Window = 128;
    private const int One = 1 << 20;

    private int _rate;  // in parts of One

    /// <summary>Percent, 0 to 100.</summary>
    public double Percent => 100.0 * _rate / One;

    public void OnAcked() => _rate -= _rate / Window;

    public void OnLost() => _rate += (One - _rate) / Window;

    /// <summary>Packets that were told as lost had arrived.</summary>
    public void OnSpurious(int packets) => _rate = Math.Max(0, _rate - (packets * (One / Window)));
}
