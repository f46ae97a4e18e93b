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
    /// <param name="call">The command.</param>
    /// <param name="isRefused">It was not run: wrong, or not allowed to this user.</param>
    public void Note(CommandCall call, bool isRefused)
    {
        if (what == AuditKind.Off) return;
        var isAdmin = call.Spec.Flags.HasFlag(CommandFlags.Admin);
        if (!isAdmin && !(what == AuditKind.Writes && call.Spec.Flags.HasFlag(CommandFlags.Write))) return;
        var keys = call.Spec.Keys.Of(call.Arguments).ToList();
        var shown = string.Concat(keys.Take(MaxKeys).Select(k => " " + RespErrors.Printable(RespErrors.Shown(k))));
        var more = keys.Count > MaxKeys ? $" and {keys.Count - MaxKeys} more" : "";
        var (user, did) = (call.Session.User?.Name ?? "(nobody)", isRefused ? "was refused" : "ran");
        log.Info("Audit: {0} at {1} {2} {3}{4}{5}", user, call.Session.From, did, call.Spec.Name, shown, more);
    }

    /// <summary>Somebody said a password.</summary>
    public void NoteLogin(RespSession session, string name, bool succeeded)
    {
        if (what == AuditKind.Off) return;
        log.Info("Audit: {0} {1} as user {2}", session.From, succeeded ? "logged in" : "failed to log in", RespErrors.Printable(name));
    }
}
