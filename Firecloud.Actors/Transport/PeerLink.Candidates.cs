// PeerLink.Candidates.cs - sessions that a peer asked for and has not proved yet, and which secret a link uses.
//
// A Hello, also one with a good cookie, may be a recorded one. So it gets an answer with a new number of ours and nothing else:
// the session begins, and the one before it ends, with the first packet that is sealed under both numbers. Whoever only
// sends old datagrams again can't make one. Without a secret the same is done, though it proves less.
using Akka.Actor;

namespace Firecloud.Actors.Transport;

internal sealed partial class PeerLink
{
    /// <summary>More than one, so that a stale Hello does not push out the one under way.</summary>
    private const int MaxCandidates = 4;

    private sealed record Candidate(Hello Hello, ulong Number, ulong Token, ISeal Seal, SecretKey? Key, long Since);

    private readonly List<Candidate> _candidates = [];

    private volatile byte _agreed;

    /// <summary>The members' secret that the session agreed on, which the peer has too; 0 for none. Any thread.</summary>
    public byte AgreedKeyId => _agreed;

    private bool IsClient => _key is { IsClients: true };

    /// <summary>The secrets to begin with: the members', or the clients' if the peer came with such a one.</summary>
    private IReadOnlyList<SecretKey>? OwnKeys => IsClient && !IsKept ? _node.Settings.Ring?.Clients : _node.Settings.Ring?.Members;

    /// <summary>Whether a message may go to Akka; if not, it is counted.</summary>
    /// <param name="guard">Null for members.</param>
    /// <param name="message">As Akka's protocol has it.</param>
    public bool Allows(ClientGuard? guard, ReadOnlySpan<byte> message)
    {
        if (guard?.Allows(message) ?? (_node.Settings.SystemMessages || !ClientGuard.IsSystemMessage(message))) return true;
        _node.Refusals.CountMessage(guard is null
            ? $"{Name} sends a system message of Akka (watch or stop), which this node takes from nobody"
            : $"{Name} proved only the clients' secret and sends what only members may");
        return false;
    }

    /// <summary>A Hello whose cookie proves its source.</summary>
    /// <param name="hello">What it says.</param>
    /// <param name="keyId">The secret that sealed it; its answer is sealed with the same.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="via">Member that relayed it; -1 if it came directly.</param>
    public void OnHello(in Hello hello, byte keyId, long now, int via)
    {
        lock (_gate)
        {
            if (_oldNumbers.Contains(hello.Number) || !MayAgree(hello, keyId)) return;
            var number = _number;
            if (_session is null || _peerNumber != hello.Number) number = CandidateFor(hello, keyId, now).Number;
            _node.SendHello(DatagramKind.HelloAck, new Hello(0, number, hello.Number, 0, 0, ""), keyId, Target, Key, echo: via);
            Rearm();
        }
        RequestPump(inline: true);
    }

    private Candidate CandidateFor(in Hello hello, byte keyId, long now)
    {
        foreach (var known in _candidates)
        {
            if (known.Hello.Number == hello.Number) return known;
        }
        if (_candidates.Count == MaxCandidates) Drop(_candidates[0]);
        // While we ask ourselves, both sides shall come to the same session, whichever question is answered first.
        var candidate = NewCandidate(hello, IsConnecting ? _number : UdpNode.RandomNumber(), keyId, now);
        _candidates.Add(candidate);
        _node.Register(candidate.Token, this);
        return candidate;
    }

    private Candidate NewCandidate(in Hello hello, ulong number, byte keyId, long now)
    {
        var numbers = new SessionNumbers(_node.Boot, number, hello.Boot, hello.Number);
        var key = _node.Settings.Ring?.Find(keyId);
        ISeal seal = key is null ? ChecksumSeal.Instance : new SessionSeal(_node.Settings.Ring!, key, numbers);
        return new Candidate(hello, number, numbers.Token, seal, key, now);
    }

    /// <summary>Opens a datagram of the session, or the first one of a candidate, which then becomes the session.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="datagram">Opened in place.</param>
    /// <param name="now">Microseconds.</param>
    /// <param name="payload">Empty when it is dropped.</param>
    /// <returns>Why it is dropped; None also where its session has just ended.</returns>
    private DatagramError Open(in DatagramHeader header, Span<byte> datagram, long now, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        var token = header.Token;
        var candidate = _session?.Token == token ? null : _candidates.Find(c => c.Token == token);
        if ((candidate?.Seal ?? (_session?.Token == token ? _session.Seal : null)) is not { } seal) return DatagramError.None;
        if (datagram.Length < DatagramHeader.Size + seal.Overhead) return DatagramError.Malformed;
        var error = seal.Open(datagram);
        if (error == DatagramError.Replayed) _session?.CountDuplicate();
        if (error != DatagramError.None) return error;
        if (candidate is not null)
        {
            Retire(reconnect: false, now);
            Establish(candidate, now);
        }
        payload = datagram[DatagramHeader.Size..^seal.Overhead];
        return DatagramError.None;
    }

    /// <summary>Whether a peer may agree on a session under a secret: clients may not pose as members, nor as each other.</summary>
    private bool MayAgree(in Hello hello, byte keyId)
    {
        if (_node.Settings.Ring?.Find(keyId) is not { IsClients: true }) return true;
        var address = ActorPath.TryParseAddress(hello.Address, out var parsed) ? parsed : null;
        var isItself = address?.Host is { } host && address.Port == Remote.Port
            && (!System.Net.IPAddress.TryParse(host, out var claimed) || claimed.Equals(Remote.Address));
        if (isItself && !_node.IsKept(address, Remote) && (IsClient || _session is not { Reachable: true })) return true;
        _node.Refusals.CountMessage($"{Remote} calls itself {address} and proved only the clients' secret");
        return false;
    }

    /// <summary>Whether a datagram is of the same class as what this link uses: a client's secret says nothing about members.</summary>
    private bool IsOurs(byte keyId) => _node.Settings.Ring?.Find(keyId)?.IsClients == _key?.IsClients;

    /// <summary>The peer may have another one of our secrets only, while they are being changed.</summary>
    private void TryNextKey()
    {
        if (OwnKeys is not { Count: > 1 } keys) return;
        var at = 0;
        while (at < keys.Count && keys[at] != _key) at++;
        _key = keys[(at + 1) % keys.Count];
    }

    private ClientGuard? NewGuard() => IsClient && _peerAddress is { Host: { } host, Port: { } port }
        ? new ClientGuard(_node.Settings.Clients, _peerAddress.System, host, port)
        : null;

    private void ForgetOldCandidates(long now)
    {
        for (var i = _candidates.Count - 1; i >= 0; i--)
        {
            if (now - _candidates[i].Since > 2 * _node.Settings.ConnectTimeout) Drop(_candidates[i]);
        }
    }

    private void DropCandidates()
    {
        while (_candidates.Count > 0) Drop(_candidates[^1]);
    }

    private void Drop(Candidate candidate)
    {
        _candidates.Remove(candidate);
        _node.Unregister(candidate.Token);
        (candidate.Seal as IDisposable)?.Dispose();
    }
}
