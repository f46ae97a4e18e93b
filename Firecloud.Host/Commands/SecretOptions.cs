using System.CommandLine;
using Akka.Configuration;
using Firecloud.Actors.Transport;
using Firecloud.Client;

namespace Firecloud.Host.Commands;

/// <summary>--secret-file and --allow-insecure, of the node and of every client command; and the command client-secret.</summary>
internal static class SecretOptions
{
    private const string Section = "akka.remote.firecloud-udp";

    private static readonly Option<string?> File = new("--secret-file")
    {
        Description = "A file with the secret, one per line, newest first. Default: FIRECLOUD_SECRET_FILE, else none.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> AllowInsecure = new("--allow-insecure")
    {
        Description = "Go on without a secret though other machines are involved: only in a network that keeps strangers away.",
    };

    public static void AddTo(Command command)
    {
        command.Options.Add(File);
        command.Options.Add(AllowInsecure);
    }

    public static FirecloudClientOptions For(ParseResult parsed, FirecloudClientOptions options) => options with
    {
        Secret = FileOf(parsed) is { } file ? $"file:{file}" : null,
        AllowInsecure = parsed.GetValue(AllowInsecure),
    };

    /// <summary>Adds the options to a node's settings. The environment only counts where the settings name no secret.</summary>
    public static Config AddTo(Config user, ParseResult parsed)
    {
        if (parsed.GetValue(AllowInsecure)) user = ConfigurationFactory.ParseString($"{Section}.allow-insecure = on").WithFallback(user);
        var named = user.HasPath($"{Section}.secrets") && user.GetStringList($"{Section}.secrets").Count > 0;
        return (named ? parsed.GetValue(File) : FileOf(parsed)) is { } file
            ? ConfigurationFactory.ParseString($"{Section}.secrets = [{FirecloudClient.Quoted($"file:{file}")}]").WithFallback(user)
            : user;
    }

    /// <summary>client-secret: prints what to give to clients.</summary>
    public static Command ClientSecret()
    {
        var command = new Command(
            "client-secret",
            "Print the secret for clients that belongs to the members' secret: it opens nothing but the clients' requests.");
        command.Options.Add(File);
        command.SetAction(parsed =>
        {
            try
            {
                var file = FileOf(parsed) ?? throw new ConfigurationException("Name the members' secret: --secret-file FILE.");
                Console.WriteLine(Secrets.ForClients($"file:{file}"));
                return ExitCodes.Done;
            }
            catch (ConfigurationException e)
            {
                Console.Error.WriteLine($"firecloud: {e.Message}");
                return ExitCodes.BadInput;
            }
        });
        return command;
    }

    private static string? FileOf(ParseResult parsed) => parsed.GetValue(File)
        ?? (Environment.GetEnvironmentVariable("FIRECLOUD_SECRET_FILE") is { Length: > 0 } file ? file : null);
}
