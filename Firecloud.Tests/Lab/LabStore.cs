// LabStore.cs - what the lab has to know of a store: how its nodes are started, when all of them serve, and how clients reach them.
using System.Diagnostics;

namespace Firecloud.Tests.Lab;

/// <summary>A store whose nodes the lab starts and ends.</summary>
/// <param name="network">Where they live.</param>
/// <param name="members">How many.</param>
internal abstract class LabStore(LabNetwork network, int members)
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public int Members => members;

    /// <summary>Votes of each member.</summary>
    public abstract IReadOnlyList<int> Votes { get; }

    /// <summary>Whether it adds to numbers.</summary>
    public abstract bool Counts { get; }

    protected LabNetwork Network => network;

    /// <summary>A store by its name: firecloud or etcd. Settings: a HOCON file with more for Firecloud's nodes.</summary>
    public static LabStore Of(string name, LabNetwork network, int members, string? settings) =>
        name == "etcd" ? new EtcdStore(network, members) : new FirecloudStore(network, members, settings);

    /// <summary>Where a member keeps its records: a folder below one that may be a disk of its own.</summary>
    public string FolderOf(int member) => Path.Combine(DiskOf(member), "data");

    /// <summary>The folder above it.</summary>
    public string DiskOf(int member) => Path.Combine(network.Slot.Folder, $"node-{member}");

    /// <summary>How a member's process is started, within its namespace.</summary>
    public abstract ProcessStartInfo Start(int member);

    /// <summary>What an operator does before a member whose folder was wiped is started.</summary>
    public virtual Task ReplaceAsync(int member) => Task.CompletedTask;

    /// <summary>Waits until every member serves; throws a TimeoutException that says what is missing.</summary>
    public abstract Task ReadyAsync();

    /// <summary>The member that is the master, or leads.</summary>
    public abstract Task<int> MasterAsync();

    /// <summary>A client of one member, which never asks another.</summary>
    public abstract ILabClient ClientOf(int member);

    /// <summary>A client that knows all members.</summary>
    public abstract Task<ILabClient> ClientOfAllAsync();
}
