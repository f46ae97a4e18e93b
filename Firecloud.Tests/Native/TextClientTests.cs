using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Firecloud.Client.Native;
using Xunit;

namespace Firecloud.Tests.Native;

/// <summary>The library's calls, against servers that do what the test says.</summary>
public sealed class TextClientTests : IDisposable
{
    private const int Forever = 120_000;

    private readonly FakeServer[] _servers = [new(), new(), new(), new()];
    private readonly List<TextClient> _clients = [];

    public void Dispose()
    {
        foreach (var client in _clients) client.Dispose();
        foreach (var server in _servers) server.Dispose();
    }

    [Fact]
    public void The_first_of_the_list_is_asked_first_and_then_the_one_that_answered_last()
    {
        var client = Client();
        Assert.Equal(0, FirstAsked(client));
        Mark(client, 0, failed: true);
        Assert.Equal(1, FirstAsked(client));
        Mark(client, 0, failed: false);
        _servers[2].Answer = "OK [ID] [c]";
        Assert.Equal("c", Get(client));
        _servers[2].Answer = null;
        Assert.Equal(2, FirstAsked(client));
        Mark(client, 2, failed: true);
        Assert.Equal(3, FirstAsked(client));
        Mark(client, 3, failed: true);
        Assert.Equal(0, FirstAsked(client));
    }

    [Fact]
    public void A_call_asks_one_server_after_the_other_with_one_text_from_one_address()
    {
        _servers[3].Answer = "OK [ID] [old]";
        Span<byte> old = stackalloc byte[2048];
        Assert.Equal(3, Client().Put("key"u8, "value"u8, old));
        Assert.Equal("old", Encoding.UTF8.GetString(old[..3]));
        Assert.All(_servers, s => Assert.NotEmpty(s.Heard));
        var (text, from) = Assert.Single(_servers.SelectMany(s => s.Heard).Distinct());
        Assert.Matches(@"^PUT \[key\] \[value\] \[\d+\]$", text);
        Assert.Equal(IPAddress.Loopback, from.Address);
    }

