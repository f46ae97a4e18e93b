using System.Globalization;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Storage;
using Xunit;

namespace Firecloud.Tests.Protocol;

public class TombstonesTests
{
    private const int Most = 10;
    private readonly MemoryRecordStore _store = new(1, 4);
    private readonly Tombstones _tombstones;
    private long _nowMs;

    public TombstonesTests() => _tombstones = new Tombstones(_store, Most);

    [Fact]
    public void Only_what_is_still_there_a_second_later_is_old()
    {
        Delete(1);
        Assert.Empty(Look());
        Assert.Empty(_tombstones.Look(_nowMs + 999));
        Assert.Single(Look());
    }

    [Fact]
    public void A_tombstone_of_another_version_is_new()
    {
        Delete(1);
        Look();
        Delete(1, sequence: 2);
        Assert.Empty(Look());
        Assert.Single(Look());
    }

    [Fact]
    public void While_those_found_go_the_looks_grow_up_to_a_bound()
    {
        Delete(2000);
        Look();
        var sizes = new List<int>();
        for (var i = 0; i < 12; i++)
        {
            var found = Look();
            sizes.Add(found.Count);
            foreach (var key in found) _store.Remove(0, key);
        }
        Assert.Equal(Most, sizes[0]);
        Assert.Equal(Tombstones.Growth * Most, sizes.Max());
    }

    [Fact]
    public void Where_they_stay_the_looks_stay_small()
    {
        Delete(2000);
        for (var i = 0; i < 12; i++) Assert.InRange(Look().Count, 0, Most);
    }

    [Fact]
    public void Long_keys_are_taken_by_their_bytes()
    {
        for (var i = 0; i < Most; i++) Delete(new Key(new string((char)('a' + i), Tombstones.MostBytes / 3)), sequence: 1);
        Look();
        Assert.Equal(3, Look().Count);
    }

    private IReadOnlyList<Key> Look() => _tombstones.Look(_nowMs += 1000);

    private void Delete(int count, ulong sequence = 1)
    {
        for (var i = 0; i < count; i++) Delete(new Key(string.Create(CultureInfo.InvariantCulture, $"k{i}")), sequence);
    }

    private void Delete(Key key, ulong sequence) =>
        _store.Put(0, key, new StoredRecord(new Firecloud.Actors.Protocol.Record { Version = Make.Version(1, sequence) }, Heard: false));
}
