using Firecloud.Actors.Node;
using Firecloud.Actors.Protocol;
using Firecloud.Actors.Wire;

namespace Firecloud.Client.Backup;

/// <summary>What a backup needs to know of a cluster.</summary>
/// <param name="Configuration">Members, votes, shards.</param>
/// <param name="Limits">Longest key and value.</param>
internal sealed record ClusterView(Configuration Configuration, SizeLimits Limits)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks the nodes that the client was given, one after the other.</summary>
    /// <exception cref="FirecloudException">None answered.</exception>
    public static async Task<ClusterView> AskAsync(FirecloudClient client, CancellationToken cancellationToken)
    {
        FirecloudException? last = null;
        foreach (var node in client.Contacts)
        {
            try
            {
                var frame = await client.AskFrameAsync(
                    node, FirecloudNode.ClientsName, new ConfigurationRequest(), Patience, cancellationToken).ConfigureAwait(false);
                if (new Codec(Votes.MaxMembers, 65536).Decode(frame.Bytes) is ConfigurationReply reply && Read(reply) is { } view) return view;
            }
            catch (Exception e) when (e is FirecloudException or WireFormatException)
            {
                last = e as FirecloudException ?? new FirecloudException($"{node}: {e.Message}", e);
            }
        }
        throw last ?? new FirecloudException($"None of {string.Join(", ", client.Contacts)} said what the cluster is; are they of another version?");
    }

    private static ClusterView? Read(ConfigurationReply reply)
    {
        var members = new List<Member>();
        foreach (var text in reply.Members)
        {
            if (NodeSettings.TryReadAddress(text, out var member) is not null) return null;
            members.Add(member);
        }
        try
        {
            var configuration = new Configuration(members, new Votes(reply.Votes), reply.Shards, reply.Epoch);
            return new ClusterView(configuration, new SizeLimits(reply.MaxKey, reply.MaxValue));
        }
        catch (ArgumentException)
        {
            return null;   // a configuration that can't be: not from a node of ours
        }
    }
}
