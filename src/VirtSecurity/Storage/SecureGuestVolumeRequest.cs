using System.Text.RegularExpressions;
using VirtSecurity.Facts;
using VirtSecurity.Hosts;
using VirtSecurity.Resources;
using VirtSecurity.Tools;

namespace VirtSecurity.Storage;

/// <summary>A volume as asked for. Made by <see cref="Validated"/> only, so that what reaches a tool has been checked.</summary>
internal sealed partial record SecureGuestVolumeRequest
{
    /// <summary>What an image store's mount is given unless the user says otherwise.</summary>
    public static IReadOnlyList<string> DefaultMountOptions { get; } = ["nodev", "nosuid", "noexec", "nofail"];

    private static readonly string[] ReservedParts =
    [
        "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_imeta", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage", "_rmeta", "_tdata", "_tmeta",
        "_vdata", "_vorigin", "_wcorig",
    ];

    private SecureGuestVolumeRequest()
    {
    }

    public required VirtHost Host { get; init; }
    public required string VolumeGroup { get; init; }
    public required string Name { get; init; }

    /// <summary>Bytes, before rounding up to extents.</summary>
    public required long Size { get; init; }

    public required string MountPoint { get; init; }
    public required GuestFileSystem FileSystem { get; init; }
    public required Hypervisor? Hypervisor { get; init; }
    public required string? SELinuxType { get; init; }
    public required IReadOnlyList<string> MountOptions { get; init; }
    public required bool Persist { get; init; }

    /// <summary>The object as messages name it.</summary>
    public string Subject => $"{VolumeGroup}/{Name}";

    /// <summary>The volume's node.</summary>
    public string Device => Lvm.DevicePath(VolumeGroup, Name);

    /// <summary>Checks all that can be checked without a host.</summary>
    /// <exception cref="VirtException">InvalidName, InvalidPath, RefusedPath, InvalidMountOption, FileSystemTooSmall.</exception>
    public static SecureGuestVolumeRequest Validated(
        VirtHost host, string volumeGroup, string name, long size, string mountPoint, GuestFileSystem fileSystem,
        Hypervisor? hypervisor, string? selinuxType, IReadOnlyList<string>? mountOptions, bool persist)
    {
        RequireName(volumeGroup);
        RequireName(name);
        // dm joins both with a hyphen, doubles those inside, and holds 127 bytes.
        if ($"{volumeGroup}{name}".Sum(c => c == '-' ? 2 : 1) > 126) throw new VirtException("InvalidName", name, "it is too long");
        HostPath.RequireImagePlace(mountPoint);
        if (size < Mkfs.LeastBytes(fileSystem))
            throw new VirtException("FileSystemTooSmall", Mkfs.NameOf(fileSystem), Mkfs.LeastBytes(fileSystem) >> 20, size);

        var options = mountOptions ?? DefaultMountOptions;
        foreach (var option in options)
        {
            if (!Mount.IsKnownOption(option)) throw new VirtException("InvalidMountOption", option, "it is not known");
            if (options.Count(other => other.Split('=')[0] == option.Split('=')[0]) > 1 && !option.StartsWith("x-", StringComparison.Ordinal))
                throw new VirtException("InvalidMountOption", option, "it is given twice");
        }

        return new SecureGuestVolumeRequest
        {
            Host = host,
            VolumeGroup = volumeGroup,
            Name = name,
            Size = size,
            MountPoint = mountPoint,
            FileSystem = fileSystem,
            Hypervisor = hypervisor,
            SELinuxType = selinuxType,
            MountOptions = [.. options],
            Persist = persist,
        };
    }

    /// <summary>lvm(8), "Valid names".</summary>
    private static void RequireName(string name)
    {
        var reason = name switch
        {
            _ when !NameShape().IsMatch(name) => "LVM allows a-z A-Z 0-9 + _ . - and no hyphen first",
            "." or ".." or "snapshot" or "pvmove" => "LVM reserves it",
            _ when name.StartsWith("snapshot", StringComparison.Ordinal) || name.StartsWith("pvmove", StringComparison.Ordinal) => "LVM reserves it",
            _ when ReservedParts.Any(part => name.Contains(part, StringComparison.Ordinal)) => "LVM reserves it",
            _ => null,
        };
        if (reason is not null) throw new VirtException("InvalidName", name, reason);
    }

    [GeneratedRegex(@"\A[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NameShape();
}
