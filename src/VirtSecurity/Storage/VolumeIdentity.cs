using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>Which volume is meant: by volume group and name, by device, by mount point. All that are given must mean the same one.</summary>
internal sealed record VolumeIdentity
{
    private VolumeIdentity()
    {
    }

    public required VirtHost Host { get; init; }
    public required string? VolumeGroup { get; init; }
    public required string? Name { get; init; }
    public required string? DevicePath { get; init; }
    public required string? MountPoint { get; init; }

    /// <summary>The volume as messages name it.</summary>
    public string Subject => Name is not null ? $"{VolumeGroup}/{Name}" : DevicePath ?? MountPoint!;

    /// <summary>What no two requests of one run may share.</summary>
    public IEnumerable<string> Keys => ((string?[])[Name is null ? null : Subject, DevicePath, MountPoint]).OfType<string>().Distinct();

    /// <summary>Checks all that can be checked without a host. Blank is not given: a partition in the pipeline has neither volume group nor name.</summary>
    /// <exception cref="VirtException">VolumeNotNamed, InvalidName, InvalidPath.</exception>
    public static VolumeIdentity Validated(VirtHost host, string? volumeGroup, string? name, string? devicePath, string? mountPoint)
    {
        (volumeGroup, name, devicePath, mountPoint) = (Given(volumeGroup), Given(name), Given(devicePath), Given(mountPoint));
        if ((volumeGroup is null) != (name is null) || (name ?? devicePath ?? mountPoint) is null) throw new VirtException("VolumeNotNamed", volumeGroup ?? name ?? "-");
        if (name is not null) VolumeName.Require(volumeGroup!, name);
        if (devicePath is not null)
        {
            HostPath.RequireCanonical(devicePath);
            if (!HostPath.IsAtOrBelow(devicePath, "/dev")) throw new VirtException("InvalidPath", devicePath, "it is not below /dev");
        }

        if (mountPoint is not null) HostPath.RequireCanonical(mountPoint);
        return new VolumeIdentity { Host = host, VolumeGroup = volumeGroup, Name = name, DevicePath = devicePath, MountPoint = mountPoint };
    }

    /// <summary>
    /// The volume that is meant, at its mount point: where it is said to be, is mounted, or would be at boot. What is not there any more has
    /// neither volume nor device.
    /// </summary>
    /// <exception cref="VirtException">VolumeDiffers: what was given means more than one volume.</exception>
    public VolumeState In(HostStorage storage)
    {
        var links = storage.Guests.Links;
        var (volume, path) = Name is not null ? (storage.Volumes.FirstOrDefault(one => one.VolumeGroup == VolumeGroup && one.Name == Name), Lvm.DevicePath(VolumeGroup!, Name))
            : DevicePath is not null ? (VolumeAt(storage, DevicePath), DevicePath)
            : AtMountPoint(storage);
        if (volume is not null) path = Lvm.DevicePath(volume.VolumeGroup, volume.Name);
        var node = links.Resolve(path);
        var device = volume is not null ? storage.DeviceOf(volume) : storage.Devices.FirstOrDefault(one => links.Resolve(one.Path) == node);
        if (DevicePath is not null && Name is not null && device is not null && links.Resolve(DevicePath) != links.Resolve(device.Path))
            throw new VirtException("VolumeDiffers", Subject, "device", path, DevicePath);

        var place = MountPoint ?? PlaceOf(storage, new VolumeState(storage, path, volume, device, null));
        var state = new VolumeState(storage, path, volume, device, place);
        if (!state.IsMounted && state.MountedAtPoint is { } other) throw new VirtException("VolumeDiffers", Subject, $"what is mounted at {place}", other.Source, path);
        if (!state.IsMounted && state.Elsewhere is { } elsewhere) throw new VirtException("VolumeDiffers", Subject, "mount point", elsewhere.MountPoint, place);
        return state;
    }

    /// <summary>The same volume by all that is known of it.</summary>
    public VolumeIdentity Of(VolumeState state) => this with
    {
        VolumeGroup = state.Volume?.VolumeGroup ?? VolumeGroup,
        Name = state.Volume?.Name ?? Name,
        DevicePath = state.Volume is null && HostPath.IsAtOrBelow(state.DevicePath, "/dev") ? state.DevicePath : DevicePath,
        MountPoint = state.MountPoint ?? MountPoint,
    };

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string? PlaceOf(HostStorage storage, VolumeState anywhere) =>
        storage.Mounts.FirstOrDefault(mount => mount.Device == anywhere.Device?.Device && mount.Root == "/")?.MountPoint
        ?? storage.Fstab.FirstOrDefault(entry => anywhere.IsOwnName(entry.Source))?.MountPoint;

    private static LogicalVolumeFact? VolumeAt(HostStorage storage, string path)
    {
        var node = storage.Guests.Links.Resolve(path);
        return storage.Volumes.FirstOrDefault(volume =>
            path == Lvm.DevicePath(volume.VolumeGroup, volume.Name) || path == Lvm.MapperPath(volume.VolumeGroup, volume.Name)
            || (storage.DeviceOf(volume) is { } device && storage.Guests.Links.Resolve(device.Path) == node));
    }

    private (LogicalVolumeFact? Volume, string Path) AtMountPoint(HostStorage storage)
    {
        if (storage.Mounts.LastOrDefault(mount => mount.MountPoint == MountPoint) is { } mount)
        {
            var device = storage.Devices.FirstOrDefault(one => one.Device == mount.Device);
            return (storage.Volumes.FirstOrDefault(volume => volume.Device == mount.Device), device?.Path ?? mount.Source);
        }

        // Nothing is mounted there: fstab may still say what would be.
        var source = storage.Fstab.FirstOrDefault(entry => entry.MountPoint == MountPoint)?.Source;
        if (source is null) return (null, MountPoint!);
        var name = VolumeState.NodeName(source);
        return (VolumeAt(storage, name), name);
    }
}
