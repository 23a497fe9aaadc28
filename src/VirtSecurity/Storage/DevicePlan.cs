using VirtSecurity.Changes;
using VirtSecurity.Facts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A partition or disk that exists: whether it may be used, and the file system on it.</summary>
internal static class DevicePlan
{
    /// <summary>It is a block device that can be written to, has room for the file system, and the size asked for if one is.</summary>
    /// <exception cref="VirtException">DeviceNotFound, DeviceNotUsable, FileSystemTooSmall, VolumeDiffers.</exception>
    public static void RequireDevice(SecureGuestVolumeRequest request, DeviceFact device)
    {
        if (device.Node is { } target && !HostPath.IsAtOrBelow(target, "/dev"))
            throw new VirtException("DeviceNotUsable", request.DevicePath, $"it is a symbolic link to {target}, which does not lie below /dev");
        if (device.Kind == "none") throw new VirtException("DeviceNotFound", request.DevicePath, request.Host);
        var reason = device switch
        {
            { IsBlockDevice: false } => $"{Named(request, device)} is a {device.Kind} and no block device",
            { Size: 0 } => $"{Named(request, device)} has no medium",
            { IsReadOnly: true } => $"{Named(request, device)} is read-only",
            _ => null,
        };
        if (reason is not null) throw new VirtException("DeviceNotUsable", request.DevicePath, reason);
        SecureGuestVolumeRequest.RequireLeastSize(request.FileSystem, device.Size);
        if (request.Size > 0 && request.Size != device.Size) throw new VirtException("VolumeDiffers", request.Subject, "size in bytes", device.Size, request.Size);
    }

    /// <summary>Nobody uses it: neither the kernel nor a process nor a guest, be it running or only defined.</summary>
    /// <exception cref="VirtException">DeviceInUse.</exception>
    public static void RequireUnused(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        var uses = facts.Target!.Uses.Concat(GuestsOf(request, facts)).ToArray();
        if (uses.Length > 0) throw new VirtException("DeviceInUse", Named(request, facts.Target), string.Join("; ", uses));
    }

    /// <summary>It is provably empty, or what is on it may be lost.</summary>
    /// <exception cref="VirtException">DeviceUnreadable, DeviceNotEmpty.</exception>
    public static void RequireEmpty(SecureGuestVolumeRequest request, DeviceFact device)
    {
        if (device.Unreadable.Count > 0) throw new VirtException("DeviceUnreadable", Named(request, device), string.Join("; ", device.Unreadable));
        if (device.Contents.Count > 0 && !request.Force) throw new VirtException("DeviceNotEmpty", Named(request, device), string.Join("; ", device.Contents));
    }

    /// <summary>
    /// The file system. On an empty device it is taken back to empty. What was on another one is gone from here on, and no undo brings
    /// it back.
    /// </summary>
    public static Change MakeFileSystem(SecureGuestVolumeRequest request, DeviceFact device, Guid uuid)
    {
        var make = DeviceGuard.Make(device, request.FileSystem, uuid);
        return device.Contents.Count == 0
            ? new Change("mkfs", [make], DeviceGuard.IsMade(device, uuid), [DeviceGuard.Unmake(device, uuid)])
            : new Change("mkfs", [make], DeviceGuard.IsMade(device, uuid), []) { Loss = Messages.Format("LostOnDevice", Named(request, device), string.Join("; ", device.Contents)) };
    }

    /// <summary>
    /// What fstab and mount may call it. Not its label or the UUID of its file system: a guest that can write to its disk could have the same
    /// there. A partition's identity lies in its table, out of a file system's reach.
    /// </summary>
    public static string StableName(DeviceFact device, IReadOnlyList<LogicalVolumeFact> volumes)
    {
        if (device.PartUuid is { } uuid) return $"PARTUUID={uuid}";
        if (volumes.FirstOrDefault(volume => volume.Device == device.Device) is { } volume) return Lvm.DevicePath(volume.VolumeGroup, volume.Name);
        return StableLink(device) ?? device.Node!;
    }

    /// <summary>Where the device has no name that stays, its line in fstab may mean another one after the next boot.</summary>
    public static IEnumerable<Note> Notes(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        if (request.IsDevice && request.Persist && StableName(facts.Target!, facts.Storage.Volumes) == facts.Target!.Node)
            yield return new Note("DeviceNameNotStable", request.Host.Name, facts.Target.Node);
    }

    /// <summary>A link that says which device it is, rather than what lies on it: those of LVM and md go with their signatures.</summary>
    private static string? StableLink(DeviceFact device)
    {
        string[] contents = ["lvm-pv-uuid-", "md-", "dm-name-"];
        string[] worldWide = ["wwn-", "nvme-eui.", "dm-uuid-"];
        return device.Links
            .Where(link => !contents.Any(prefix => Path.GetFileName(link).StartsWith(prefix, StringComparison.Ordinal)))
            .OrderBy(link => !worldWide.Any(prefix => Path.GetFileName(link).StartsWith(prefix, StringComparison.Ordinal)))
            .ThenBy(link => link, StringComparer.Ordinal)
            .FirstOrDefault();
    }

    /// <summary>Guests that name it, or the disk it is a part of.</summary>
    private static IEnumerable<string> GuestsOf(SecureGuestVolumeRequest request, StorageFacts facts)
    {
        var device = facts.Target!;
        string[] names = [request.DevicePath!, device.Node!, device.Disk!, .. device.Links];
        return facts.Storage.Guests.Of(names)
            .Select(disk => (disk.Guest, disk.IsRunning))
            .GroupBy(disk => disk.Guest, (guest, disks) => disks.Any(disk => disk.IsRunning) ? $"the running guest {guest} uses it" : $"the guest {guest} is defined with it")
            .Order(StringComparer.Ordinal);
    }

    private static string Named(SecureGuestVolumeRequest request, DeviceFact device) =>
        device.Node is null || device.Node == request.DevicePath ? request.DevicePath! : $"{request.DevicePath} ({device.Node})";
}
