namespace Firecloud.Actors.Protocol;

/// <summary>Cuts batches into parts of about one size, so that no frame gets too large for the transport to carry well.</summary>
internal static class Batching
{
    // Numbers, ballots and the like around the key and the value of one item.
    private const int Overhead = 96;

    public static IEnumerable<ReplicaRequest> Cut(ReplicaRequest request, int size) =>
        Cut(request.Items, size, i => i.Key.Length + SizeOf(i.Record)).Select(part => request with { Items = part });

    public static IEnumerable<ReplicaAnswer> Cut(ReplicaAnswer answer, int size) =>
        Cut(answer.Items, size, i => SizeOf(i.Stored.Record)).Select(part => answer with { Items = part });

    public static IEnumerable<IReadOnlyList<Request>> Cut(IReadOnlyList<Request> requests, int size) =>
        Cut(requests, size, r => r.Key.Length + (r.Operation.Value?.Length ?? 0) + (r.Operation.Expected?.Length ?? 0));

    public static IEnumerable<IReadOnlyList<Reply>> Cut(IReadOnlyList<Reply> replies, int size) =>
        Cut(replies, size, r => r.Value?.Length ?? 0);

    /// <summary>Answers to several batches of one coordinator go back as one; a restart of it in between keeps them apart.</summary>
    public static IEnumerable<ReplicaAnswer> Merged(IReadOnlyList<ReplicaAnswer> answers)
    {
        for (var from = 0; from < answers.Count;)
        {
            var (to, count) = (from, 0);
            for (; to < answers.Count && answers[to].Boot == answers[from].Boot; to++) count += answers[to].Items.Count;
            if (to - from == 1)
            {
                yield return answers[from];
            }
            else
            {
                var items = new List<ReplicaAnswerItem>(count);
                for (var i = from; i < to; i++) items.AddRange(answers[i].Items);
                yield return answers[to - 1] with { Items = items };
            }
            from = to;
        }
    }

    /// <summary>About how many bytes a key and its record take in a frame.</summary>
    public static int SizeOf(Key key, Record record) => key.Length + SizeOf(record) + Overhead;

    private static int SizeOf(Record? record) => record is null ? 0 : (record.Value?.Length ?? 0) + (record.Previous?.Length ?? 0);

    private static IEnumerable<IReadOnlyList<T>> Cut<T>(IReadOnlyList<T> items, int size, Func<T, int> sizeOf)
    {
        var (start, sum) = (0, 0);
        for (var i = 0; i < items.Count; i++)
        {
            var next = sizeOf(items[i]) + Overhead;
            if (i > start && sum + next > size)
            {
                yield return Part(start, i);
                (start, sum) = (i, 0);
            }
            sum += next;
        }
        if (start < items.Count) yield return Part(start, items.Count);

        IReadOnlyList<T> Part(int from, int to) => from == 0 && to == items.Count ? items : [.. items.Skip(from).Take(to - from)];
    }
}
