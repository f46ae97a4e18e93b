using System.Globalization;
using System.Net;

namespace Firecloud.Host.Resp;

/// <summary>What is known of one client. Changed by its own commands only; CLIENT LIST of others reads it a moment late.</summary>
internal sealed class RespSession
{
    /// <summary>Counts the server's clients, from 1.</summary>
    public required long Id { get; init; }

    /// <summary>Where it comes from.</summary>
    public required EndPoint? From { get; init; }

    /// <summary>Where it came to.</summary>
    public required EndPoint? At { get; init; }

    /// <summary>When it came, milliseconds of the system's clock.</summary>
    public long SinceMs { get; } = Environment.TickCount64;

    /// <summary>When its last bytes came.</summary>
    public long LastMs { get; set; } = Environment.TickCount64;

    /// <summary>2 or 3.</summary>
    public int Protocol { get; set; } = 2;

    /// <summary>What it called itself (CLIENT SETNAME).</summary>
    public string Name { get; set; } = "";

    /// <summary>Its library (CLIENT SETINFO).</summary>
    public string Library { get; set; } = "";

    /// <summary>Its library's version.</summary>
    public string LibraryVersion { get; set; } = "";

    /// <summary>Who it is; null until it has said its password.</summary>
    public RespUser? User { get; set; }

    /// <summary>The last command, in small letters.</summary>
    public string LastCommand { get; set; } = "NULL";

    /// <summary>CLIENT REPLY: whether answers are wanted.</summary>
    public bool WantsReplies { get; set; } = true;

    /// <summary>CLIENT REPLY SKIP: commands whose answer is left out, this one included.</summary>
    public int Skip { get; set; }

    /// <summary>One line, as CLIENT LIST has it. What Firecloud does not have is left out.</summary>
    public string Line(int database = 0) => string.Create(
        CultureInfo.InvariantCulture,
        $"id={Id} addr={From} laddr={At} fd=-1 name={Name} age={Age(SinceMs)} idle={Age(LastMs)} flags=N db={database} sub=0 psub=0 ssub=0 "
        + $"multi=-1 events=r cmd={LastCommand} user={User?.Name ?? "(none)"} redir=-1 resp={Protocol} lib-name={Library} lib-ver={LibraryVersion}");

    private static long Age(long sinceMs) => (Environment.TickCount64 - sinceMs) / 1000;
}
