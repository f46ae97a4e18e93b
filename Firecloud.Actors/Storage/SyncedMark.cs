// SyncedMark.cs - the file that says how far the store was synced, kept outside of RocksDB's log.
//
// RocksDB forgives a log that ends in the middle of a batch: that is what a crash leaves. A file system that lost the end of the
// synced log, or a flipped bit in a length near its end, looks the same, and would take back promises that were given. So every
// batch carries a number, and this file holds the highest one whose sync is done. A store that has less lost something.
//
//   2 slots, each in a page of its own (4096 bytes): number (8, little endian), XXH3 64 of these 8 bytes
//
// A batch's number goes to the slot (number mod 2), so that a write cut short leaves the other one. It is written after the sync of
// the batch and not synced itself: a killed process leaves it right, a loss of power leaves it behind at worst, which hides nothing
// that a store without it would find. A slot that is damaged leaves the other one, which is one batch behind; two damaged slots are
// damage of the store.
using System.Buffers.Binary;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace Firecloud.Actors.Storage;

internal sealed class SyncedMark : IDisposable
{
    public const string Name = "synced";
    public const string NewName = "synced.new";

    private const int SlotBytes = 16;
    private const int PageBytes = 4096;

    private readonly SafeFileHandle _file;

    private SyncedMark(string path)
    {
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        Number = Highest(path);
    }

    /// <summary>The highest batch known to be synced; 0 before the first.</summary>
    public ulong Number { get; private set; }

    /// <summary>Opens a folder's file, or null where there is none.</summary>
    /// <exception cref="DamagedStoreException">Both slots are damaged.</exception>
    public static SyncedMark? Open(string folder)
    {
        var path = Path.Combine(folder, Name);
        return File.Exists(path) ? new SyncedMark(path) : null;
    }

    /// <summary>Makes the file of a new store. It is there whole or not at all.</summary>
    public static SyncedMark Create(string folder)
    {
        var (path, cut) = (Path.Combine(folder, Name), Path.Combine(folder, NewName));
        using (var file = File.OpenHandle(cut, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, Slot(0), 0);
            RandomAccess.Write(file, Slot(0), PageBytes);
            RandomAccess.FlushToDisk(file);
        }
        File.Move(cut, path, overwrite: true);
        return new SyncedMark(path);
    }

    /// <summary>Notes a batch whose sync is done.</summary>
    /// <param name="number">Above the last one.</param>
    public void Write(ulong number)
    {
        Invariant.That(number > Number);
        RandomAccess.Write(_file, Slot(number), PageOf(number));
        Number = number;
    }

    public void Dispose() => _file.Dispose();

    private static long PageOf(ulong number) => (long)(number % 2) * PageBytes;

    private static byte[] Slot(ulong number)
    {
        var slot = new byte[SlotBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(slot, number);
        BinaryPrimitives.WriteUInt64LittleEndian(slot.AsSpan(8), XxHash3.HashToUInt64(slot.AsSpan(0, 8)));
        return slot;
    }

    private ulong Highest(string path)
    {
        var slot = new byte[SlotBytes];
        ulong? highest = null;
        for (var page = 0; page < 2; page++)
        {
            if (RandomAccess.Read(_file, slot, page * PageBytes) != SlotBytes) continue;
            var number = BinaryPrimitives.ReadUInt64LittleEndian(slot);
            if (Slot(number).AsSpan().SequenceEqual(slot) && !(highest > number)) highest = number;
        }
        if (highest is { } found) return found;
        _file.Dispose();
        throw new DamagedStoreException($"{path} is damaged in both places: how far the store was synced is not known.");
    }
}
