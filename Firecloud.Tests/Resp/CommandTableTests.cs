using System.Text;
using System.Text.RegularExpressions;
using Firecloud.Host.Resp;
using Firecloud.Tests.Processes;
using Xunit;

namespace Firecloud.Tests.Resp;

public sealed class CommandTableTests
{
    // CLIENT REPLY OFF and SKIP have no answer of their own.
    private static readonly string[] PlayedAsBytes = ["OFF", "SKIP"];

    [Fact]
    public void The_document_is_what_the_table_prints()
    {
        var document = File.ReadAllText(Path.Combine(Command.Root, "docs/COMMANDS.md"));
        Assert.True(document == CommandsMarkdown.Print(), "docs/COMMANDS.md is not current: Firecloud.Host commands-md > docs/COMMANDS.md");
    }

    [Fact]
    public void Every_row_is_whole()
    {
        Assert.All(CommandTable.Served, spec =>
        {
            Assert.True(spec.Plan is null != spec.Run is null, $"{spec.Name} needs Plan or Run, not both.");
            Assert.EndsWith(".", spec.Summary.TrimEnd('`'), StringComparison.Ordinal);
            Assert.Equal(spec.Name, spec.Name.ToUpperInvariant());
            Assert.NotEqual(0, spec.Arity);
            Assert.Same(spec, CommandTable.Find(Encoding.ASCII.GetBytes(spec.Name.ToLowerInvariant())));
            var several = spec.Keys is { First: > 0 } keys && (keys.Last < 0 || keys.Last > keys.First);
            Assert.True(!several || spec.Atomicity is not null, $"{spec.Name} names several keys: say what happens at one moment.");
            var touchesKeys = spec.Keys.First > 0;
            Assert.True(!touchesKeys || (spec.Flags & (CommandFlags.Write | CommandFlags.ReadOnly)) != 0, $"{spec.Name} has keys: does it read or write?");
        });
    }

    [Fact]
    public void What_is_promised_is_served_and_what_is_refused_is_refused_by_name()
    {
        const string served = "HELLO AUTH PING ECHO QUIT RESET SELECT CLIENT COMMAND INFO CONFIG TIME DBSIZE MEMORY GET SET GETSET GETDEL GETEX SETNX SETEX PSETEX "
            + "MGET MSET APPEND STRLEN SETRANGE GETRANGE SUBSTR INCR INCRBY INCRBYFLOAT DECR DECRBY DEL UNLINK EXISTS TOUCH TYPE TTL PTTL EXPIRE PEXPIRE EXPIREAT "
            + "PEXPIREAT EXPIRETIME PEXPIRETIME PERSIST COPY RANDOMKEY SCAN KEYS DELIFEQ FLUSHALL FIRECLOUD.GET FIRECLOUD.CAS FIRECLOUD.STATUS FIRECLOUD.NODES "
            + "FIRECLOUD.LOCK FIRECLOUD.UNLOCK FIRECLOUD.RENEW";
        Assert.All(served.Split(' '), name => Assert.Contains(CommandTable.Served, s => s.Name == name));
        const string refused = "MSETNX LCS RENAME MULTI EXEC WATCH EVAL SUBSCRIBE LPUSH HSET SADD ZADD XADD";
        Assert.All(refused.Split(' '), name => Assert.Equal(RefusedCommands.Group, CommandTable.Find(Encoding.ASCII.GetBytes(name))!.Group));
    }

    [Fact]
    public void Names_that_are_none_are_not_found()
    {
        Assert.All(["", "GE", "GETT", "\u00c4", new string('x', 40)], name => Assert.Null(CommandTable.Find(Encoding.Latin1.GetBytes(name))));
    }

    [Fact]
    public void No_error_begins_with_a_word_that_clients_try_again_for()
    {
        string[] retried = ["LOADING", "TRYAGAIN", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "MOVED", "ASK"];
        Assert.Empty(RespErrors.Words.Select(w => w.Word).Intersect(retried));
    }

    [Fact]
    public void What_differs_from_Redis_in_the_scenario_is_in_the_table()
    {
        // Behind commands that Redis has not, what others find differs too.
        var sections = Scenario.Read().Where(s => !s.Title.StartsWith("Not Redis' own", StringComparison.Ordinal));
        foreach (var step in sections.SelectMany(s => s.Steps).Where(s => s.Expected.ContainsKey("redis")))
        {
            var spec = CommandTable.Find(step.Words[0])!;
            Assert.True(spec.Group == "firecloud" || spec.Differs is not null, $"scenario.txt:{step.Line}: {spec.Name} answers other than Redis: say why in Differs.");
        }
    }

    [Fact]
    public void Every_option_and_every_wrong_arity_is_in_the_scenario()
    {
        var steps = Scenario.Read().SelectMany(s => s.Steps).Where(s => !s.IsRaw).ToLookup(s => Encoding.ASCII.GetString(s.Words[0]).ToUpperInvariant());
        foreach (var spec in CommandTable.Served)
        {
            Assert.True(
                spec.Arity == -1 || steps[spec.Name].Any(s => s.For(2, isRedis: false)!.StartsWith("-ERR wrong number of arguments", StringComparison.Ordinal)),
                $"{spec.Name} is nowhere in the scenario with a wrong number of arguments.");
            var played = steps[spec.Name].SelectMany(s => s.Words.Skip(1)).Select(w => Encoding.Latin1.GetString(w).ToUpperInvariant()).ToHashSet();
            var options = Regex.Matches(spec.Syntax, "[A-Z][A-Z-]+").Select(m => m.Value);
            Assert.True(!options.Except(played).Except(PlayedAsBytes).Any(), $"{spec.Name} is nowhere in the scenario with {string.Join(", ", options.Except(played))}.");
        }
    }

    [Fact]
    public void Every_served_command_is_in_the_scenario()
    {
        var played = Scenario.Read().SelectMany(s => s.Steps).Select(s => Encoding.ASCII.GetString(s.Words[0]).ToUpperInvariant()).ToHashSet();
        Assert.Empty(CommandTable.Served.Select(s => s.Name).Except(played));
    }
}
