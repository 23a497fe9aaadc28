using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A volume as asked for. Made by <see cref="Validated"/> only, so that what reaches a tool has been checked.</summary>
internal sealed record SecureGuestVolumeRequest
{
    /// <summary>What an image store's mount is given unless the user says otherwise.</summary>
    public static IReadOnlyList<string> DefaultMountOptions { get; } = ["nodev", "nosuid", "noexec", "nofail"];

    private SecureGuestVolumeRequest()
    {
    }

    public required VirtHost Host { get; init; }

    /// <summary>Its volume group; empty: it is a device.</summary>
    public required string VolumeGroup { get; init; }

    /// <summary>Its name there; empty: it is a device.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes, before rounding up to extents; of a device 0 means whatever it has.</summary>
    public required long Size { get; init; }

    /// <summary>The thin pool to take a new volume from; null: the volume group itself.</summary>
    public string? ThinPool { get; private init; }

    /// <summary>The partition or disk to use instead of a new volume, as the user names it; null: a logical volume.</summary>
    public string? DevicePath { get; private init; }

    /// <summary>What is on the device may be lost.</summary>
    public bool Force { get; private init; }

    public required string MountPoint { get; init; }
    public required GuestFileSystem FileSystem { get; init; }
    public required Hypervisor? Hypervisor { get; init; }
    public required string? SELinuxType { get; init; }
    public required IReadOnlyList<string> MountOptions { get; init; }
    public required bool Persist { get; init; }

    /// <summary>The object as messages name it.</summary>
    public string Subject => DevicePath ?? $"{VolumeGroup}/{Name}";

    /// <summary>The volume's node, or the device by the user's name for it.</summary>
    public string Device => DevicePath ?? Lvm.DevicePath(VolumeGroup, Name);

    /// <summary>The logical volume it is.</summary>
    public LogicalVolumeRequest Volume => new(Host, VolumeGroup, Name, Size, ThinPool);

    /// <summary>A partition or disk that exists, and no logical volume.</summary>
    public bool IsDevice => DevicePath is not null;

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">InvalidName, InvalidPath, RefusedPath, InvalidMountOption, FileSystemTooSmall.</exception>
    public static SecureGuestVolumeRequest Validated(
        VirtHost host, string volumeGroup, string name, long size, string mountPoint, GuestFileSystem fileSystem,
        Hypervisor? hypervisor, string? selinuxType, IReadOnlyList<string>? mountOptions, bool persist, string? thinPool = null)
    {
        VolumeName.Require(volumeGroup, name);
        if (thinPool is not null) VolumeName.Require(thinPool);
        HostPath.RequireMountPoint(mountPoint);
        RequireLeastSize(fileSystem, size);
        return new SecureGuestVolumeRequest
        {
            Host = host,
            VolumeGroup = volumeGroup,
            Name = name,
            Size = size,
            ThinPool = thinPool,
            MountPoint = mountPoint,
            FileSystem = fileSystem,
            Hypervisor = hypervisor,
            SELinuxType = selinuxType,
            MountOptions = Options(mountOptions),
            Persist = persist,
        };
    }

    /// <summary>The same for a partition or disk that exists. What it is shows only on the host.</summary>
    /// <param name="host">The host.</param>
    /// <param name="devicePath">Its node or one of udev's links to it.</param>
    /// <param name="size">The bytes it is expected to have; null: any.</param>
    /// <param name="mountPoint">Where to mount it.</param>
    /// <param name="fileSystem">What to make on it.</param>
    /// <param name="hypervisor">For whose guests.</param>
    /// <param name="selinuxType">The image type.</param>
    /// <param name="mountOptions">Null: the default ones.</param>
    /// <param name="persist">With a line in /etc/fstab.</param>
    /// <param name="force">What is on it may be lost.</param>
    /// <exception cref="VirtException">InvalidPath, RefusedPath, DeviceNotUsable, InvalidMountOption, FileSystemTooSmall.</exception>
    public static SecureGuestVolumeRequest OfDevice(
        VirtHost host, string devicePath, long? size, string mountPoint, GuestFileSystem fileSystem,
        Hypervisor? hypervisor, string? selinuxType, IReadOnlyList<string>? mountOptions, bool persist, bool force)
    {
        HostPath.RequireCanonical(devicePath);
        // Elsewhere anybody may have made a link, or may change it while we look.
        if (!HostPath.IsAtOrBelow(devicePath, "/dev") || devicePath == "/dev") throw new VirtException("DeviceNotUsable", devicePath, "it does not lie below /dev");
        HostPath.RequireMountPoint(mountPoint);
        if (size is { } bytes) RequireLeastSize(fileSystem, bytes);
        return new SecureGuestVolumeRequest
        {
            Host = host,
            VolumeGroup = "",
            Name = "",
            Size = size ?? 0,
            DevicePath = devicePath,
            Force = force,
            MountPoint = mountPoint,
            FileSystem = fileSystem,
            Hypervisor = hypervisor,
            SELinuxType = selinuxType,
            MountOptions = Options(mountOptions),
            Persist = persist,
        };
    }

    /// <summary>The file system needs so much.</summary>
    /// <exception cref="VirtException">FileSystemTooSmall.</exception>
    public static void RequireLeastSize(GuestFileSystem fileSystem, long size)
    {
        if (size < Mkfs.LeastBytes(fileSystem))
            throw new VirtException("FileSystemTooSmall", Mkfs.NameOf(fileSystem), Mkfs.LeastBytes(fileSystem) >> 20, size);
    }

    private static IReadOnlyList<string> Options(IReadOnlyList<string>? asked)
    {
        var options = asked ?? DefaultMountOptions;
        foreach (var option in options)
        {
            if (!Mount.IsKnownOption(option)) throw new VirtException("InvalidMountOption", option, "it is not known");
            if (options.Count(other => other.Split('=')[0] == option.Split('=')[0]) > 1 && !option.StartsWith("x-", StringComparison.Ordinal))
                throw new VirtException("InvalidMountOption", option, "it is given twice");
        }

        return [.. options];
    }
}
