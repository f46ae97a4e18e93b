using System.Globalization;
using Akka.Configuration;

namespace Firecloud.Actors.Node;

/// <summary>Reads HOCON values with their limits: an error names the key, the value, the limit and the remedy.</summary>
/// <param name="config">The section, defaults included.</param>
/// <param name="path">The section's own path, for messages.</param>
internal sealed class ConfigReader(Config config, string path)
{
    public string Name(string key) => $"{path}.{key}";

    public ConfigReader Section(string key) => new(config.GetConfig(key), Name(key));

    public int Int(string key, long least, long most) => (int)Checked(key, () => config.GetLong(key), least, most, "");

    public int Milliseconds(string key, long least, long most) =>
        (int)Checked(key, () => (long)config.GetTimeSpan(key, null, allowInfinite: false).TotalMilliseconds, least, most, " ms");

    public int Bytes(string key, long least, long most) =>
        (int)Checked(key, () => config.GetByteSize(key) ?? throw new FormatException("no size"), least, most, " B");

    /// <summary>A size that may be more than 2 GiB.</summary>
    public long LongBytes(string key, long least, long most) =>
        Checked(key, () => config.GetByteSize(key) ?? throw new FormatException("no size"), least, most, " B");

    public bool OnOff(string key) => Read(key, () => config.GetBoolean(key), "on or off");

    public string Text(string key) => Read(key, () => config.GetString(key), "a text");

    public IList<string> Texts(string key) => Read(key, () => config.GetStringList(key), "a list like [\"host:port\", …]");

    public IReadOnlyList<int> Ints(string key) => Read(key, () => config.GetIntList(key).ToArray(), "a list like [2, 1, 1, 1]");

    /// <summary>An error that names a key and its value.</summary>
    public ConfigurationException Wrong(string key, string value, string whatToDo) => new($"{Name(key)} = {value}: {whatToDo}");

    private long Checked(string key, Func<long> read, long least, long most, string unit)
    {
        var value = Read(key, read, $"a number from {least}{unit} to {most}{unit}");
        if (value >= least && value <= most) return value;
        throw Wrong(key, value.ToString(CultureInfo.InvariantCulture) + unit, $"out of range; {least}{unit} to {most}{unit} are allowed.");
    }

    private T Read<T>(string key, Func<T> read, string expected)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not ConfigurationException)
        {
            throw Wrong(key, config.GetString(key, "(missing)"), $"can't be read; give {expected}.");
        }
    }
}
