// Make.cs - short names for what the tests of this folder build again and again.
using System.Text;
using Firecloud.Actors.Protocol;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

internal static class Make
{
    public static readonly Key Key = new("k");

    public static Votes Votes(params int[] votes) => new(votes.Length == 0 ? [2, 1, 1, 1] : votes);

    public static Configuration Configuration(int shards = 1, params int[] votes)
    {
        var table = Votes(votes);
        return new Configuration([.. Enumerable.Range(0, table.Members).Select(i => new Member("node", 1000 + i))], table, shards);
    }

    public static Ballot Ballot(ulong round, int node = 0, ulong boot = 1) => new(1, round, node, boot);

    public static Version Version(ulong round, ulong sequence, int node = 0) => new(Ballot(round, node), sequence);

    public static RequestId Id(ulong number) => new(7, number);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string? Text(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);

    public static Operation Put(string value) => Operation.Put(Bytes(value));

    public static Request Request(
        ulong number, Operation operation, Ballot named = default, int attempt = 1, Version floor = default,
        RequestMode mode = RequestMode.Any, Key? key = null) =>
        new(Id(number), key ?? Key, operation, attempt, named, floor, mode);

    /// <summary>A record as a blind put of an owner leaves it.</summary>
    public static Record Written(Version version, string? value, ulong number = 900) =>
        Record.Blind(version, Id(number), Decision.Write(value is null ? null : Bytes(value), 0, false));
}
