// EtcdMessages.cs - the few messages of etcd's API that the load needs, in the encoding of Protocol Buffers. Numbers of fields are
// those of the public API, etcdserverpb.KV in rpc.proto.
namespace Firecloud.Bench.Peers.Etcd;

/// <summary>Writes requests.</summary>
internal static class EtcdMessages
{
    private const int Equal = 0;
    private const int ValueOf = 3;

    /// <summary>PutRequest: key = 1, value = 2.</summary>
    public static byte[] Put(byte[] key, byte[] value)
    {
        var bytes = new byte[SizeOf(key.Length) + SizeOf(value.Length)];
        Field(2, value, bytes, Field(1, key, bytes, 0));
        return bytes;
    }

    /// <summary>RangeRequest of one key, linearizable as is the default: key = 1.</summary>
    public static byte[] Range(byte[] key)
    {
        var bytes = new byte[SizeOf(key.Length)];
        Field(1, key, bytes, 0);
        return bytes;
    }

    /// <summary>
    /// TxnRequest: compare = 1 (result = 1, target = 2, key = 3, value = 7), success = 2 (request_put = 2).
    /// </summary>
    public static byte[] Swap(byte[] key, byte[] expected, byte[] value)
    {
        var compare = new byte[4 + SizeOf(key.Length) + SizeOf(expected.Length)];
        ReadOnlySpan<byte> head = [1 << 3, Equal, 2 << 3, ValueOf];
        head.CopyTo(compare);
        Field(7, expected, compare, Field(3, key, compare, head.Length));
        var put = Put(key, value);
        var operation = new byte[SizeOf(put.Length)];
        Field(2, put, operation, 0);
        var bytes = new byte[SizeOf(compare.Length) + SizeOf(operation.Length)];
        Field(2, operation, bytes, Field(1, compare, bytes, 0));
        return bytes;
    }

    /// <summary>Length of the value of the first key of a RangeResponse (kvs = 2, with value = 5); -1 for none.</summary>
    public static int ValueLength(ReadOnlySpan<byte> response) => Find(response, 2, out var pair) && Find(pair, 5, out var value) ? value.Length : -1;

    /// <summary>Whether a TxnResponse has succeeded (= 2).</summary>
    public static bool Succeeded(ReadOnlySpan<byte> response)
    {
        var at = 0;
        while (at < response.Length)
        {
            var tag = Varint(response, ref at);
            var number = Varint(response, ref at);
            if (tag == 2 << 3) return number == 1;
            if ((tag & 7) == 2) at += (int)number;
        }
        return false;
    }

    // The first field of a number, which has a length.
    private static bool Find(ReadOnlySpan<byte> message, int field, out ReadOnlySpan<byte> found)
    {
        var at = 0;
        while (at < message.Length)
        {
            var tag = Varint(message, ref at);
            var number = Varint(message, ref at);   // a number, or a length
            if ((tag & 7) != 2) continue;
            found = message.Slice(at, (int)number);
            if ((int)(tag >> 3) == field) return true;
            at += (int)number;
        }
        found = default;
        return false;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong number = 0;
        for (var shift = 0; ; shift += 7)
        {
            var one = bytes[at++];
            number |= (ulong)(one & 127) << shift;
            if (one < 128) return number;
        }
    }

    private static int Field(int number, ReadOnlySpan<byte> value, Span<byte> into, int at)
    {
        into[at++] = (byte)(number << 3 | 2);
        var length = (uint)value.Length;
        for (; length > 127; length >>= 7) into[at++] = (byte)(length | 128);
        into[at++] = (byte)length;
        value.CopyTo(into[at..]);
        return at + value.Length;
    }

    private static int SizeOf(int length)
    {
        var size = 2 + length;
        for (var rest = length; rest > 127; rest >>= 7) size++;
        return size;
    }
}
