using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace Firecloud.Actors.Node;

/// <summary>Finds settings that nothing reads: a typing error must not silently leave a default in force.</summary>
internal static class UnknownKeys
{
    /// <summary>Checks a section of a user's configuration against the reference.</summary>
    /// <param name="user">What the user wrote, without defaults.</param>
    /// <param name="reference">Every known key.</param>
    /// <param name="section">The section, for example firecloud.</param>
    /// <exception cref="ConfigurationException">A key is unknown; the message names the nearest known one.</exception>
    public static void Refuse(Config user, Config reference, string section)
    {
        var known = Paths(reference, section).ToHashSet();
        foreach (var path in Paths(user, section))
        {
            if (known.Contains(path)) continue;
            var nearest = known.MinBy(k => Distance(k, path));
            throw new ConfigurationException($"{path} is not a setting of Firecloud. The nearest one is {nearest}; see reference.conf for all.");
        }
    }

    /// <summary>All paths under a section that end in a value or a list.</summary>
    public static IEnumerable<string> Paths(Config config, string section) =>
        config.HasPath(section) && config.GetConfig(section) is { IsEmpty: false } part
            ? Walk(part.Root, section)
            : [];

    private static IEnumerable<string> Walk(HoconValue value, string path)
    {
        if (!value.IsObject()) return [path];
        return value.GetObject().Items.SelectMany(each => Walk(each.Value, $"{path}.{each.Key}"));
    }

    // Levenshtein 1966, two rows.
    private static int Distance(string left, string right)
    {
        var above = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var row = new int[right.Length + 1];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var change = above[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(above[j], row[j - 1]) + 1);
            }
            above = row;
        }
        return above[^1];
    }
}