    [Fact]
    public async Task No_two_calls_share_an_id()
    {
        foreach (var server in _servers) server.Answer = "OK [ID] []";
        var (one, other) = (Client(), Client());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(() =>
        {
            for (var i = 0; i < 100; i++) Assert.Equal("", Get(t % 2 == 0 ? one : other));
        })));
        Assert.Equal(800, _servers.SelectMany(s => s.Heard).Select(h => h.Text).Distinct().Count());
    }

    [Fact]
    public void A_server_that_says_no_is_not_asked_again_and_the_next_one_is()
    {
        for (var i = 0; i < 3; i++) _servers[i].Answer = "FL [ID]";
        _servers[3].Answer = "OK [ID] [yes]";
        Assert.Equal("yes", Get(Client()));
    }

    [Fact]
    public void The_call_fails_when_all_have_said_no()
    {
        foreach (var server in _servers) server.Answer = "FL [ID]";
        var begin = Stopwatch.GetTimestamp();
        Assert.Null(Get(Client()));
        Assert.True(Stopwatch.GetElapsedTime(begin).TotalMilliseconds < Forever / 2);
        Assert.All(_servers, s => Assert.NotEmpty(s.Heard));
    }

    [Fact]
    public void The_call_fails_when_nobody_answers_in_time()
    {
        Assert.Null(Get(Client(200)));
        Assert.All(_servers, s => Assert.NotEmpty(s.Heard));
    }

    [Fact]
    public void A_server_that_lost_the_first_datagram_is_asked_again()
    {
        _servers[2].Answer = "OK [ID] [late]";
        _servers[2].Deaf = 2;
        Assert.Equal("late", Get(Client()));
        Assert.True(_servers[2].Heard.Count >= 3);
    }

    [Fact]
    public void The_waits_are_the_original_s_and_then_grow()
    {
        Assert.Equal([8, 13, 50, 100, 200, 400, 400], Enumerable.Range(0, 7).Select(TextClient.WaitMs));
    }

    [Fact]
    public void A_failed_server_gets_nothing_and_its_answers_are_ignored()
    {
        var client = Client(500);
        _servers[0].Answer = "OK [ID] [a]";
        // The mark comes between the question and the answer.
        _servers[0].BeforeAnswer = () => Mark(client, 0, failed: true);
        Assert.Null(Get(client));
        var heard = _servers[0].Heard.Count;
        _servers[1].Answer = "OK [ID] [b]";
        Assert.Equal("b", Get(client));
        Assert.Equal(heard, _servers[0].Heard.Count);
    }

    [Fact]
    public void With_all_servers_failed_nothing_is_sent()
    {
        var client = Client();
        for (var i = 0; i < 4; i++) Mark(client, i, failed: true);
        Assert.Null(Get(client));
        Assert.Equal(-1, client.Put("k"u8, "v"u8, new byte[2048]));
        Assert.All(_servers, s => Assert.Empty(s.Heard));
        client.Mark("127.0.0.1:1"u8, failed: false);
        Assert.Null(Get(client));
    }

    [Theory]
    [InlineData("OK [1] [wrong id]")]
    [InlineData("OK [ID] [no end")]
    [InlineData("ER [ID]")]
    [InlineData("")]
    public void What_is_no_answer_is_ignored(string text)
    {
        foreach (var server in _servers) server.Answer = text + "\nOK [ID] [answer]";
        Assert.Equal("answer", Get(Client()));
    }

    [Fact]
    public void An_answer_of_a_stranger_is_ignored()
    {
        using var stranger = new FakeServer();
        foreach (var server in _servers) server.AnswersFirstFrom = stranger;
        foreach (var server in _servers) server.Answer = "OK [ID] [stranger]\nOK [ID] [answer]";
        Assert.Equal("answer", Get(Client()));
    }

    [Fact]
    public void A_value_that_is_no_C_string_is_a_failure()
    {
        foreach (var server in _servers) server.Answer = "OK [ID] [a\0b]";
        Assert.Null(Get(Client()));
    }

    [Fact]
    public void What_breaks_a_rule_is_not_sent()
    {
        var client = Client();
        Assert.Equal(-1, client.Get(""u8, new byte[2048]));
        Assert.Equal(-1, client.Get("a]"u8, new byte[2048]));
        Assert.Equal(-1, client.Put("k"u8, new byte[2049], new byte[2048]));
        Assert.Equal(-1, client.Put(new byte[129], "v"u8, new byte[2048]));
        Assert.All(_servers, s => Assert.Empty(s.Heard));
    }

    [Theory]
    [InlineData("127.0.0.1:1", true)]
    [InlineData("localhost:65535", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.0.0.1:", false)]
    [InlineData(":1", false)]
    [InlineData("127.0.0.1:0", false)]
    [InlineData("127.0.0.1:65536", false)]
    [InlineData("127.0.0.1:1x", false)]
    [InlineData("127.0.0.1:+1", false)]
    [InlineData("0.0.0.0:1", false)]
    [InlineData("224.0.0.1:1", false)]
    [InlineData("[::1]:1", false)]
    [InlineData("::1:1", false)]
    [InlineData("", false)]
    public void A_server_is_host_and_port(string name, bool isServer) => Assert.Equal(isServer, Server.TryCreate(Encoding.UTF8.GetBytes(name)) is not null);

    [Fact]
    public void A_list_names_each_server_once_and_not_too_many()
    {
        Assert.Null(TextClient.TryCreate([]));
        Assert.Null(TextClient.TryCreate(["127.0.0.1:1"u8.ToArray(), "127.0.0.2:1"u8.ToArray(), "127.0.0.1:01"u8.ToArray()]));
        var many = Enumerable.Range(1, TextClient.MaxServers + 1).Select(p => Encoding.UTF8.GetBytes($"127.0.0.1:{p}")).ToList();
        Assert.Null(TextClient.TryCreate(many));
        Assert.NotNull(TextClient.TryCreate(many[1..]));
    }

    private static string? Get(TextClient client)
    {
        var value = new byte[2048];
        var length = client.Get("key"u8, value);
        return length < 0 ? null : Encoding.UTF8.GetString(value.AsSpan(0, length));
    }

    // A call that ends before its first wait does asks one server, or none on a machine that was busy meanwhile.
    private int FirstAsked(TextClient client)
    {
        var before = _servers.Select(s => s.Heard.Count).ToArray();
        client.PatienceMs = 5;
        while (true)
        {
            Assert.Null(Get(client));
            var asked = Enumerable.Range(0, 4).Where(i => _servers[i].Heard.Count > before[i]).ToList();
            if (asked.Count == 0) continue;
            client.PatienceMs = Forever;
            return Assert.Single(asked);
        }
    }

    private void Mark(TextClient client, int server, bool failed) => client.Mark(_servers[server].Name, failed);

    private TextClient Client(int patienceMs = Forever)
    {
        var client = TextClient.TryCreate([.. _servers.Select(s => s.Name)])!;
        client.PatienceMs = patienceMs;
        _clients.Add(client);
        return client;
    }

    /// <summary>A socket with a thread that notes what comes, and answers if it is told what.</summary>
    private sealed class FakeServer : IDisposable
    {
        private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly BlockingCollection<bool> _marks = [];
        private readonly List<(string Text, IPEndPoint From)> _heard = [];
        private readonly Thread _thread;
        private volatile string? _answer;
        private volatile Action? _beforeAnswer;

        public FakeServer()
        {
            EndPoint = (IPEndPoint)_socket.Client.LocalEndPoint!;
            _thread = new Thread(Serve) { IsBackground = true };
            _thread.Start();
        }

        public IPEndPoint EndPoint { get; }

        public byte[] Name => Encoding.ASCII.GetBytes(EndPoint.ToString());

        /// <summary>Datagrams, one a line, with ID for the id that was asked; null: none.</summary>
        public string? Answer
        {
            set => _answer = value;
        }

        public Action? BeforeAnswer
        {
            set => _beforeAnswer = value;
        }

        /// <summary>So many datagrams are not answered.</summary>
        public int Deaf { get; set; }

        /// <summary>Sends the first line of the answer.</summary>
        public FakeServer? AnswersFirstFrom { get; set; }

        /// <summary>All that was sent to it so far: what is still in the socket is read before.</summary>
        public IReadOnlyList<(string Text, IPEndPoint From)> Heard
        {
            get
            {
                using var socket = new UdpClient(AddressFamily.InterNetwork);
                socket.Send("mark"u8, EndPoint);
                Assert.True(_marks.TryTake(out _, Forever));
                lock (_heard) return [.. _heard];
            }
        }

        public void Dispose()
        {
            // Closing a socket does not wake who waits at it.
            using (var socket = new UdpClient(AddressFamily.InterNetwork)) socket.Send("end"u8, EndPoint);
            _thread.Join();
            _socket.Dispose();
            _marks.Dispose();
        }

        private void Serve()
        {
            while (true)
            {
                var from = new IPEndPoint(IPAddress.Any, 0);
                var text = Encoding.UTF8.GetString(_socket.Receive(ref from));
                if (text == "end") return;
                if (text == "mark") _marks.Add(true);
                else Take(text, from);
            }
        }

        private void Take(string text, IPEndPoint from)
        {
            lock (_heard)
            {
                _heard.Add((text, from));
                if (_heard.Count <= Deaf) return;
            }
            if (_answer is not { } answer) return;
            _beforeAnswer?.Invoke();
            var id = text[(text.LastIndexOf('[') + 1)..^1];
            var lines = answer.Replace("ID", id, StringComparison.Ordinal).Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                (i == 0 ? AnswersFirstFrom ?? this : this)._socket.Send(Encoding.UTF8.GetBytes(lines[i]), from);
            }
        }
    }
}
