// ScanTests.cs - reading all keys page by page (Protocol/Scan, ScanServer): what is decided, what has to be asked for, and that the
// rule which decides is needed.
using CsCheck;
using Firecloud.Actors.Protocol;
using Xunit;
using Record = Firecloud.Actors.Protocol.Record;
using Version = Firecloud.Actors.Protocol.Version;

namespace Firecloud.Tests.Protocol;

public class ScanTests
{
    private const int Shards = 3;

    [Fact]
    public void Keys_that_a_quorum_holds_are_found_once_and_tombstones_are_not()
    {
        var bench = new Bench(shards: Shards);
        for (var i = 0; i < 500; i++) bench.Hold($"k{i}", Make.Version(1, 1), i % 3 == 0 ? null : $"v{i}", 0, 1, 2);
        var found = bench.Run(size: 200);
        Assert.All(found, k => Assert.True(k.IsDecided));
        Assert.Equal(
            Enumerable.Range(0, 500).Where(i => i % 3 != 0).Select(i => $"k{i}=v{i}").Order(StringComparer.Ordinal),
            found.Select(k => $"{k.Key}={Make.Text(k.Value)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(true, 0, 1)]
    [InlineData(true, 1, 2, 3)]
    [InlineData(false, 0)]
    [InlineData(false, 2, 3)]
    public void A_newest_version_is_decided_where_its_holders_are_a_quorum(bool decided, params int[] holders)
    {
        var bench = new Bench();
        bench.Hold("k", Make.Version(1, 1), "old", 0, 1, 2, 3);
        bench.Hold("k", Make.Version(1, 2), "new", holders);
        var key = Assert.Single(bench.Run());
        Assert.Equal(decided, key.IsDecided);
    }

    [Fact]
    public void What_is_only_heard_does_not_count_and_is_asked_for()
    {
        var bench = new Bench();
        bench.Hold("k", Make.Version(1, 1), "v", 0);
        bench.Hear("k", Make.Version(1, 1), "v", 1, 2, 3);
        Assert.False(Assert.Single(bench.Run()).IsDecided);
    }

    [Fact]
    public void What_one_member_still_holds_and_the_others_have_dropped_does_not_come_back()
    {
        ScannedKey Run(Rules rules)
        {
            var bench = new Bench(rules: rules);
            var owner = new OwnerBench(bench.Replicas).Own();
            owner.Run(1, Make.Put("v"));
            bench.Page(3);   // it holds the value
            owner.Run(2, Operation.Delete());
            Assert.All(bench.Replicas.Stores, s => Assert.False(s.Get(0, Make.Key).Record.Held));   // accepted by all, dropped by all
            bench.Page(0);
            bench.Page(1);
            bench.Page(2);
            return Assert.Single(bench.Scan.Take(9));
        }

        Assert.False(Run(Rules.Protocol).IsDecided);   // so it is got, and that says: absent
        var trapped = Run(new AnyScan());
        Assert.Equal((true, "v"), (trapped.IsDecided, Make.Text(trapped.Value)));
    }

    [Fact]
    public void A_page_of_a_life_that_another_page_outdates_is_asked_for_again()
    {
        var bench = new Bench();
        bench.Hold("k", Make.Version(1, 1), "v", 0, 1, 2, 3);
        bench.Page(0);
        foreach (var store in bench.Replicas.Stores) store.Lives = new Lives([1, 0, 0, 0]);
        bench.Page(1);
        bench.Scan.Leave(2);
        bench.Scan.Leave(3);
        Assert.Empty(bench.Scan.Take(9));   // member 0 has forgotten since: one vote is left
        Assert.True(bench.Scan.Wants(0));
        bench.Page(0);
        Assert.True(Assert.Single(bench.Scan.Take(9)).IsDecided);
    }

    [Fact]
    public void Without_a_quorum_nothing_is_decided_and_who_comes_back_goes_on_where_the_scan_is()
    {
        var bench = new Bench(shards: Shards);
        for (var i = 0; i < 100; i++) bench.Hold($"k{i}", Make.Version(1, 1), "v", 0, 1, 2, 3);
        bench.Scan.Leave(3);
        var found = bench.Some(size: 100, times: 3);
        bench.Scan.Leave(0);
        Assert.False(bench.Scan.HasQuorum);
        Assert.Empty(bench.Scan.Take(1000));
        bench.Scan.Join(3);
        Assert.True(bench.Scan.HasQuorum);
        found.AddRange(bench.Some(size: 100, times: 2));
        bench.Scan.Join(0);
        found.AddRange(bench.Run(size: 100));
        Assert.Equal(100, found.Count);
        Assert.Equal(100, found.Select(k => k.Key).Distinct().Count());
    }

    [Fact]
    public void Late_and_repeated_pages_change_nothing_and_impossible_ones_are_refused()
    {
        var bench = new Bench();
        for (var i = 0; i < 20; i++) bench.Hold($"k{i}", Make.Version(1, 1), "v", 0, 1, 2, 3);
        var page = bench.Read(1, bench.Scan.Next(1), 200);
        Assert.True(bench.Scan.Add(page));
        Assert.True(bench.Scan.Add(page));
        Assert.Equal(page.UpTo, bench.Scan.Next(1));
        Assert.Equal(20, bench.Run().Count);

        Assert.False(bench.Scan.Add(page with { Epoch = 2 }));
        Assert.False(bench.Scan.Add(page with { UpTo = page.After }));
        Assert.False(bench.Scan.Add(page with { UpTo = new ScanPosition(2, 0, null) }));
        Assert.False(bench.Scan.Add(page with { Entries = [.. page.Entries.Reverse()] }));
        Assert.False(bench.Scan.Add(page with { After = page.UpTo, UpTo = page.UpTo.NextLeaf }));
    }

    [Fact]
    public void A_page_is_bounded_and_an_empty_cluster_takes_few()
    {
        var bench = new Bench();
        for (var i = 0; i < 3000; i++) bench.Hold($"k{i}", Make.Version(1, 1), "v", 0);
        Assert.Equal(256, bench.Read(0, default, int.MaxValue).Entries.Count);
        Assert.InRange(bench.Read(0, default, 500).Entries.Count, 1, 20);
        Assert.Single(bench.Read(0, default, 1).Entries);
        var empty = new Bench(shards: 256);
        Assert.Empty(empty.Run());
        Assert.Equal(4 * 4, empty.Pages);   // 256 × 64 leaves, 4096 in a page
    }

    [Fact]
    public void It_names_a_ballot_that_no_version_chosen_before_it_exceeds()
    {
        var bench = new Bench(shards: Shards);
        bench.Replicas.Stores[1].SetPromised(2, Make.Ballot(7));
        bench.Replicas.Stores[3].SetPromised(0, Make.Ballot(5));
        bench.Run();
        Assert.Equal(Make.Ballot(7), bench.Scan.Promised);
    }

    [Fact]
    public void Pages_of_any_size_in_any_order_give_what_the_whole_stores_give() => Gen.Int.Sample(
        seed =>
        {
            var random = new Random(seed);
            var bench = new Bench(shards: 1 + random.Next(4));
            for (var i = random.Next(60); i > 0; i--)
            {
                int[] members = [.. Enumerable.Range(0, 4).Where(_ => random.Next(3) > 0)];
                var (version, value) = (Make.Version(1, (ulong)random.Next(1, 5)), random.Next(4) == 0 ? null : "v");
                if (random.Next(5) > 0) bench.Hold($"k{random.Next(30)}", version, value, members);
                else bench.Hear($"k{random.Next(30)}", version, value, members);
            }
            var found = bench.Run(random.Next(1, 400), random).ToDictionary(k => k.Key);
            for (var i = 0; i < 30; i++)
            {
                var key = new Key($"k{i}");
                var answers = bench.Replicas.Stores.Select(s => s.Get(key.Shard(bench.Shards), key)).ToArray();
                var newest = answers.MaxBy(a => a.Record.Version).Record;
                var votes = Enumerable.Range(0, 4).Where(m => answers[m].Record.Version == newest.Version && !answers[m].Heard).Sum(m => m == 0 ? 2 : 1);
                var expected = !newest.Held ? "absent" : votes < 3 ? "asked" : newest.IsTombstone ? "absent" : "there";
                Assert.Equal(expected, !found.TryGetValue(key, out var k) ? "absent" : k.IsDecided ? "there" : "asked");
            }
        },
        iter: 300);

    [Fact]
    public void While_owners_write_delete_and_drop_no_deleted_key_comes_back_and_no_key_is_missed()
    {
        for (var seed = 0; seed < 400; seed++) Assert.True(RunsWell(seed, Rules.Protocol), $"seed {seed}");
        Assert.Contains(Enumerable.Range(0, 400), seed => !RunsWell(seed, new AnyScan()));
    }

    // Six keys, all decided when the scan begins; then requests, deliveries and pages in an order drawn from the seed.
    private static bool RunsWell(int seed, Rules rules)
    {
        var random = new Random(seed);
        var bench = new Bench(rules: rules);
        var owner = new OwnerBench(bench.Replicas).Own();
        Key[] keys = [.. Enumerable.Range(0, 6).Select(i => new Key($"k{i}"))];
        var number = 0ul;
        foreach (var key in keys)
        {
            owner.Submit(++number, Make.Put("old"), key);
            if (random.Next(2) == 0) owner.Settle();
            if (random.Next(2) == 0) owner.Submit(++number, Operation.Delete(), key);
            owner.DeliverOnly(0, _ => true);
            owner.DeliverOnly(1 + random.Next(3), _ => true);   // done: a quorum has it, the others may not
        }
        var atBegin = keys.ToDictionary(k => k, k => bench.Replicas.Stores[0].Get(0, k).Record);
        var maybe = keys.ToDictionary(k => k, _ => (HashSet<string>)[]);
        var found = new List<ScannedKey>();
        while (!bench.Scan.IsDone)
        {
            var member = random.Next(4);
            switch (random.Next(4))
            {
                case 0:
                    var key = keys[random.Next(keys.Length)];
                    var value = random.Next(2) == 0 ? null : $"v{number}";
                    maybe[key].Add(value ?? "absent");
                    owner.Submit(++number, value is null ? Operation.Delete() : Make.Put(value), key);
                    break;
                case 1: owner.DeliverOnly(member, _ => random.Next(2) == 0); break;
                case 2: owner.Settle(); break;
                default:
                    if (bench.Scan.Wants(member)) bench.Page(member, random.Next(1, 300));
                    break;
            }
            found.AddRange(bench.Scan.Take(3));
        }
        return keys.All(key =>
        {
            var before = atBegin[key].Value is null ? "absent" : "old";
            var now = found.Where(f => f.Key == key).ToArray() switch
            {
                [] => "absent",
                [{ IsDecided: true } one] => Make.Text(one.Value)!,
                [_] => before,   // asked for
                _ => "twice",
            };
            return now == before || maybe[key].Contains(now);
        });
    }

    // Section 10's anyread, for scans.
    private sealed class AnyScan : Rules
    {
        public override bool ScanDecides(Votes votes, uint holders) => true;
    }

    private sealed class Bench
    {
        public Bench(int shards = 1, Rules? rules = null)
        {
            Shards = shards;
            Replicas = new Replicas(shards);
            Scan = new Scan(Replicas.Configuration, rules);
            for (var i = 0; i < 4; i++) Scan.Join(i);
        }

        public int Shards { get; }

        public Replicas Replicas { get; }

        public Scan Scan { get; }

        public int Pages { get; private set; }

        public void Hold(string key, Version version, string? value, params int[] members) => Keep(key, Make.Written(version, value), false, members);

        public void Hear(string key, Version version, string? value, params int[] members) => Keep(key, Make.Written(version, value), true, members);

        public ScanAnswer Read(int member, ScanPosition after, int size)
        {
            Pages++;
            return ScanServer.Read(Replicas.Stores[member], Replicas.Configuration, member, new ScanQuestion(1, 0, after, true), size);
        }

        public void Page(int member, int size = 1000) => Assert.True(Scan.Add(Read(member, Scan.Next(member), size)));

        public List<ScannedKey> Some(int size, int times)
        {
            var found = new List<ScannedKey>();
            for (; times > 0; times--)
            {
                for (var member = 0; member < 4; member++)
                {
                    if (Scan.Wants(member)) Page(member, size);
                }
                found.AddRange(Scan.Take(int.MaxValue));
            }
            return found;
        }

        public List<ScannedKey> Run(int size = 1000, Random? random = null)
        {
            var found = new List<ScannedKey>();
            while (!Scan.IsDone)
            {
                var wanting = Enumerable.Range(0, 4).Where(Scan.Wants).ToArray();
                if (wanting.Length > 0) Page(wanting[random?.Next(wanting.Length) ?? 0], size);
                found.AddRange(Scan.Take(7));
            }
            return found;
        }

        private void Keep(string name, Record record, bool heard, int[] members)
        {
            var key = new Key(name);
            foreach (var store in members.Select(m => Replicas.Stores[m]))
            {
                if (store.Get(key.Shard(Shards), key).Record.Version < record.Version) store.Put(key.Shard(Shards), key, new StoredRecord(record, heard));
            }
        }
    }
}
