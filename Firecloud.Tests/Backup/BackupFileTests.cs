// BackupFileTests.cs - the file of a backup (docs/backup-format.md): what is written is read back, and nothing else is.
using System.Buffers.Binary;
using CsCheck;
using Firecloud.Actors.Protocol;
using Firecloud.Client.Backup;
using Xunit;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Backup;

public sealed class BackupFileTests : IDisposable
{
    private static readonly BackupHeader Header = new(
        0xC1, DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123), 1, 256, [("a:1", 2), ("b:2", 1)]);

    private static readonly Ballot Highest = new(1, 300, 2, 9);

    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-backup-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_is_read_back() => Gen.Int.Sample(
        seed =>
        {
            var random = new Random(seed);
            var records = Enumerable.Range(0, random.Next(40)).Select(_ => Random(random)).ToArray();
            var file = Write(records);
            try
            {
                using var reader = new BackupReader(file);
                Assert.Equal(Header with { Members = reader.Header.Members }, reader.Header);
                Assert.Equal(Header.Members, reader.Header.Members);
                Assert.Equal(records.Select(Text), reader.Records().Select(Text));
                var summary = reader.Summary!;
                Assert.Equal((records.Length, 1u, 300ul), (summary.Records, summary.HighestEpoch, summary.HighestRound));
                Assert.Equal(records.Sum(r => r.Key.Length + r.Value.Length), summary.Bytes);
                Assert.Equal(records.Select(r => r.Value.Length).Append(0).Max(), summary.LongestValue);
            }
            finally
            {
                File.Delete(file);
            }
        },
        iter: 100);

    [Fact]
    public void A_file_cut_short_anywhere_or_with_a_bit_turned_is_refused_before_its_end()
    {
        var random = new Random(7);
        var whole = File.ReadAllBytes(Write([.. Enumerable.Range(0, 5).Select(_ => Random(random))]));
        for (var at = 0; at < whole.Length; at++)
        {
            AssertRefused(whole[..at]);
            var turned = whole.ToArray();
            turned[at] ^= (byte)(1 << random.Next(8));
            AssertRefused(turned);
        }
        AssertRefused([.. whole, 0]);
    }

    [Fact]
    public void Blocks_left_out_repeated_or_exchanged_are_refused()
    {
        var random = new Random(7);
        var big = Enumerable.Range(0, 3).Select(_ => Random(random) with { Value = new byte[BackupFormat.BlockSize] }).ToArray();
        var blocks = Blocks(File.ReadAllBytes(Write(big)));   // preamble, header, three of records, end
        Assert.Equal(6, blocks.Count);
        AssertRefused(Join(0, 1, 2, 4, 5));
        AssertRefused(Join(0, 1, 2, 2, 3, 4, 5));
        AssertRefused(Join(0, 1, 3, 2, 4, 5));
        AssertRefused(Join(0, 2, 3, 4, 5));
        AssertRefused(Join(0, 1, 5));

        byte[] Join(params int[] order) => [.. order.SelectMany(i => blocks[i])];
    }

    [Fact]
    public void Another_format_and_another_file_are_named()
    {
        var newer = File.ReadAllBytes(Write([]));
        newer[8] = 2;
        Assert.Contains("has format 2, this program knows format 1", AssertRefused(newer), StringComparison.Ordinal);
        Assert.Contains("no backup of Firecloud", AssertRefused("PK and so on, a file of another kind"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("no backup of Firecloud", AssertRefused([]), StringComparison.Ordinal);
        Assert.Contains("can't be read", Assert.Throws<BackupFileException>(() => FirecloudBackup.Verify(_folder + "/none")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_length_that_is_not_there_allocates_nothing_of_that_size()
    {
        var bytes = File.ReadAllBytes(Write([]));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(BackupFormat.PreambleLength + 1), BackupFormat.MaxBlock);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void A_file_has_its_name_only_when_it_is_whole_and_no_other_is_overwritten()
    {
        var target = Path.Combine(_folder, "b");
        using (var writer = new BackupWriter(target))
        {
            writer.Begin(Header);
            writer.Add(Random(new Random(1)));
            Assert.False(File.Exists(target));
        }
        Assert.Empty(Directory.GetFiles(_folder));   // given up: nothing is left

        using (var writer = new BackupWriter(target))
        {
            writer.Begin(Header);
            File.WriteAllText(target, "somebody else's");
            Assert.Contains("is there already", Assert.Throws<BackupFileException>(() => writer.Complete(Header.Begun, Highest)).Message, StringComparison.Ordinal);
        }
        Assert.Equal("somebody else's", File.ReadAllText(target));
        Assert.Contains("is there already", Assert.Throws<BackupFileException>(() => new BackupWriter(target)).Message, StringComparison.Ordinal);
        Assert.Contains("can't be written", Assert.Throws<BackupFileException>(() => new BackupWriter(_folder + "/no/b")).Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void In_a_folder_it_is_named_by_cluster_and_time() =>
        Assert.Equal("firecloud-00000000000000c1-20231114T221320Z.backup", Path.GetFileName(Write([], _folder)));

    private static BackupRecord Random(Random random)
    {
        var (key, value) = (new byte[random.Next(1, 40)], new byte[random.Next(300)]);
        random.NextBytes(key);
        random.NextBytes(value);
        var ballot = new Ballot((uint)random.Next(1, 9), (ulong)random.NextInt64() >> random.Next(2, 60), random.Next(8), (ulong)random.NextInt64());
        return new BackupRecord(key, value, new Version(ballot, (ulong)random.NextInt64()), random.Next(2) * random.NextInt64());
    }

    private static string Text(BackupRecord r) => $"{Convert.ToHexString(r.Key)} {Convert.ToHexString(r.Value)} {r.Version} {r.ExpiresAt}";

    private static List<byte[]> Blocks(byte[] file)
    {
        var blocks = new List<byte[]> { file[..BackupFormat.PreambleLength] };
        for (var at = BackupFormat.PreambleLength; at < file.Length; at += blocks[^1].Length)
        {
            blocks.Add(file[at..(at + BackupFormat.BlockHeadLength + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 1)))]);
        }
        return blocks;
    }

    private string Write(BackupRecord[] records, string? target = null)
    {
        using var writer = new BackupWriter(target ?? Path.Combine(_folder, Path.GetRandomFileName()));
        writer.Begin(Header);
        foreach (var record in records) writer.Add(record);
        return writer.Complete(Header.Begun.AddSeconds(1), Highest).File;
    }

    private string AssertRefused(byte[] bytes)
    {
        var file = Path.Combine(_folder, "damaged");
        File.WriteAllBytes(file, bytes);
        return Assert.Throws<BackupFileException>(() => FirecloudBackup.Verify(file)).Message;
    }
}
