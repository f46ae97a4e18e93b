// CommandsMarkdown.cs - prints docs/COMMANDS.md from the command table: what is written there is what runs.
using System.Text;

namespace Firecloud.Host.Resp;

/// <summary>docs/COMMANDS.md.</summary>
internal static class CommandsMarkdown
{
    private static readonly (string Group, string Title)[] Groups =
    [
        ("string", "Values"), ("generic", "Keys"), ("firecloud", "Firecloud's own"), ("connection", "Connection"), ("server", "Server"),
    ];

    private const string Head = """
        # Commands of the Redis protocol

        Printed from the server's own table by `Firecloud.Host commands-md`; a test keeps it current. How to switch the protocol on, users, TLS
        and limits: [operations.md](operations.md), "Redis protocol".

        Every node takes every command, in RESP2 and RESP3. What is read is the newest value, whichever node is asked: all commands on one key
        are linearizable ([guarantees.md](guarantees.md)), but for the few whose line "At one moment" says otherwise.

        ## What to know first
        - **One key at a time.** A command over several keys acts on each by itself. There are no transactions and no scripts.
        - **Pipelines.** Commands that a client sends without waiting for answers run at the same time, and are answered in order. Those that
          name the same key run in the client's order. Those of different keys have no order: wait for an answer where one has to come first.
          Of SETs of one key that come side by side only the last may be sent on: the values between are seen by nobody.
        - **Errors.** Below. After `UNKNOWN` or `PARTIAL`, and when the connection is lost before the answer, get the keys before you write again;
          with every other error the command was certainly not done.
        - **Transactions of client libraries**: switch them off for pipelines (Python: `pipeline(transaction=False)`).
        - **Times.** A value expires by the clock of the node that owns its key, which also counts times "from now": the clock of the node that is
          asked, and the client's, do no harm. TTL and PTTL are told by the clock of the node that is asked. What is gone stays gone
          ([protocol.md](protocol.md), section 11). To let a key expire, or to let it stay, is a write: it gives the key a new version.
        - **Locks.** FIRECLOUD.LOCK answers a *fencing token*: a text of 58 characters, higher (compared as text, or byte by byte) than every token that
          was ever given for this key, also across its deletion and expiry. A holder that was paused for longer than its lock lasts does not
          know that it has lost it: send the token along with whatever the lock protects, and let that refuse a token lower than the highest it
          has seen. A lock is a plain key that holds the holder's name: SET and DEL break it. Choose a name that nobody else has.
        - **Keys** have 1 byte to 1 KiB, values at most 1 MiB by default. The empty key is refused.
        - **MOVED and ASK** are never answered: use a client for a single server, with one or all nodes as its endpoints, not one for Redis Cluster.

        """;

    /// <summary>The whole document.</summary>
    public static string Print()
    {
        var text = new StringBuilder(Head.ReplaceLineEndings("\n"));
        Line(text, "");
        Line(text, "## Errors of Firecloud's own");
        Line(text, "None of them is one that client libraries try again by themselves.");
        Line(text, "");
        Line(text, "| first word | meaning |");
        Line(text, "| --- | --- |");
        foreach (var (word, meaning) in RespErrors.Words) Line(text, $"| `{word}` | {meaning} |");
        foreach (var (group, title) in Groups)
        {
            Line(text, "");
            Line(text, $"## {title}");
            foreach (var spec in CommandTable.Served.Where(s => s.Group == group)) Print(text, spec);
        }
        Line(text, "");
        Line(text, "## Refused");
        Line(text, "Known by name and answered with an error that says what to use instead.");
        Line(text, "");
        Line(text, "| family | instead | commands |");
        Line(text, "| --- | --- | --- |");
        foreach (var (family, instead, names) in RefusedCommands.Families) Line(text, $"| {family} | {instead} | {string.Join(", ", names)} |");
        return text.ToString();
    }

    private static void Print(StringBuilder text, CommandSpec spec)
    {
        Line(text, "");
        Line(text, $"### {spec.Name}");
        Line(text, $"`{(spec.Name + " " + spec.Syntax).Trim()}`: {spec.Summary}");
        var rights = spec.Flags.HasFlag(CommandFlags.Admin) ? "admin" : spec.Flags.HasFlag(CommandFlags.Write) ? "write" : null;
        if (rights is not null) Line(text, $"- Right: `{rights}`.");
        if (spec.Atomicity is not null) Line(text, $"- At one moment: {spec.Atomicity}");
        if (spec.Differs is not null) Line(text, $"- Unlike Redis: {spec.Differs}");
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
