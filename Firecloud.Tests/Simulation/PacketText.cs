// PacketText.cs - messages as one line each, for the log of a run that is replayed.
using Firecloud.Actors.Protocol;

namespace Firecloud.Tests.Simulation;

internal static class PacketText
{
    public static string Of(object message) => message switch
    {
        ReplicaRequest m => string.Join("; ", m.Items.Select(Item)),
        ReplicaAnswer m => $"[lives {m.Lives}] " + string.Join("; ", m.Items.Select(Item)),
        RequestBatch m => $"batch {m.Serial} of {m.Gateway:x}: " + string.Join("; ", m.Requests.Select(Text)),
        ReplyBatch m => string.Join("; ", m.Replies.Select(Text)),
        AnnouncementBatch m =>
            "announces " + string.Join("; ", m.Announcements.Select(a => $"shard {a.Shard} {a.Ballot} {a.Chosen}")),
        _ => message.ToString() ?? "",
    };

    public static string Text(Record? r) => r is not { Held: true }
        ? "nothing"
        : $"{r.Version}={Value(r.Value)} by {string.Join('+', r.Writers.Select(w => w.Id))} forgot {r.Forgotten}";

    public static string Value(byte[]? value) => value is null ? "-" : System.Text.Encoding.ASCII.GetString(value);

    public static string Text(Operation o) => o.Kind switch
    {
        OperationKind.Get => "get",
        OperationKind.Put => $"put {Value(o.Value)}{(o.ReturnsOld ? " for the old" : "")}",
        OperationKind.Delete => $"delete{(o.ReturnsOld ? " for the old" : "")}",
        OperationKind.CompareAndSet => $"set {Value(o.Expected)} to {Value(o.Value)}",
        OperationKind.CompareVersionAndSet => $"set at {o.ExpectedVersion} to {Value(o.Value)}",
        OperationKind.Update => $"{o.Update!.Change} {Value(o.Value)} if {o.Update.If}",
        _ => $"add {o.Delta}",
    } + (o.ExpiresAt == 0 ? "" : $" until {o.ExpiresAt}");

    private static string Item(ReplicaItem i) => i.Record is not null
        ? $"{i.Ask} #{i.Round} {i.Key} {Text(i.Record)}"
        : $"{i.Ask} #{i.Round} {(i.Key.Length > 0 ? i.Key : "")} {i.Ballot}";

    private static string Item(ReplicaAnswerItem i) => i.Verdict switch
    {
        ReplicaVerdict.Refused => $"refused #{i.Round} promised {i.Promised}",
        ReplicaVerdict.Held => $"#{i.Round} {(i.Stored.Heard ? "heard of" : "holds")} {Text(i.Stored.Record)}",
        _ => $"{i.Verdict} #{i.Round}",
    };

    private static string Text(Request r) =>
        $"{r.Id} attempt {r.Attempt} {r.Key} {Text(r.Operation)} named {r.Named} floor {r.Floor} {r.Mode}";

    private static string Text(Reply r) => $"{r.Id} attempt {r.Attempt} {r.Status} {r.Ballot} chosen {r.Chosen}"
        + (r.Status == ReplyStatus.Done ? $" {r.Outcome} {Value(r.Value)} visible {r.Visible} kept {r.Kept}" : "");
}
