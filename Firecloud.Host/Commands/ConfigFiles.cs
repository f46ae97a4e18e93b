using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace Firecloud.Host.Commands;

/// <summary>Reads HOCON files; <c>include "other.conf"</c> is taken relative to the file.</summary>
internal static class ConfigFiles
{
    private const int MaxDepth = 8;

    /// <exception cref="ConfigurationException">The file is missing or can't be read as HOCON.</exception>
    public static Config Read(string file)
    {
        try
        {
            return new Config(Parse(Path.GetFullPath(file), 0));
        }
        catch (Exception e) when (e is not (ConfigurationException or IOException or UnauthorizedAccessException))
        {
            throw new ConfigurationException($"{file} can't be read as HOCON: {e.Message} Write one 'key = value' per line.", e);
        }
    }

    private static HoconRoot Parse(string file, int depth)
    {
        if (depth > MaxDepth) throw new ConfigurationException($"{file}: files are included more than {MaxDepth} deep; do they include each other?");
        if (!File.Exists(file)) throw new ConfigurationException($"{file} does not exist; give the path of a HOCON file, for example hocon/node-0.conf.");
        var folder = Path.GetDirectoryName(file)!;
        return Parser.Parse(File.ReadAllText(file), name => Parse(Path.Combine(folder, name), depth + 1));
    }
}
