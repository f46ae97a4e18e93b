// LinkReport.cs - whom a member hears, and the payload of a probe, which carries the sender's report and all that it knows:
//   count 1, then each report: member 1, age 2 (ms), hears 4 (a bit per member), boot 8, sequence 8; little-endian, 23 bytes.
// The first report is the sender's. Ages travel along, so that a report dies everywhere at the same time however long it is
// passed around.
using System.Buffers.Binary;

namespace Firecloud.Actors.Transport;

/// <summary>What one member said of itself.</summary>
/// <param name="Boot">Its process; greater for a later one as far as clocks allow.</param>
/// <param name="Sequence">Greater for a later report of the same process.</param>
/// <param name="Hears">Members whose datagrams reach it directly, a bit each.</param>
/// <param name="BornAt">When it was made, on this node's clock, microseconds.</param>
internal readonly record struct LinkReport(ulong Boot, long Sequence, uint Hears, long BornAt);

/// <summary>Writes and reads the payload of probes.</summary>
internal static class ProbePayload
{
    private const int ReportSize = 23;

    /// <summary>Members whose reports fit into the smallest datagram, with bits to spare.</summary>
    public const int MaxMembers = 31;

    public const int MaxSize = 1 + (MaxMembers * ReportSize);

    /// <summary>Adds a report.</summary>
    /// <param name="to">The payload; its first byte counts the reports.</param>
    /// <param name="member">Whose it is.</param>
    /// <param name="report">The report.</param>
    /// <param name="now">Microseconds.</param>
    public static void Add(Span<byte> to, int member, in LinkReport report, long now)
    {
        var at = to[(1 + (to[0] * ReportSize))..];
        to[0]++;
        at[0] = (byte)member;
        BinaryPrimitives.WriteUInt16LittleEndian(at[1..], (ushort)Math.Clamp((now - report.BornAt) / 1_000, 0, ushort.MaxValue));
        BinaryPrimitives.WriteUInt32LittleEndian(at[3..], report.Hears);
        BinaryPrimitives.WriteUInt64LittleEndian(at[7..], report.Boot);
        BinaryPrimitives.WriteInt64LittleEndian(at[15..], report.Sequence);
    }

    public static int Length(ReadOnlySpan<byte> payload) => 1 + (payload[0] * ReportSize);

    /// <summary>Whether every field is in its range and no member is named twice.</summary>
    public static bool IsValid(ReadOnlySpan<byte> payload, int sender, int members)
    {
        if (payload.IsEmpty || payload[0] == 0 || payload[0] > members || payload.Length != Length(payload)) return false;
        var seen = 0u;
        for (var i = 0; i < payload[0]; i++)
        {
            var at = payload[(1 + (i * ReportSize))..];
            if (at[0] >= members || (seen >> at[0] & 1) != 0 || (i == 0 && at[0] != sender)) return false;
            if (BinaryPrimitives.ReadUInt32LittleEndian(at[3..]) >> members != 0) return false;
            seen |= 1u << at[0];
        }
        return true;
    }

    /// <summary>The report at a position of a valid payload.</summary>
    public static (int Member, LinkReport Report) At(ReadOnlySpan<byte> payload, int index, long now)
    {
        var at = payload[(1 + (index * ReportSize))..];
        var age = BinaryPrimitives.ReadUInt16LittleEndian(at[1..]) * 1_000L;
        return (at[0], new LinkReport(BinaryPrimitives.ReadUInt64LittleEndian(at[7..]), BinaryPrimitives.ReadInt64LittleEndian(at[15..]),
            BinaryPrimitives.ReadUInt32LittleEndian(at[3..]), now - age));
    }
}
