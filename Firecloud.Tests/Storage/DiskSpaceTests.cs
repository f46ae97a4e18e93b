// DiskSpaceTests.cs - the reserve: when it goes, when it comes back, and that its bytes are really taken.
using Firecloud.Actors.Storage;
using Xunit;

namespace Firecloud.Tests.Storage;

public sealed class DiskSpaceTests : IDisposable
{
    private const long Buffer = 1 << 20;
    private const long Reserve = 4 << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory("firecloud-space-").FullName;
    private long _others = 100 << 20;   // free bytes when there is no reserve

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private bool HasReserve => File.Exists(Path.Combine(_folder, DiskSpace.Name));

    private long Free => Math.Max(0, _others - (HasReserve ? Reserve : 0));

    [Fact]
    public void The_reserve_is_there_while_there_is_room()
    {
        var space = Open();
        Assert.Equal((false, false, true, Free), (space.IsFull, space.IsExhausted, HasReserve, space.FreeBytes));
        Assert.Equal(Reserve, new FileInfo(Path.Combine(_folder, DiskSpace.Name)).Length);
    }

    [Fact]
    public void Below_three_buffers_it_is_given_up_and_that_room_is_left()
    {
        var space = Open();
        _others = Reserve + 3 * Buffer;
        space.Look(0);
        Assert.False(space.IsFull);
        space.Look(1);   // a batch of one byte would leave less
        Assert.Equal((true, false, false, Reserve + 3 * Buffer), (space.IsFull, space.IsExhausted, HasReserve, space.FreeBytes));
    }

    [Fact]
    public void It_comes_back_only_with_room_to_spare()
    {
        var space = Open();
        _others = 0;
        space.Look(0);
        Assert.Equal((true, true), (space.IsFull, space.IsExhausted));
        _others = Reserve + 6 * Buffer - 1;
        space.Look(0);
        Assert.Equal((true, false, false), (space.IsFull, space.IsExhausted, HasReserve));
        _others++;
        space.Look(0);
        Assert.Equal((false, false, true, 6 * Buffer), (space.IsFull, space.IsExhausted, HasReserve, space.FreeBytes));
    }

    [Fact]
    public void Exhausted_begins_below_two_buffers_and_ends_with_three()
    {
        var space = Open();
        var seen = new List<bool>();
        foreach (var others in new[] { 2 * Buffer, 2 * Buffer - 1, 3 * Buffer - 1, 3 * Buffer, 2 * Buffer })
        {
            _others = others;
            space.Look(0);
            seen.Add(space.IsExhausted);
        }
        Assert.Equal([false, true, true, false, false], seen);
        space.Look(1);
        Assert.True(space.IsExhausted);
    }

    [Fact]
    public void A_reserve_of_another_size_or_cut_short_is_made_anew()
    {
        File.WriteAllBytes(Path.Combine(_folder, DiskSpace.Name), new byte[10]);
        File.WriteAllBytes(Path.Combine(_folder, DiskSpace.NewName), new byte[10]);
        var space = Open();
        Assert.False(space.IsFull);
        Assert.Equal(Reserve, new FileInfo(Path.Combine(_folder, DiskSpace.Name)).Length);
        Assert.False(File.Exists(Path.Combine(_folder, DiskSpace.NewName)));
        _others = 0;
        Assert.True(Open().IsFull);
        Assert.False(HasReserve);
    }

    [Fact]
    public void A_reserve_smaller_than_three_buffers_is_refused()
    {
        using var bench = new StoreBench();
        var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => bench.Open(bench.Options with { ReserveBytes = (3 << 20) - 1 }));
        Assert.Contains("3145728", refusal.Message, StringComparison.Ordinal);
    }

    private DiskSpace Open() => new(_folder, Reserve, Buffer, () => Free);
}
