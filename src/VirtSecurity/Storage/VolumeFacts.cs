using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>What is on a host, as far as one volume that exists, or has existed, is concerned.</summary>
/// <param name="State">The volume at its place.</param>
/// <param name="Groups">All volume groups.</param>
/// <param name="Users">Processes that hold devices.</param>
/// <param name="FstabFile">/etc/fstab, byte for byte.</param>
internal sealed record VolumeFacts(VolumeState State, IReadOnlyList<VolumeGroupFact> Groups, IReadOnlyList<DeviceUser> Users, byte[] FstabFile)
{
    /// <summary>The directory of the mount point itself, be it hidden by the mount; null: there is none, or nobody asked.</summary>
    public PathFact? Directory { get; init; }

    /// <summary>It is empty.</summary>
    public bool DirectoryIsEmpty { get; init; }

    /// <summary>It is immutable.</summary>
    public bool DirectoryIsImmutable { get; init; }

    /// <summary>What the file system says of its size; null: it is not one that grows while mounted, is not mounted, or nobody asked.</summary>
    public FileSystemSizeFact? FileSystemSize { get; init; }

    /// <summary>The host's storage.</summary>
    public HostStorage Storage => State.Storage;
}

/// <summary>Reads the facts of many volumes of a host: in one round trip all that can be asked of a host, in a second one what depends on which volume is meant.</summary>
internal static class VolumeReader
{
    /// <summary>For removal: the directories that mounts hide.</summary>
    public static Task<IReadOnlyList<Func<VolumeFacts>>> WithDirectoryAsync<T>(
        IHost host, IReadOnlyList<T> requests, Func<T, VolumeIdentity> identity, Func<T, IEnumerable<string>> tools, CancellationToken stop) => ReadAsync(host, requests, identity, tools, AskDirectory, stop);

    /// <summary>For growing: the file systems' own sizes.</summary>
    public static Task<IReadOnlyList<Func<VolumeFacts>>> WithFileSystemSizeAsync<T>(
        IHost host, IReadOnlyList<T> requests, Func<T, VolumeIdentity> identity, Func<T, IEnumerable<string>> tools, CancellationToken stop) => ReadAsync(host, requests, identity, tools, AskSize, stop);

    private static async Task<IReadOnlyList<Func<VolumeFacts>>> ReadAsync<T>(
        IHost host, IReadOnlyList<T> requests, Func<T, VolumeIdentity> identity, Func<T, IEnumerable<string>> tools, Func<FactBatch, VolumeFacts, Func<VolumeFacts>> more, CancellationToken stop)
    {
        var batch = new FactBatch();
        var storage = HostStorage.Ask(batch, host.Name);
        var groups = batch.Ask(Lvm.Groups(), FactUnknown.Unless(Lvm.ReadGroups));
        var users = batch.Ask(ProcessUse.Find(), FactUnknown.Unless(ProcessUse.Read));
        var fstab = batch.Ask(Fstab.Read(), FactUnknown.Unless(result => result.StdoutBytes));
        await batch.ReadAsync(host, stop).ConfigureAwait(false);

        var second = new FactBatch();
        var answers = requests.Select(request =>
        {
            try
            {
                var all = storage(facts => facts.RequireReady(tools(request)));
                return more(second, new VolumeFacts(identity(request).In(all), groups.Value, users.Value, fstab.Value));
            }
            catch (VirtException unknown)
            {
                return () => throw unknown;
            }
        }).ToArray();
        await second.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }

    private static Func<VolumeFacts> AskDirectory(FactBatch batch, VolumeFacts facts)
    {
        if (facts.State.MountPoint is not { } place) return () => facts;
        if (!HostPath.IsImagePlace(place)) throw new VirtException("SystemMount", facts.State.DevicePath, place);
        var beneath = batch.Ask(Mount.Beneath(place), FactUnknown.Unless(Mount.ReadBeneath));
        return () => facts with { Directory = beneath.Value.Directory, DirectoryIsEmpty = beneath.Value.Empty, DirectoryIsImmutable = beneath.Value.Immutable };
    }

    private static Func<VolumeFacts> AskSize(FactBatch batch, VolumeFacts facts)
    {
        var state = facts.State;
        if (!state.IsMounted || !FileSystemSize.CanGrow(state.FileSystem)) return () => facts;
        var size = batch.Ask(FileSystemSize.Look(state.FileSystem!, state.DevicePath, state.MountPoint!), FactUnknown.Unless(FileSystemSize.Read));
        return () => facts with { FileSystemSize = size.Value };
    }
}
