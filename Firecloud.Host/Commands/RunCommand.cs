using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Configuration;
using Firecloud.Actors.Node;
using Firecloud.Actors.Storage;
using Firecloud.Host.Kv739;
using Firecloud.Host.Resp;

namespace Firecloud.Host.Commands;

/// <summary>Runs one node until SIGTERM or SIGINT.</summary>
internal static class RunCommand
{
    private static readonly Option<string?> ConfigFile = new("--config")
    {
        Description = "A HOCON file, for example hocon/node-0.conf.",
        HelpName = "FILE",
    };

    private static readonly Argument<string[]> Original = new("INDEX host:port …")
    {
        Description = "The original's form: which of the addresses is this node's, from 0, and all addresses. "
            + "The lowest address (host as text, then port as a number) is the master.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static void AddTo(RootCommand root)
    {
        root.Options.Add(ConfigFile);
        SecretOptions.AddTo(root);
        StorageOptions.AddTo(root);
        root.Arguments.Add(Original);
        root.SetAction((parsed, stop) => RunAsync(parsed, parsed.GetValue(ConfigFile), parsed.GetValue(Original) ?? []));
    }

    private static async Task<int> RunAsync(ParseResult parsed, string? file, string[] original)
    {
        Config system;
        try
        {
            if (file is null == (original.Length == 0))
            {
                throw new ConfigurationException("Say how to run: --config FILE, or INDEX and the addresses of all members. See --help.");
            }
            var user = file is not null ? ConfigFiles.Read(file) : OriginalForm.Read(original);
            system = FirecloudNode.SystemConfig(StorageOptions.AddTo(SecretOptions.AddTo(user, parsed), parsed));
        }
        catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"firecloud: {e.Message}");
            return ExitCodes.BadInput;
        }
        return await RunAsync(system);
    }

    private static async Task<int> RunAsync(Config config)
    {
        var settings = NodeSettings.From(config);
        ActorSystem? actors = null;
        FirecloudNode node;
        try
        {
            actors = AkkaNoise.CreateSystem("firecloud", config);
            node = FirecloudNode.Start(actors);
        }
        catch (Exception e)
        {
            var cause = e is StoreRefusedException ? e : e.GetBaseException();
            await Console.Error.WriteLineAsync($"firecloud: node {settings.Self} can't start: {cause.Message}");
            if (actors is not null) await actors.Terminate();
            return ExitCodes.CannotStart;
        }
        RespServer? started;
        try
        {
            started = settings.Resp.Listen.Length > 0 ? await RespServer.StartAsync(actors, node) : null;
        }
        catch (Exception e) when (e is RespStartException or ConfigurationException)
        {
            await Console.Error.WriteLineAsync($"firecloud: node {settings.Self} can't start: {e.Message}");
            await actors.Terminate();
            return ExitCodes.CannotStart;
        }
        await using var resp = started;
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c => Leave(c, actors));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => Leave(c, actors));
        await using var kv739 = settings.Kv739 ? await Kv739Server.StartAsync(actors, node) : null;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Firecloud node {settings.Self} at {settings.Address}, one of {settings.Configuration.Members.Count} members, {Records(settings.Storage)}."));
        if (resp is not null) Console.WriteLine($"Redis protocol at {resp.Address}{(resp.TakesStrangers ? "" : ", for this machine only")}.");
        await actors.WhenTerminated;
        return Environment.ExitCode;
    }

    private static string Records(StorageSettings storage) => storage.IsOnDisk ? $"records in {storage.Folder}" : "records in memory only";

    // The members learn at once that this node leaves; what is under way here is left to the gateways' other attempts.
    private static void Leave(PosixSignalContext context, ActorSystem actors)
    {
        context.Cancel = true;
        _ = CoordinatedShutdown.Get(actors).Run(CoordinatedShutdown.ClrExitReason.Instance);
    }
}
