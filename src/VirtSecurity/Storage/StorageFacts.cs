using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>What is on a host, as far as one volume asked for is concerned.</summary>
internal sealed record StorageFacts(
    HostFacts Host,
    IReadOnlyList<VolumeGroupFact> Groups,
    IReadOnlyList<LogicalVolumeFact> Volumes,
    IReadOnlyList<BlockDeviceFact> Devices,
    IReadOnlyList<MountFact> Mounts,
    IReadOnlyList<FstabEntry> Fstab,
    bool FstabLacksFinalNewline,
    PathFacts MountPoint,
    bool MountPointIsEmpty,
    bool MountPointIsImmutable);

/// <summary>Reads the facts of many volumes of a host in one round trip.</summary>
internal static class StorageReader
{
    /// <summary>The tools that making a volume needs there.</summary>
    public static IEnumerable<string> ToolsFor(SecureGuestVolumeRequest request) =>
        ["lvs", "vgs", "lvcreate", "lvremove", request.FileSystem == GuestFileSystem.Xfs ? "mkfs.xfs" : "mke2fs", "mount", "umount", "findmnt", "lsblk", "semanage", "restorecon", "flock"];

    /// <summary>One answer a request, in that order; a request whose facts cannot be had has an error instead.</summary>
    public static async Task<IReadOnlyList<Func<StorageFacts>>> ReadAsync(
        IHost host, IReadOnlyList<SecureGuestVolumeRequest> requests, CancellationToken stop)
    {
        var batch = new FactBatch();
        var common = HostFacts.Ask(batch, host.Name);
        var groups = batch.Ask(Lvm.Groups(), FactUnknown.Unless(Lvm.ReadGroups));
        var volumes = batch.Ask(Lvm.Volumes(), FactUnknown.Unless(Lvm.ReadVolumes));
        var devices = batch.Ask(Lsblk.All(), FactUnknown.Unless(Lsblk.ReadAll));
        var mounts = batch.Ask(Mount.Table(), FactUnknown.Unless(Mount.ReadTable));
        var fstab = batch.Ask(Tools.Fstab.Read(), FactUnknown.Unless(result => (Entries: Tools.Fstab.ReadEntries(result), Lacks: Tools.Fstab.LacksFinalNewline(result))));
        var answers = requests.Select(request =>
        {
            var path = PathFacts.Ask(batch, request.MountPoint);
            var state = batch.Ask(Coreutils.DirectoryState(request.MountPoint), FactUnknown.Unless(Coreutils.ReadDirectoryState));
            return (Func<StorageFacts>)(() =>
            {
                // Root first: without it every other answer would be a riddle.
                var facts = common();
                facts.RequireReady(ToolsFor(request));
                return new StorageFacts(
                    facts, groups.Value, volumes.Value, devices.Value, mounts.Value, fstab.Value.Entries, fstab.Value.Lacks,
                    path(), state.Value.Empty, state.Value.Immutable);
            });
        }).ToArray();
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return answers;
    }
}
