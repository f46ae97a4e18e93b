using System.Text;

namespace Firecloud.Host.Resp;

/// <summary>What is checked before a command runs, in Redis' order: arity, password, rights, and our bound on keys.</summary>
internal static class CommandRules
{
    /// <summary>Why a command is not run, or null.</summary>
    public static string? WhyNot(CommandCall call)
    {
        var spec = call.Spec;
        if (!spec.Takes(call.Count)) return RespErrors.WrongArity(spec.LowerName);
        if (call.Session.User is not { } user)
        {
            if (!spec.Flags.HasFlag(CommandFlags.NoAuth)) return RespErrors.NotLoggedIn;
        }
        else if (WhyNot(user, call) is { } denied)
        {
            return denied;
        }
        if (spec.Keys.First == 0) return null;
        var most = call.Server.Settings.MaxPipeline;
        var keys = (call.Count - spec.Keys.First + spec.Keys.Step - 1) / spec.Keys.Step;
        return spec.Keys.Last < 0 && keys > most
            ? $"ERR {spec.Name} names {keys} keys; at most {most} are taken at a time (firecloud.resp.max-pipeline). Name fewer."
            : null;
    }

    private static string? WhyNot(RespUser user, CommandCall call)
    {
        var spec = call.Spec;
        var mayNot = (spec.Flags.HasFlag(CommandFlags.Write) && !user.MayWrite) || (spec.Flags.HasFlag(CommandFlags.Admin) && !user.IsAdmin);
        if (mayNot) return NoPermission(user, spec.LowerName);
        if (user.Prefixes.Count == 0) return null;
        return spec.Keys.Of(call.Arguments).All(user.MayName) ? null : "NOPERM No permissions to access a key";
    }

    public static string NoPermission(RespUser user, string command) =>
        $"NOPERM User {user.Name} has no permissions to run the '{command}' command";
}

/// <summary>Who a client is.</summary>
/// <param name="Name">As in AUTH.</param>
/// <param name="MayWrite">May change keys.</param>
/// <param name="IsAdmin">May look at and end other clients, and empty the store.</param>
/// <param name="Prefixes">Keys that it may name begin with one of these; none: all keys.</param>
internal sealed record RespUser(string Name, bool MayWrite, bool IsAdmin, IReadOnlyList<byte[]> Prefixes)
{
    /// <summary>Everybody, where no users are set up.</summary>
    public static RespUser Everybody { get; } = new("default", true, true, []);

    /// <summary>True for a key that it may name.</summary>
    public bool MayName(byte[] key) => Prefixes.Count == 0 || Prefixes.Any(p => key.AsSpan().StartsWith(p));

    /// <summary>One of the settings.</summary>
    public static RespUser From(Actors.Node.RespUserSettings settings) => new(
        settings.Name, settings.MayWrite, settings.IsAdmin, [.. settings.Prefixes.Select(Encoding.UTF8.GetBytes)]);
}
