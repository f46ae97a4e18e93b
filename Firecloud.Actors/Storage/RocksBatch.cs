using Firecloud.Actors.Wire;
using RocksDbSharp;

namespace Firecloud.Actors.Storage;

/// <summary>What one sync writes, as RocksDB wants it. One for all syncs of a store: nothing is allocated for a record.</summary>
internal sealed class RocksBatch : IDisposable
{
    private const int MostKept = 1 << 20;

    private WireWriter _value = new();
    private byte[] _key = new byte[256];
    private int _keyLength;

    public WriteBatch Batch { get; } = new();

    /// <summary>Bytes of the whole batch.</summary>
    public long Size
    {
        get
        {
            _ = Native.Instance.rocksdb_writebatch_data(Batch.Handle, out var size);
            return (long)size;
        }
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        Batch.Clear();
        if (_value.Length > MostKept) _value = new WireWriter();
    }

    /// <summary>Begins an entry; the rest of its value is to be written to what is returned, and <see cref="End"/> called.</summary>
    public WireWriter Begin(RocksTable table, int shard, int leaf, ReadOnlySpan<byte> key)
    {
        _keyLength = RocksLayout.PrefixLength + key.Length;
        if (_key.Length < _keyLength) _key = new byte[2 * _keyLength];
        RocksLayout.WriteKey(_key, table, shard, leaf, key);
        _value.Reset();
        _value.Fixed64(0);   // the sum's place
        return _value;
    }

    /// <summary>Ends the entry that was begun.</summary>
    public void End()
    {
        var key = _key.AsSpan(0, _keyLength);
        _value.SetFirst64(RocksLayout.SumOf(key, _value.Written[RocksLayout.SumLength..]));
        Batch.Put(key, _value.Written);
    }

    /// <summary>An entry that is not written often.</summary>
    public void Put(byte[] key, WireWriter rest) => Batch.Put(key, RocksLayout.Seal(key, rest));

    public void Delete(byte[] key) => Batch.Delete(key);

    public void Dispose() => Batch.Dispose();
}
