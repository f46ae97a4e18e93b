// Secrets.cs - reads the secrets of the configuration. No message of it ever holds one.
using Akka.Configuration;

namespace Firecloud.Actors.Transport;

/// <summary>Where secrets come from.</summary>
public static class Secrets
{
    private const string FilePrefix = "file:";

    /// <summary>The secret to give to clients: derived from one of the members', and not to be turned back.</summary>
    /// <param name="members">A secret as in the configuration: the text itself, or "file:PATH", of which the first is taken.</param>
    /// <exception cref="ConfigurationException">The file can't be read, or the secret is too short.</exception>
    public static string ForClients(string members) => KeyRing.ClientSecret(Expand("the secret", members).First());

    internal static KeyRing? Read(Config section)
    {
        var (members, clients) = (List(section, "secrets"), List(section, "client-secrets"));
        if (members.Count > 0) return new KeyRing(members, clients);
        return clients.Count == 0 ? null : throw new ConfigurationException(
            $"{UdpSettings.Section}.client-secrets is set and secrets is not; the members need a secret of their own first.");
    }

    private static List<string> List(Config section, string key)
    {
        IList<string> entries;
        try
        {
            entries = section.GetStringList(key) ?? [];
            if (section.GetValue(key) is { } value && value.IsObject()) throw new FormatException();
        }
        catch (Exception e) when (e is not ConfigurationException)
        {
            // Without the cause, which may quote the value.
            throw new ConfigurationException($"{UdpSettings.Section}.{key} must be a list of texts, for example [\"file:/etc/firecloud/secret\"].");
        }
        var secrets = entries.SelectMany((entry, i) => Expand($"{UdpSettings.Section}.{key}[{i}]", entry)).ToList();
        return secrets.Count <= KeyRing.MaxSecrets ? secrets : throw new ConfigurationException(
            $"{UdpSettings.Section}.{key} has {secrets.Count} secrets; at most {KeyRing.MaxSecrets} are allowed. Take those out that nobody uses any more.");
    }

    private static List<string> Expand(string name, string entry)
    {
        if (!entry.StartsWith(FilePrefix, StringComparison.Ordinal)) return [Checked(name, entry.Trim())];
        var path = entry[FilePrefix.Length..];
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ConfigurationException($"{name}: the file {path} can't be read: {e.Message}", e);
        }
        var secrets = lines.Select(line => line.Trim()).Where(line => line.Length > 0).ToList();
        if (secrets.Count == 0) throw new ConfigurationException($"{name}: the file {path} is empty; it needs one secret per line, newest first.");
        return [.. secrets.Select((secret, i) => Checked($"{name}, {path} line {i + 1}", secret))];
    }

    private static string Checked(string name, string secret) => secret.Length >= KeyRing.MinLength ? secret : throw new ConfigurationException(
        $"{name} has {secret.Length} characters; at least {KeyRing.MinLength} are needed, better 32 random bytes: openssl rand -base64 32.");
}
