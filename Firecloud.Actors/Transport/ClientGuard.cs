// ClientGuard.cs - what a peer that proved only the clients' secret may say to Akka: who it is, heartbeats, goodbye, and messages
// to a few paths in a few serializations. Everything else is dropped before Akka sees it: system messages (a remote watch or
// stop), other actors, other serializers, and the name of another peer, with which it could take over its association.
//
// Reads Akka's own protocol (protobuf: AkkaProtocolMessage in WireFormats.proto of Akka.Remote) as strictly as possible: a
// field that is unknown, or there twice, is refused, so that Akka can't read it in another way.
using System.Text;

namespace Firecloud.Actors.Transport;

/// <summary>What clients may reach.</summary>
/// <param name="paths">Paths of actors without address, for example /user/service.</param>
/// <param name="serializers">Akka's numbers of serializers.</param>
internal sealed class ClientRights(IEnumerable<string> paths, IEnumerable<int> serializers)
{
    private readonly byte[][] _paths = [.. paths.Select(Encoding.ASCII.GetBytes)];
    private readonly HashSet<int> _serializers = [.. serializers];

    public bool Serializer(ulong number) => number <= int.MaxValue && _serializers.Contains((int)number);

    /// <summary>Whether a whole path, such as akka.udp://system@host:1/user/service#12, is one of those allowed.</summary>
    public bool Path(ReadOnlySpan<byte> path)
    {
        var authority = path.IndexOf("://"u8);
        if (authority < 0) return false;
        path = path[(authority + 3)..];
        var local = path.IndexOf((byte)'/');
        if (local < 0) return false;
        path = path[local..];
        var uid = path.IndexOf((byte)'#');
        if (uid >= 0) path = path[..uid];
        foreach (var allowed in _paths)
        {
            if (path.SequenceEqual(allowed)) return true;
        }
        return false;
    }
}

/// <summary>The rights of one client.</summary>
/// <param name="rights">What it may reach.</param>
/// <param name="system">Its system's name.</param>
/// <param name="host">Its host, as its handshake had it.</param>
/// <param name="port">Its port.</param>
internal sealed class ClientGuard(ClientRights rights, string system, string host, int port)
{
    private const ulong NoSequence = ulong.MaxValue;  // Akka's mark of a message that is no system message

    private readonly byte[] _system = Encoding.UTF8.GetBytes(system);
    private readonly byte[] _host = Encoding.UTF8.GetBytes(host);

    /// <summary>Whether one of the client's messages may go to Akka.</summary>
    public bool Allows(ReadOnlySpan<byte> message)
    {
        var fields = new ProtoReader(message);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            var allowed = fields.Field switch
            {
                1 => fields.IsBytes && Envelopes(fields.Bytes),
                2 => fields.IsBytes && Control(fields.Bytes),
                _ => false,
            };
            if (!allowed) return false;
        }
        return fields.AtEnd;
    }

    /// <summary>Whether a message is one of Akka's system messages: its envelope has a sequence number.</summary>
    public static bool IsSystemMessage(ReadOnlySpan<byte> message)
    {
        foreach (var field in (ReadOnlySpan<int>)[1, 2])
        {
            var fields = new ProtoReader(message);
            var (seen, found) = (0u, false);
            while (fields.Next(ref seen))
            {
                if (fields.Field != field || !fields.IsBytes) continue;
                message = fields.Bytes;
                found = true;
            }
            if (!found) return !fields.AtEnd;  // what is no message here must not be one to Akka
        }
        var envelope = new ProtoReader(message);
        var parts = 0u;
        while (envelope.Next(ref parts))
        {
            if (envelope.Field == 5 && !envelope.IsBytes && envelope.Number != NoSequence) return true;
        }
        return !envelope.AtEnd;
    }

    private bool Control(ReadOnlySpan<byte> control)
    {
        var fields = new ProtoReader(control);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            // 1: the command, any. 2: who it is.
            if (fields.Field == 1 ? fields.IsBytes : fields.Field != 2 || !fields.IsBytes || !Introduction(fields.Bytes)) return false;
        }
        return fields.AtEnd;
    }

    private bool Introduction(ReadOnlySpan<byte> introduction)
    {
        var fields = new ProtoReader(introduction);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            if (fields.Field is < 1 or > 3 || (fields.Field == 1 && !(fields.IsBytes && IsItself(fields.Bytes)))) return false;
        }
        return fields.AtEnd && (seen & 1 << 1) != 0;
    }

    private bool IsItself(ReadOnlySpan<byte> address)
    {
        var fields = new ProtoReader(address);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            var fits = fields.Field switch
            {
                1 => fields.IsBytes && fields.Bytes.SequenceEqual(_system),
                2 => fields.IsBytes && fields.Bytes.SequenceEqual(_host),
                3 => !fields.IsBytes && fields.Number == (ulong)port,
                4 => fields.IsBytes,
                _ => false,
            };
            if (!fits) return false;
        }
        return fields.AtEnd && (seen & 0b1110) == 0b1110;
    }

    // 1: an acknowledgement of system messages; the node never sends a client any, so Akka ignores it. 2: a message.
    private bool Envelopes(ReadOnlySpan<byte> container)
    {
        var fields = new ProtoReader(container);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            if (fields.Field != 2 || !fields.IsBytes || !Envelope(fields.Bytes)) return false;
        }
        return fields.AtEnd;
    }

    private bool Envelope(ReadOnlySpan<byte> envelope)
    {
        var fields = new ProtoReader(envelope);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            var allowed = fields.Field switch
            {
                1 => fields.IsBytes && Recipient(fields.Bytes),
                2 => fields.IsBytes && Payload(fields.Bytes),
                4 => fields.IsBytes,
                5 => !fields.IsBytes && fields.Number == NoSequence,
                _ => false,
            };
            if (!allowed) return false;
        }
        return fields.AtEnd && (seen & 0b100110) == 0b100110;
    }

    private bool Recipient(ReadOnlySpan<byte> recipient)
    {
        var fields = new ProtoReader(recipient);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            if (fields.Field != 1 || !fields.IsBytes || !rights.Path(fields.Bytes)) return false;
        }
        return fields.AtEnd && seen != 0;
    }

    private bool Payload(ReadOnlySpan<byte> payload)
    {
        var fields = new ProtoReader(payload);
        var seen = 0u;
        while (fields.Next(ref seen))
        {
            var allowed = fields.Field switch
            {
                1 or 3 => fields.IsBytes,
                2 => !fields.IsBytes && rights.Serializer(fields.Number),
                _ => false,
            };
            if (!allowed) return false;
        }
        return fields.AtEnd && (seen & 1 << 2) != 0;
    }
}
