using Akka.Event;
using Firecloud.Actors.Node;

namespace Firecloud.Host.Resp;

/// <summary>Writes to the log who changed or administered what. Values are never in it.</summary>
/// <param name="what">What is noted.</param>
/// <param name="log">The node's.</param>
internal sealed class RespAudit(AuditKind what, ILoggingAdapter log)
{
    private const int MaxKeys = 8;

    /// <summary>A command that was answered.</summary>
    public void Note(CommandCall call)
    {
        if (what == AuditKind.Off) return;
        var isAdmin = call.Spec.Flags.HasFlag(CommandFlags.Admin);
        if (!isAdmin && !(what == AuditKind.Writes && call.Spec.Flags.HasFlag(CommandFlags.Write))) return;
        var keys = call.Spec.Keys.Of(call.Arguments).ToList();
        var shown = string.Join(' ', keys.Take(MaxKeys).Select(k => RespErrors.Shown(k)));
        var more = keys.Count > MaxKeys ? $" and {keys.Count - MaxKeys} more" : "";
        log.Info("Audit: {0} at {1} ran {2} {3}{4}", call.Session.User?.Name ?? "(nobody)", call.Session.From, call.Spec.Name, shown, more);
    }

    /// <summary>Somebody said a password.</summary>
    public void NoteLogin(RespSession session, string name, bool succeeded)
    {
        if (what == AuditKind.Off) return;
        log.Info("Audit: {0} {1} as user {2}", session.From, succeeded ? "logged in" : "failed to log in", name);
    }
}
