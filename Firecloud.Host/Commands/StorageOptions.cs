using System.CommandLine;
using Akka.Configuration;
using Firecloud.Client;

namespace Firecloud.Host.Commands;

/// <summary>Where a node keeps its records, on the command line: stronger than its configuration file.</summary>
internal static class StorageOptions
{
    private static readonly Option<string?> Data = new("--data")
    {
        Description = "The folder for this node's records; made where it does not exist (firecloud.storage.folder).",
        HelpName = "FOLDER",
    };

    private static readonly Option<bool> Memory = new("--memory")
    {
        Description = "Keep records in memory only: a restart forgets them (firecloud.storage.kind = memory).",
    };

    public static void AddTo(RootCommand root)
    {
        root.Options.Add(Data);
        root.Options.Add(Memory);
    }

    /// <summary>The configuration with what the command line says of the storage.</summary>
    /// <exception cref="ConfigurationException">Both were given.</exception>
    public static Config AddTo(Config config, ParseResult parsed)
    {
        var (folder, memory) = (parsed.GetValue(Data), parsed.GetValue(Memory));
        if (folder is not null && memory) throw new ConfigurationException("--data and --memory exclude each other; give one.");
        if (memory) config = ConfigurationFactory.ParseString("firecloud.storage.kind = memory").WithFallback(config);
        if (folder is null) return config;
        return ConfigurationFactory.ParseString($"firecloud.storage {{\nkind = disk\nfolder = {FirecloudClient.Quoted(folder)}\n}}").WithFallback(config);
    }
}
