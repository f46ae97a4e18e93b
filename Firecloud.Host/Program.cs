// Program.cs - the command line: runs a node, or one client command. Exit codes: ExitCodes.cs.
using System.CommandLine;
using Firecloud.Host;
using Firecloud.Host.Commands;

var root = new RootCommand("Firecloud: a strongly consistent, replicated key-value store. Runs a node, or one client command.");
RunCommand.AddTo(root);
foreach (var command in ClientCommands.All().Concat(AdminCommands.All()).Append(SecretOptions.ClientSecret()).Concat(RespTools.All())) root.Subcommands.Add(command);
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors) await Console.Error.WriteLineAsync($"firecloud: {error.Message}");
    await Console.Error.WriteLineAsync("Try 'firecloud --help'.");
    return ExitCodes.BadInput;
}
// A node ends by its own handlers of signals and in its own time; the library's would end it after 2 s, whatever it was doing.
var runsNode = parsed.CommandResult.Command == root;
return await parsed.InvokeAsync(runsNode ? new InvocationConfiguration { ProcessTerminationTimeout = null } : new());
