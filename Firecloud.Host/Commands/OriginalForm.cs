using System.Globalization;
using Akka.Configuration;
using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;

namespace Firecloud.Host.Commands;

/// <summary>INDEX host:port host:port host:port host:port, as the original server was started.</summary>
internal static class OriginalForm
{
    /// <summary>The configuration that the arguments stand for.</summary>
    /// <param name="arguments">INDEX from 0, then every member's address.</param>
    /// <exception cref="ConfigurationException">An argument can't work; the message says which.</exception>
    public static Config Read(IReadOnlyList<string> arguments)
    {
        var addresses = arguments.Skip(1).ToArray();
        if (!int.TryParse(arguments[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            throw new ConfigurationException($"'{arguments[0]}' is neither a command nor an INDEX, a number from 0. See --help.");
        }
        if (addresses.Length is < 1 or > Votes.MaxMembers)
        {
            throw new ConfigurationException($"{addresses.Length} addresses were given; give INDEX and 1 to {Votes.MaxMembers} of host:port.");
        }
        if (index >= addresses.Length)
        {
            throw new ConfigurationException($"INDEX {index} is out of range; 0 to {addresses.Length - 1} are allowed.");
        }
        var members = addresses.Select(Address).ToArray();
        var master = members.OrderBy(m => m.Host, StringComparer.Ordinal).ThenBy(m => m.Port).First();
        var votes = members.Select(m => m == master && members.Length > 1 ? 2 : 1);
        return ConfigurationFactory.ParseString($$"""
            firecloud {
              node = {{index}}
              members = [{{string.Join(", ", members.Select(m => $"\"{m}\""))}}]
              votes = [{{string.Join(", ", votes)}}]
            }
            """);
    }

    private static Member Address(string text) =>
        NodeSettings.TryReadAddress(text, out var member) is { } wrong ? throw new ConfigurationException(wrong) : member;
}
