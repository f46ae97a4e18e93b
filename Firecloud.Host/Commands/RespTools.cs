using System.CommandLine;
using Firecloud.Actors.Node;
using Firecloud.Host.Resp;

namespace Firecloud.Host.Commands;

/// <summary>hash-password, for the settings; commands-md, for docs/COMMANDS.md.</summary>
internal static class RespTools
{
    private const int ShortestPassword = 8;

    public static IEnumerable<Command> All()
    {
        var hash = new Command("hash-password", "Read a password from the standard input, one line, and print what goes into firecloud.resp.users.");
        hash.SetAction(_ => HashPassword());
        yield return hash;
        var commands = new Command("commands-md", "Print docs/COMMANDS.md.") { Hidden = true };
        commands.SetAction(_ =>
        {
            Console.Write(CommandsMarkdown.Print());
            return ExitCodes.Done;
        });
        yield return commands;
    }

    private static int HashPassword()
    {
        var password = Console.ReadLine() ?? "";
        if (password.Length < ShortestPassword)
        {
            Console.Error.WriteLine($"firecloud: The password has {password.Length} characters; give at least {ShortestPassword}.");
            return ExitCodes.BadInput;
        }
        Console.WriteLine(PasswordHash.Create(password));
        return ExitCodes.Done;
    }
}
