using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;

namespace VirtSecurity.Storage;

/// <summary>A volume to be repaired, named by what is known of it: all that is given must be true of it.</summary>
internal sealed record RepairRequest
{
    private RepairRequest()
    {
    }

    public required VirtHost Host { get; init; }
    public required string? VolumeGroup { get; init; }
    public required string? Name { get; init; }
    public required string? DevicePath { get; init; }

    /// <summary>Where it is mounted or to be mounted.</summary>
    public required string? MountPoint { get; init; }

    public required Hypervisor? Hypervisor { get; init; }
    public required string? SELinuxType { get; init; }

    /// <summary>The object as messages name it.</summary>
    public string Subject => Name is not null ? $"{VolumeGroup}/{Name}" : DevicePath ?? MountPoint!;

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">VolumeNotNamed, InvalidPath, RefusedPath.</exception>
    public static RepairRequest Validated(
        VirtHost host, string? volumeGroup, string? name, string? devicePath, string? mountPoint, Hypervisor? hypervisor, string? selinuxType)
    {
        if (volumeGroup is null != name is null || (name ?? devicePath ?? mountPoint) is null) throw new VirtException("VolumeNotNamed", volumeGroup ?? name ?? "-");
        if (devicePath is not null) HostPath.RequireCanonical(devicePath);
        if (mountPoint is not null) HostPath.RequireMountPoint(mountPoint);
        return new RepairRequest
        {
            Host = host,
            VolumeGroup = volumeGroup,
            Name = name,
            DevicePath = devicePath,
            MountPoint = mountPoint,
            Hypervisor = hypervisor,
            SELinuxType = selinuxType,
        };
    }

    /// <summary>The volume that is meant, at its mount point or at the one it is to get.</summary>
    /// <exception cref="VirtException">VolumeNotFound; RepairUndecided: more than one, or nobody says where it belongs.</exception>
    public VolumeState Find(HostStorage storage)
    {
        var named = StoreInventory.Find(storage).Where(Names).ToArray();
        // One that is nowhere yet goes where the request says.
        var meant = named.Where(state => state.MountPoint == MountPoint || MountPoint is null).ToArray() is { Length: > 0 } there ? there : [.. named.Where(state => state.MountPoint is null)];
        return meant switch
        {
            [] => throw new VirtException("VolumeNotFound", Subject, Host.Name),
            [{ IsRaw: true } state] => state,
            [{ MountPoint: null } state] when MountPoint is not null && (Name ?? DevicePath) is not null => new VolumeState(storage, state.DevicePath, state.Volume, state.Device, MountPoint),
            [{ MountPoint: null }] => throw Undecided("it is neither mounted nor in /etc/fstab, so nobody says where it belongs: name its -MountPoint"),
            [var state] => state,
            _ => throw Undecided($"it is at {string.Join(" and ", meant.Select(state => state.MountPoint ?? state.DevicePath))}: name one -MountPoint"),
        };
    }

    /// <summary>The same volume by all that is known of it.</summary>
    public RepairRequest Of(VolumeState state) => this with { VolumeGroup = state.Volume?.VolumeGroup ?? VolumeGroup, Name = state.Volume?.Name ?? Name, MountPoint = state.MountPoint ?? MountPoint };

    /// <summary>The error for what a repair cannot decide.</summary>
    public VirtException Undecided(string reason) => new("RepairUndecided", Subject, reason);

    private bool Names(VolumeState state) =>
        (Name is null || (state.Volume?.VolumeGroup == VolumeGroup && state.Volume?.Name == Name)) && (DevicePath is null || state.IsOwnName(DevicePath));
}
