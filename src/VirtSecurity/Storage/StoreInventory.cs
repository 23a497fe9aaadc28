using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.SELinux;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>What volumes for guests are on a host. Reading is one round trip; finding them is pure.</summary>
internal static class StoreInventory
{
    /// <summary>File systems that keep a label.</summary>
    private static readonly string[] Labelled = ["ext2", "ext3", "ext4", "xfs", "btrfs"];

    /// <summary>Reads a host and finds them.</summary>
    public static async Task<IReadOnlyList<SecureGuestVolume>> ReadAsync(IHost host, CancellationToken stop)
    {
        var batch = new FactBatch();
        var storage = HostStorage.Ask(batch, host.Name);
        await batch.ReadAsync(host, stop).ConfigureAwait(false);
        return [.. Find(storage(facts => facts.RequireReadable())).Select(SecureGuestVolume.From)];
    }

    /// <summary>
    /// Volumes made by us, whatever volume or partition is mounted or in fstab with an image type as its label or by its rule, and, while an
    /// administrator's image rule names a path that does not exist, what it may have been meant for.
    /// </summary>
    public static IReadOnlyList<VolumeState> Find(HostStorage storage)
    {
        var all = Places(storage).ToArray();
        var isRuleAstray = VolumeProblems.PathsWithoutPlace(storage).Count > 0;
        return [.. all.Where(state => state.IsOurs || HasImageType(state) || (isRuleAstray && MayBeMeant(state)))];
    }

    /// <summary>Whether a rule for a path that does not exist may have been meant for it: mounted, no part of the system, able to keep a label, and without a type of its own.</summary>
    public static bool MayBeMeant(VolumeState state) =>
        state.IsMounted && !HasImageType(state) && Labelled.Contains(state.FileSystem) && HostPath.IsImagePlace(state.MountPoint!);

    private static bool HasImageType(VolumeState state) => IsImageType(state.Root?.Context) || IsImageType(state.Rule?.Context);

    private static bool IsImageType(SecurityContext? context) => context is not null && ImageTypes.All.Contains(context.Type);

    /// <summary>Each volume and partition at each place where it is mounted or would be at boot; ours that are nowhere, too.</summary>
    private static IEnumerable<VolumeState> Places(HostStorage storage)
    {
        var volumes = storage.Volumes.Select(volume => (Path: Lvm.DevicePath(volume.VolumeGroup, volume.Name), Volume: (LogicalVolumeFact?)volume, Device: storage.DeviceOf(volume))).ToArray();
        var ofVolumes = volumes.Select(volume => volume.Device).OfType<BlockDeviceFact>().ToHashSet();
        var others = storage.Devices.Where(device => !ofVolumes.Contains(device)).DistinctBy(device => device.Device).Select(device => (device.Path, Volume: (LogicalVolumeFact?)null, Device: (BlockDeviceFact?)device));
        var mounts = storage.Mounts.Where(mount => mount.Root == "/" || mount.Device.StartsWith("0:", StringComparison.Ordinal))
            .Where(mount => mount.Source.StartsWith("/dev/", StringComparison.Ordinal)).ToArray();
        foreach (var (path, volume, device) in volumes.Concat(others))
        {
            var nowhere = new VolumeState(storage, path, volume, device, null);
            var points = mounts.Where(nowhere.IsMountOf).Select(mount => mount.MountPoint)
                .Concat(storage.Fstab.Where(entry => entry.MountPoint.StartsWith('/') && nowhere.IsOwnName(entry.Source)).Select(entry => entry.MountPoint))
                .Distinct().ToArray();
            foreach (var point in points) yield return new VolumeState(storage, path, volume, device, point);
            if (points.Length == 0) yield return nowhere;
        }
    }
}
