// LogOf.cs - keeps the warnings of one actor system.
using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;

namespace Firecloud.Tests.Transport.Sealing;

internal sealed class LogOf
{
    private static readonly ConcurrentDictionary<string, ConcurrentQueue<string>> All = new();
    private readonly string _name = Guid.NewGuid().ToString("n");

    public LogOf() => All[_name] = new();

    public IReadOnlyCollection<string> Lines => All[_name];

    /// <summary>To be put into the system's configuration.</summary>
    public string Config => $"""
        akka.loggers = ["{typeof(Logger).FullName}, {typeof(Logger).Assembly.GetName().Name}"]
        firecloud-tests.log = "{_name}"

        """;

    internal sealed class Logger : ReceiveActor
    {
        public Logger()
        {
            Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
            var lines = All[Context.System.Settings.Config.GetString("firecloud-tests.log")];
            Receive<Warning>(w => lines.Enqueue(w.ToString()));
            Receive<Error>(e => lines.Enqueue(e.ToString()));
        }
    }
}
