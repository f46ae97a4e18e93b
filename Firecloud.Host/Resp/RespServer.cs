// RespServer.cs - the node's door for clients of Redis: Kestrel takes connections (and TLS), RespConnection serves each.
//
// The listener is Kestrel's without its web server: no HTTP is spoken, nothing is read from files or the environment, and signals stay
// the node's own (NoLifetime).
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Akka.Actor;
using Akka.Event;
using Firecloud.Actors.Node;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Firecloud.Host.Resp;

/// <summary>Serves the Redis protocol at one node.</summary>
internal sealed class RespServer : IAsyncDisposable
{
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepTime = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<long, RespConnection> _clients = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly WebApplication _web;
    private readonly Timer _sweeper;
    private long _lastId;
    private int _open;

    private RespServer(ActorSystem system, FirecloudNode node, RespSettings settings, IPEndPoint address, RespTls? tls)
    {
        (Node, Settings) = (node, settings);
        Log = Logging.GetLogger(system, "resp");
        Users = new RespUsers(settings.Users);
        Audit = new RespAudit(settings.Audit, Log);
        TakesStrangers = !settings.IsProtected || Users.Any || tls?.AsksForCertificates == true;
        _web = Create(address, tls);
        _sweeper = new Timer(_ => EndIdle(), null, SweepTime, SweepTime);
    }

    public FirecloudNode Node { get; }

    public RespSettings Settings { get; }

    public RespUsers Users { get; }

    public RespAudit Audit { get; }

    public RespCounters Counters { get; } = new();

    public ILoggingAdapter Log { get; }

    public long StartedMs { get; } = Environment.TickCount64;

    /// <summary>Cancelled when the server stops.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>False: protected mode lets in this machine only.</summary>
    public bool TakesStrangers { get; }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; private set; } = new(IPAddress.None, 0);

    /// <summary>Every client.</summary>
    public IEnumerable<RespConnection> Clients => _clients.Values.Where(c => !c.IsAborted).OrderBy(c => c.Session.Id);

    public int ClientCount => _clients.Count;

    /// <summary>Starts to listen where the node's settings say.</summary>
    /// <param name="system">For its log.</param>
    /// <param name="node">The node; its settings name an address.</param>
    /// <exception cref="RespStartException">The address or the certificates can't be used; the message says why.</exception>
    public static async Task<RespServer> StartAsync(ActorSystem system, FirecloudNode node)
    {
        var settings = node.Settings.Resp;
        var tls = RespTls.Load(settings);
        var server = new RespServer(system, node, settings, await settings.ResolveAsync(), tls);
        try
        {
            await server._web.StartAsync();
            var bound = new Uri(server._web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
            server.Address = new IPEndPoint(IPAddress.Parse(bound.Host), bound.Port);
            return server;
        }
        catch (IOException e)
        {
            await server.DisposeAsync();
            throw new RespStartException($"TCP {settings.Listen} can't be used (firecloud.resp.listen): {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync();
        await _stopping.CancelAsync();
        foreach (var client in Clients) client.Abort("The node stops.");
        using var late = new CancellationTokenSource(StopTime);
        await _web.StopAsync(late.Token);
        await _web.DisposeAsync();
        _stopping.Dispose();
    }

    /// <summary>Serves one connection to its end.</summary>
    public async Task ServeAsync(ConnectionContext context)
    {
        var refusal = WhyNot((context.RemoteEndPoint as IPEndPoint)?.Address);
        if (refusal is null && Interlocked.Increment(ref _open) > Settings.MaxClients)
        {
            Interlocked.Decrement(ref _open);
            refusal = "ERR max number of clients reached";
        }
        if (refusal is not null)
        {
            Counters.CountRejected();
            await context.Transport.Output.WriteAsync(Encoding.UTF8.GetBytes($"-{refusal}\r\n"));
            return;
        }
        var session = new RespSession
        {
            Id = Interlocked.Increment(ref _lastId), From = context.RemoteEndPoint, At = context.LocalEndPoint,
            User = Users.Any ? null : RespUser.Everybody,
        };
        var connection = new RespConnection(this, context, session);
        _clients[session.Id] = connection;
        Counters.CountConnection();
        try
        {
            await connection.RunAsync();
        }
        catch (ConnectionAbortedException e)
        {
            Log.Warning("The client {0} was cut off: {1}", session.From, e.Message);
            context.Abort(e);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // It went, or the node ends.
        }
        catch (Exception e)
        {
            Log.Error(e, "The client {0} was cut off by a bug, in {1}: please report it", session.From, session.LastCommand);
            context.Abort(new ConnectionAbortedException(e.Message));
        }
        finally
        {
            _clients.TryRemove(session.Id, out _);
            Interlocked.Decrement(ref _open);
        }
    }

    /// <summary>Why a client from there is not served, or null.</summary>
    internal string? WhyNot(IPAddress? from)
    {
        if (TakesStrangers || (from is not null && IPAddress.IsLoopback(from))) return null;
        return "DENIED Firecloud is in protected mode: no users and no client certificates are set up, so only this machine is served. "
            + "Set firecloud.resp.users, or firecloud.resp.tls.client-ca, or, in a network that keeps strangers away, "
            + "firecloud.resp.protected-mode = off.";
    }

    private void EndIdle()
    {
        if (Settings.IdleTimeoutMs == 0) return;
        var before = Environment.TickCount64 - Settings.IdleTimeoutMs;
        foreach (var client in _clients.Values.Where(c => c.Session.LastMs < before)) client.Abort("It was idle (firecloud.resp.idle-timeout).");
    }

    private WebApplication Create(IPEndPoint address, RespTls? tls)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddLogging();
        // A client is served by the thread that its socket's event came to: nothing here holds a thread up. And what it sends is read in one
        // system call instead of two, for 4 KiB more per idle client.
        builder.WebHost.UseKestrelCore().UseSockets(sockets =>
            (sockets.UnsafePreferInlineScheduling, sockets.WaitForDataBeforeAllocatingBuffer) = (true, false));
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(address, listen =>
            {
                listen.Protocols = HttpProtocols.None;
                if (tls is not null) listen.UseHttps(tls.Options());
                listen.Run(ServeAsync);
            });
        });
        return builder.Build();
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The server can't start; the message says why and what to do.</summary>
internal sealed class RespStartException(string message, Exception? cause = null) : Exception(message, cause);
